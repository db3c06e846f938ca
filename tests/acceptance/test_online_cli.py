"""The online move as a person or a script runs it: verb after verb, on real servers, through a gateway."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from components.replication_roles import server_wide
from migration.finish.finish import FINISH
from migration.moves.start import START
from tests.support.clusters import Cluster
from tests.support.moves import SECRETS, World, world

pytestmark = pytest.mark.acceptance

ROWS = 300
PAIRS = pytest.mark.parametrize("versions", [(15, 17), (17, 18)], indirect=True, ids=["15-to-17", "17-to-18"])

WRONG = {
    "not begun": {
        "cutover": "not begun, not following: `start` it first",
        "rollback --immediate": "not begun, not moved: `cutover` it first",
        "finish": "not begun, not moved: `cutover` it first",
        "verify": "was not copied yet",
    },
    "following": {
        "start": "is following (online) already",
        "rollback --immediate": "following (online), not moved: `cutover` it first",
        "finish": "following (online), not moved: `cutover` it first",
    },
    "moved": {
        "start": "is moved (online) already",
        "cutover": "moved (online), not following",
        "abort": "`rollback --immediate` first, then `abort`",
    },
    "finished": {
        "start": "is finished",
        "cutover": "is finished",
        "rollback --immediate": "is finished",
        "abort": "is finished",
        "gates": "is finished",
    },
}
"""In each state of a service, the verbs that do not fit, and what they say."""


@pytest.fixture
def shared(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[World]:
    with world(tmp_path, source_cluster, target_cluster, rows=ROWS) as made:
        yield made


def done(shared: World, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a verb; it exits with `code`, prints no secret, and one line if it fails."""
    ended = shared.run(*arguments)
    assert ended.returncode == code, f"{arguments}: {ended.stdout}{ended.stderr}"
    for secret in SECRETS:
        assert secret not in ended.stdout + ended.stderr, "a password was printed"
    assert "Traceback" not in ended.stderr
    if code:
        assert ended.stderr.splitlines()[-1].startswith("error: ")
    return ended


def result(shared: World, *arguments: str) -> dict[str, Any]:
    """What a verb says of the service `user` with --json."""
    document: dict[str, Any] = json.loads(done(shared, *arguments, "--json").stdout)
    found: dict[str, Any] = document["services"]["user"]
    return found


def write(shared: World, email: str) -> None:
    """One write of the service's applications."""
    with shared.gated["user"].endpoint.connect() as connection:
        connection.execute("INSERT INTO users (email) VALUES (%s)", (email,))


def refuses_what_does_not_fit(shared: World, state: str) -> None:
    for verb, line in WRONG[state].items():
        name, *options = verb.split()
        yes = [] if name in {"gates", "verify"} else ["--yes"]
        ended = done(shared, name, "user", *options, *yes, code=29)
        assert line in ended.stderr, f"{verb} of a service that is {state} said {ended.stderr}"


@PAIRS
def test_every_verb_in_order_and_every_other_one_refused(shared: World) -> None:
    refuses_what_does_not_fit(shared, "not begun")
    assert result(shared, "start", "user", "--yes")["state"] == "following"
    refuses_what_does_not_fit(shared, "following")
    write(shared, "while-following@example.org")
    assert result(shared, "verify", "user")["equal"]
    assert result(shared, "gates", "user")["verdict"] != "no-go"
    expected = result(shared, "cutover", "user", "--dry-run")
    assert expected["expected_pause_ms"] > 0
    assert shared.open_sides("user") == {"source"}, "a dry run changed something"

    cut = result(shared, "cutover", "user", "--yes")
    assert cut["pause_ms"] > 0
    assert cut["steps_ms"].keys() >= {"pause", "close_old", "open_new", "resume"}
    assert shared.open_sides("user") == {"target"}
    write(shared, "while-moved@example.org")
    refuses_what_does_not_fit(shared, "moved")
    assert result(shared, "verify", "user")["rows"] == 2 * ROWS + 3 + 2
    status = result(shared, "status", "user")
    assert (status["state"], status["route"], status["behind"]["active"]) == ("moved", "target", True)

    assert result(shared, "rollback", "user", "--immediate", "--yes")["state"] == "following"
    assert shared.open_sides("user") == {"source"}
    assert shared.count("user", "SELECT count(*) FROM users") == ROWS + 2
    dry = result(shared, "cutover", "user", "--dry-run")
    assert dry["steps"][0]["from"] == "median of 1 cutovers of user"

    done(shared, "cutover", "user", "--yes")
    finished = result(shared, "finish", "user", "--yes")
    assert finished["archived_as"].startswith("user_schema_archived_")
    refuses_what_does_not_fit(shared, "finished")
    write(shared, "after@example.org")
    assert shared.count("user", "SELECT count(*) FROM users") == ROWS + 3
    archived = finished["archived_as"]
    with shared.source.connect() as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(archived, "users")))
    for database in (shared.source, shared.target("user")):
        with database.connect() as connection:
            for left in ("pg_publication", "pg_replication_slots", "pg_subscription"):
                where = b" WHERE database = current_database()" if left == "pg_replication_slots" else b""
                if left == "pg_subscription":
                    where = b" JOIN pg_database d ON d.oid = subdbid AND datname = current_database()"
                row = connection.execute(b"SELECT count(*) FROM " + left.encode() + where).fetchone()
                assert row == (0,), f"{left} on {database.label}"
    with shared.source.connect() as connection:
        login = server_wide("waqiti_user_forward", shared.source.endpoint.database)
        followers = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = %s", [login])
        assert followers.fetchall() == [], "the login of the subscription outlives it"


