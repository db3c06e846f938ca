"""`python -m migration` as a user runs it, on real servers with real gateways in between."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.support.clusters import Cluster, Clusters
from tests.support.moves import World, default_world, world
from tests.support.versions import DEFAULT_VERSIONS

pytestmark = pytest.mark.acceptance

ROWS = 2000


@pytest.fixture
def shared(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[World]:
    with world(tmp_path, source_cluster, target_cluster, rows=ROWS) as made:
        yield made


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[World]:
    """A world whose services were all moved by one run; its outcome is in `outcome.json`."""
    with default_world(tmp_path_factory.mktemp("world"), clusters, rows=ROWS) as made:
        done = made.run("run", "--stop-writes", "--all", "--yes", "--json")
        assert done.returncode == 0, done.stderr
        (made.folder / "outcome.json").write_text(done.stdout)
        (made.folder / "progress.txt").write_text(done.stderr)
        yield made


def output_of(moved: World, name: str = "outcome.json") -> str:
    return (moved.folder / name).read_text()


def test_a_moved_service_answers_from_its_own_database(moved: World) -> None:
    with moved.gated["user"].endpoint.connect() as connection:
        row = connection.execute("SELECT current_database(), count(*) FROM users").fetchone()
    assert row == (moved.target("user").endpoint.database, ROWS)


def test_a_moved_service_can_write(moved: World) -> None:
    insert = "INSERT INTO users (email) VALUES ('new@example.org') RETURNING id"
    with moved.gated["user"].endpoint.connect() as connection, connection.transaction(force_rollback=True):
        row = connection.execute(insert).fetchone()
    assert row is not None
    assert row[0] > ROWS, "the sequence would give a number twice"


def test_the_shared_database_keeps_the_data_and_takes_no_more_writes(moved: World) -> None:
    with moved.source.connect() as connection:
        assert connection.execute("SELECT count(*) FROM user_schema.users").fetchone() == (ROWS,)
        with pytest.raises(psycopg.Error, match="writes"):
            connection.execute("DELETE FROM user_schema.users")


def test_large_objects_have_moved(moved: World) -> None:
    with moved.gated["user"].endpoint.connect() as connection:
        row = connection.execute(
            "SELECT count(*), min(length(lo_get(picture))) FROM users WHERE picture IS NOT NULL"
        ).fetchone()
    assert row == (3, 1000)


def test_crossing_keys_are_gone_and_kept_for_the_way_back(moved: World) -> None:
    with moved.source.connect() as connection:
        gone = connection.execute("SELECT 1 FROM pg_constraint WHERE conname = 'payments_user_id_fkey'")
        assert gone.fetchone() is None
        kept = connection.execute("SELECT definition FROM waqiti_migration.crossing_keys").fetchone()
    assert kept is not None
    assert "REFERENCES user_schema.users" in kept[0]


def test_the_outcome_as_json_has_rows_seconds_and_verdicts(moved: World) -> None:
    outcome = json.loads(output_of(moved))
    assert {s["service"]: (s["state"], s["rows"], s["verified"]) for s in outcome["services"]} == {
        "user": ("moved", 2 * ROWS + 3, "equal"),
        "payment": ("moved", ROWS, "equal"),
    }


def test_every_line_of_progress_is_json_where_json_was_asked_for(moved: World) -> None:
    lines = output_of(moved, "progress.txt").splitlines()
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_the_report_is_one_page_that_loads_nothing(moved: World) -> None:
    page = Path(json.loads(output_of(moved))["report"])
    text = page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600
    assert not re.search(r"<script|<link|<img|@import|url\(|https?://", text)
    assert text.count("<h2 id=") == 2


def test_the_report_is_there_as_json_too(moved: World) -> None:
    outcome = json.loads(output_of(moved))
    beside = json.loads(Path(outcome["report"]).with_suffix(".json").read_text())
    assert beside == {key: value for key, value in outcome.items() if key != "report"}


def test_a_service_that_is_moved_already_is_left_alone(moved: World) -> None:
    done = moved.run("run", "--stop-writes", "user", "--yes")
    assert done.returncode == 0
    assert "user is moved already" in done.stderr


def test_a_gateway_that_was_led_astray_is_put_right_by_the_next_run(moved: World) -> None:
    moved.gateway("user").repoint("source")
    done = moved.run("run", "--stop-writes", "user", "--yes")
    assert "leads there again" in done.stderr
    assert moved.gateway("user").route() == "target"


def test_status_tells_where_each_service_is(moved: World) -> None:
    found = json.loads(moved.run("status", "--json").stdout)["services"]["payment"]
    assert (found["state"], found["route"]) == ("moved", "target")
    assert (found["source_open"], found["target_open"]) == (False, True)
    assert found["verified"] == f"equal, {ROWS:,} rows"


def test_verify_says_equal_and_exits_with_0(moved: World) -> None:
    done = moved.run("verify", "payment", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["services"]["payment"]["equal"] is True


def test_verify_names_a_row_that_differs_and_exits_with_21(moved: World) -> None:
    with moved.gated["payment"].endpoint.connect() as connection:
        connection.execute("UPDATE payments SET amount = amount + 1 WHERE id = 77")
    try:
        done = moved.run("verify", "payment", "--json")
    finally:
        with moved.gated["payment"].endpoint.connect() as connection:
            connection.execute("UPDATE payments SET amount = amount - 1 WHERE id = 77")
    assert done.returncode == 21
    outcome = json.loads(done.stdout)
    (table,) = outcome["services"]["payment"]["tables"]
    assert [difference["key"] for difference in table["differences"]] == [{"id": "77"}]
    assert outcome["error"]["class"] == "VerificationFailed"


def test_no_password_is_in_the_output_the_reports_or_the_journal(moved: World) -> None:
    texts = [output_of(moved), output_of(moved, "progress.txt")]
    texts += [path.read_text() for path in (moved.folder / "state").rglob("*") if path.is_file()]
    with moved.source.connect() as connection:
        for table in ("moves", "steps", "copied_tables", "verifications"):
            select = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier("waqiti_migration", table))
            rows = connection.execute(select)
            texts += [row[0] for row in rows]
    found = [text for text in texts if "-password-of-nothing" in text]
    assert found == []


def test_no_password_is_on_any_command_line_while_it_runs(shared: World) -> None:
    seen: list[str] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            listed = subprocess.run(["ps", "-eww", "-o", "args="], capture_output=True, text=True, check=True)
            seen.append(listed.stdout)

    watcher = threading.Thread(target=look)
    watcher.start()
    done = shared.run("run", "--stop-writes", "user", "--yes")
    stop.set()
    watcher.join()
    assert done.returncode == 0, done.stderr
    assert any("pg_dump" in text for text in seen), "the run was never seen at work"
    assert not any("password-of-nothing" in text for text in seen)


def test_clients_wait_and_no_statement_fails_while_their_service_moves(shared: World) -> None:
    stop = threading.Event()
    failures: list[str] = []
    committed: list[int] = []

    def work(number: int) -> None:
        with shared.gated["user"].endpoint.connect() as client:
            while not stop.is_set():
                try:
                    row = client.execute(
                        "INSERT INTO users (email) VALUES (%s) RETURNING id",
                        (f"client{number}-{len(committed)}-{time.monotonic_ns()}@example.org",),
                    ).fetchone()
                    committed.append(row[0] if row else 0)
                except psycopg.Error as error:
                    failures.append(str(error))
                    return
                time.sleep(0.005)

    clients = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for client in clients:
        client.start()
    time.sleep(0.3)
    done = shared.run("run", "--stop-writes", "user", "--yes")
    time.sleep(0.3)
    stop.set()
    for client in clients:
        client.join()
    assert done.returncode == 0, done.stderr
    assert failures == []
    assert len(set(committed)) == len(committed)
    assert shared.count("user", "SELECT count(*) FROM users") == ROWS + len(committed)


def test_a_difference_that_only_the_verification_sees_stops_the_move(shared: World) -> None:
    corrupt = {
        "step": "copy the rows",
        "point": "acted",
        "act": "execute",
        "database": shared.target("user").conninfo(),
        "statement": "UPDATE user_schema.users SET email = email || ' ' WHERE id = 5",
    }
    done = shared.run(
        "run",
        "--stop-writes",
        "user",
        "--yes",
        entry="tests.support.faulty",
        WAQITI_TEST_FAULTS=json.dumps([corrupt]),
    )
    assert done.returncode == 21
    assert "id 5" in done.stderr or "id=5" in done.stderr or "5" in done.stderr.splitlines()[-1]
    assert shared.open_sides("user") == {"source"}
    assert shared.gateway("user").route() == "source"


def test_a_run_killed_in_the_copy_keeps_the_tables_that_were_done(
    tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster
) -> None:
    with world(tmp_path, source_cluster, target_cluster, rows=300_000) as large:
        running = subprocess.Popen(
            large.command("run", "--stop-writes", "user", "--yes", "--workers", "1"),
            env=large.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        copied = "SELECT count(*) FROM waqiti_migration.copied_tables"
        with large.source.connect() as connection:
            while running.poll() is None:
                there = connection.execute("SELECT to_regclass('waqiti_migration.copied_tables')").fetchone()
                if there != (None,) and connection.execute(copied).fetchone() != (0,):
                    running.kill()
            running.wait()
            kept = connection.execute(copied).fetchone()
        assert running.returncode == -signal.SIGKILL
        assert kept is not None
        done = large.run("run", "--stop-writes", "user", "--yes", "--json")
        assert done.returncode == 0, done.stderr
        (service,) = json.loads(done.stdout)["services"]
        assert service["verified"] == "equal"
        with large.source.connect() as connection:
            row = connection.execute(
                "SELECT figures -> 'kept' FROM waqiti_migration.steps"
                " WHERE step = 'copy the rows' AND outcome = 'done'"
            ).fetchone()
        assert row == kept


def test_a_gateway_killed_during_the_copy_loses_nothing(shared: World) -> None:
    kill = {
        "step": "copy the rows",
        "point": "acted",
        "act": "signal",
        "pid": str(shared.gated["user"].server.pid()),
    }
    done = shared.run(
        "run",
        "--stop-writes",
        "user",
        "--yes",
        entry="tests.support.faulty",
        WAQITI_TEST_FAULTS=json.dumps([kill]),
    )
    assert done.returncode == 24
    assert shared.open_sides("user") in ({"source"}, {"target"})
    shared.gated["user"].server.start()
    again = shared.run("run", "--stop-writes", "user", "--yes")
    assert again.returncode == 0, again.stderr
    assert shared.count("user", "SELECT count(*) FROM users") == ROWS


def test_a_lost_journal_session_stops_the_run_and_the_next_one_finishes(shared: World) -> None:
    cut = {
        "step": "verify",
        "point": "acted",
        "act": "execute",
        "database": shared.source.conninfo(),
        "statement": "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name LIKE 'waqiti-migration operator%' AND datname = current_database()",
    }
    done = shared.run(
        "run",
        "--stop-writes",
        "user",
        "--yes",
        entry="tests.support.faulty",
        WAQITI_TEST_FAULTS=json.dumps([cut]),
    )
    assert done.returncode == 31, done.stderr
    assert shared.open_sides("user") == {"source"}
    again = shared.run("run", "--stop-writes", "user", "--yes")
    assert again.returncode == 0, again.stderr
    assert shared.open_sides("user") == {"target"}


def test_a_shared_server_that_crashes_during_the_copy_is_waited_for(
    tmp_path: Path, clusters: Clusters, target_cluster: Cluster
) -> None:
    with (
        clusters.private("source", DEFAULT_VERSIONS[0]) as source,
        world(tmp_path, source, target_cluster, rows=ROWS) as made,
    ):
        crash = {"step": "copy the rows", "point": "acted", "act": "signal", "pid": str(source.server.pid())}
        running = subprocess.Popen(
            made.command("run", "--stop-writes", "user", "--yes", entry="tests.support.faulty"),
            env=made.environment(WAQITI_TEST_FAULTS=json.dumps([crash])),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while source.server.is_running():
            time.sleep(0.05)
        time.sleep(1)
        source.server.start()
        _, said = running.communicate(timeout=90)
        assert running.returncode in (12, 31), said
        assert made.open_sides("user") == {"source"}
        done = made.run("run", "--stop-writes", "user", "--yes")
        assert done.returncode == 0, done.stderr
        assert made.count("user", "SELECT count(*) FROM users") == ROWS


def test_a_finish_after_an_offline_move_is_finished_by_resume(
    shared: World,
) -> None:
    done = shared.run("run", "--stop-writes", "user", "--yes")
    assert done.returncode == 0, done.stderr
    for point, verb in (("begun", ("finish", "user", "--yes")), ("acted", ("resume", "user"))):
        killed = shared.run_with_fault("keep the old copy closed", point, "kill", *verb)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = shared.run("resume", "--json")
    assert json.loads(done.stdout)["services"]["user"]["state"] == "finished", done.stderr
    assert shared.gateway("user").route() == "target"
    assert shared.count("user", "SELECT count(*) FROM users") == ROWS