def test_a_change_of_the_schema_stops_the_cutover_with_its_statement(shared: World) -> None:
    done(shared, "start", "user", "--yes")
    with shared.source.connect(application_name="somebody") as connection:
        connection.execute("ALTER TABLE user_schema.users ADD COLUMN nickname text")
    ended = done(shared, "cutover", "user", "--yes", code=28)
    assert "ADD COLUMN nickname" in ended.stderr
    assert shared.open_sides("user") == {"source"}
    done(shared, "cutover", "user", "--yes", "--skip-gate", "schema", code=28)
    done(shared, "abort", "user", "--yes")
    done(shared, "start", "user", "--yes")
    done(shared, "cutover", "user", "--yes")


def test_large_objects_written_since_the_copy_are_carried_over_both_ways(shared: World) -> None:
    def contents() -> list[tuple[int, bytes]]:
        with shared.gated["user"].endpoint.connect() as connection:
            return connection.execute(
                "SELECT id, lo_get(picture) FROM users WHERE picture IS NOT NULL ORDER BY id"
            ).fetchall()

    done(shared, "start", "user", "--yes")
    with shared.source.connect() as connection:
        connection.execute("SELECT lo_put(picture, 0, 'changed') FROM user_schema.users WHERE id = 2")
        connection.execute("SELECT lo_unlink(picture) FROM user_schema.users WHERE id = 3")
        connection.execute("UPDATE user_schema.users SET picture = NULL WHERE id = 3")
        connection.execute(
            "UPDATE user_schema.users SET picture = lo_from_bytea(0, repeat('n', 300000)::bytea) WHERE id = 9"
        )
        granted = "DO $$ BEGIN EXECUTE (SELECT string_agg(format("
        granted += "'GRANT SELECT ON LARGE OBJECT %s TO shared_application', oid), ';')"
        connection.execute(f"{granted} FROM pg_largeobject_metadata); END $$".encode())
    before = contents()
    done(shared, "cutover", "user", "--yes")
    assert contents() == before
    with shared.gated["user"].endpoint.connect() as connection:
        connection.execute("SELECT lo_put(picture, 3, 'again') FROM users WHERE id = 9")
    after = contents()
    assert after != before
    done(shared, "rollback", "user", "--immediate", "--yes")
    assert contents() == after


def test_an_unlogged_table_is_no_go_before_anything_is_made(shared: World) -> None:
    with shared.source.connect() as connection:
        connection.execute("CREATE UNLOGGED TABLE user_schema.cache (id int PRIMARY KEY)")
    ended = done(shared, "start", "user", "--yes", code=19)
    assert "unlogged" in ended.stderr
    assert "user_schema.cache" in ended.stderr


def test_a_no_go_that_may_be_skipped_is_skipped_only_by_name_and_recorded(shared: World) -> None:
    done(shared, "start", "user", "--yes")
    with shared.gated["user"].endpoint.connect(application_name="checkout") as connection:
        connection.execute("SELECT pg_advisory_lock(42)")
        ended = done(shared, "cutover", "user", "--yes", code=27)
        assert "--skip-gate advisory-locks" in ended.stderr
        done(shared, "cutover", "user", "--yes", "--skip-gate", "lag", code=27)
        done(shared, "cutover", "user", "--yes", "--skip-gate", "advisory-locks")
    with shared.source.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM waqiti_migration.steps WHERE step = 'gate skipped: advisory-locks'"
        ).fetchone()
    assert row == (1,)


def test_a_complete_rollback_lists_orphans_and_brings_back_the_keys(shared: World) -> None:
    done(shared, "start", "--all", "--yes")
    done(shared, "cutover", "--all", "--yes")
    with shared.gated["user"].endpoint.connect() as connection:
        connection.execute("DELETE FROM sessions WHERE user_id = 5")
        connection.execute("DELETE FROM users WHERE id = 5")
    ended = done(shared, "rollback", "--complete", "--yes", code=21)
    assert "1 of 1 foreign keys" in ended.stderr
    assert "payments_user_id_fkey" in ended.stdout
    assert shared.open_sides("user") == shared.open_sides("payment") == {"source"}
    with shared.source.connect() as connection:
        connection.execute("DELETE FROM payment_schema.payments WHERE user_id = 5")
        done(shared, "rollback", "--complete", "--yes")
        row = connection.execute(
            "SELECT convalidated FROM pg_constraint WHERE conname = 'payments_user_id_fkey'"
        ).fetchone()
    assert row == (True,)


def test_a_complete_rollback_names_services_that_cannot_come_back(shared: World) -> None:
    done(shared, "start", "--all", "--yes")
    done(shared, "cutover", "--all", "--yes")
    done(shared, "finish", "user", "--yes")
    ended = done(shared, "rollback", "--complete", "--yes", code=29)
    assert "user is finished" in ended.stderr
    assert shared.open_sides("payment") == {"target"}, "nothing is done before the question is settled"
    done(shared, "rollback", "payment", "--complete", "--yes")
    assert shared.open_sides("payment") == {"source"}


def test_an_interrupted_start_leaves_nothing_behind(shared: World) -> None:
    for step in (START[4].name, START[-1].name):
        stopped = shared.run_with_fault(step, "begun", "interrupt", "start", "user", "--yes")
        assert stopped.returncode == 130, stopped.stderr
        assert "Traceback" not in stopped.stderr
    with shared.source.connect() as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = current_database()),"
            " (SELECT count(*) FROM pg_publication), (SELECT count(*) FROM pg_event_trigger),"
            " (SELECT count(*) FROM pg_roles WHERE rolname = %s)",
            [server_wide("waqiti_user_forward", shared.source.endpoint.database)],
        ).fetchone()
    assert row == (0, 0, 0, 0)
    assert shared.open_sides("user") == {"source"}
    done(shared, "start", "user", "--yes")


def test_an_interruption_while_a_cutover_prepares_switches_nothing(shared: World) -> None:
    done(shared, "start", "user", "--yes")
    running = subprocess.Popen(
        shared.command("cutover", "user", "--yes"),
        env=shared.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    with running.stderr:
        for line in running.stderr:
            if line.startswith("user: verify"):
                running.send_signal(signal.SIGINT)
                break
        said = running.stderr.read()
    assert running.wait(60) == 130, said
    assert shared.open_sides("user") == {"source"}
    assert not shared.gateway("user").is_paused()
    done(shared, "cutover", "user", "--yes")


@pytest.mark.parametrize("step", [step.name for step in FINISH])
def test_a_finish_that_is_killed_in_a_step_is_finished_by_resume(shared: World, step: str) -> None:
    done(shared, "start", "user", "--yes")
    done(shared, "cutover", "user", "--yes")
    for point, verb in (("begun", ("finish", "user", "--yes")), ("acted", ("resume", "user"))):
        killed = shared.run_with_fault(step, point, "kill", *verb)
        assert killed.returncode == -9, killed.stderr
    write(shared, "meanwhile@example.org")
    done(shared, "rollback", "user", "--immediate", "--yes", code=29)
    assert result(shared, "resume", "user")["state"] == "finished"
    assert result(shared, "status", "user")["state"] == "finished"
    assert shared.count("user", "SELECT count(*) FROM users") == ROWS + 1


def test_a_person_is_told_what_will_happen_and_may_say_no(shared: World) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as terminal:
        terminal.write(b"n\n")
        ended = subprocess.run(
            shared.command("start", "user"),
            env=shared.environment(),
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    os.close(theirs)
    assert ended.returncode == 130
    assert "This copies user" in ended.stderr
    assert "`abort` takes it back" in ended.stderr
    assert result(shared, "status", "user")["state"] == "not begun"


@pytest.mark.parametrize("options", [[], ["--immediate", "--complete"]])
def test_a_rollback_wants_to_know_which_one(options: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "migration", "rollback", "user", *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2
    assert "--immediate, --complete or --quick" in ended.stderr


def test_without_yes_and_a_person_nothing_is_begun(shared: World) -> None:
    ended = done(shared, "start", "user", code=29)
    assert "nobody is there to confirm" in ended.stderr
    assert result(shared, "status", "user")["state"] == "not begun"
