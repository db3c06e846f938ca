"""`run` while the services are written to: nobody notices, it can be stopped anywhere, and begun again."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from migration.switch.protocol import Step
from tests.support.clusters import Cluster, Clusters
from tests.support.moves import SECRETS, World, world
from tests.support.versions import DEFAULT_VERSIONS
from tests.support.writer import Writer

pytestmark = pytest.mark.acceptance

ROWS = 400
COUNTS = {"user": "SELECT count(*) FROM users", "payment": "SELECT count(*) FROM payments"}
PAYING = "INSERT INTO payments (user_id, amount) VALUES (1, length(%s))"


@pytest.fixture
def shared(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[World]:
    with world(tmp_path, source_cluster, target_cluster, rows=ROWS) as made:
        yield made


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[tuple[World, Any]]:
    """A world whose services were moved by one run under their load, and what it said.

    The load goes on meanwhile and ends with the run.
    """
    # Its slots outlive the run and are called as those of the other tests' moves: a server of its own.
    with (
        clusters.private("target", DEFAULT_VERSIONS[1]) as target,
        world(
            tmp_path_factory.mktemp("online"), clusters.get("source", DEFAULT_VERSIONS[0]), target, rows=ROWS
        ) as made,
    ):
        with Writer(made.gated["user"].endpoint) as users, load_of_payments(made) as payments:
            users.wait_for_more()
            payments.wait_for_more()
            ended = made.run("run", "--all", "--yes", "--json", "--profile")
            users.wait_for_more()
            payments.wait_for_more()
        document = outcome(ended)
        document["written"] = {"user": users, "payment": payments}
        yield made, document


def load_of_payments(made: World) -> Writer:
    """A client of the other service."""
    return Writer(made.gated["payment"].endpoint, PAYING)


def outcome(ended: subprocess.CompletedProcess[str], code: int = 0) -> dict[str, Any]:
    """What a run printed with --json; it exited with `code` and showed no secret."""
    assert ended.returncode == code, ended.stderr
    assert not [secret for secret in SECRETS if secret in ended.stdout + ended.stderr]
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def keeps_every_write(made: World, writer: Writer, service: str = "user") -> None:
    """Whatever was acknowledged is there once, and nothing failed."""
    assert writer.failed == []
    counted = made.count(service, COUNTS[service])
    assert counted == ROWS + len(writer.acknowledged), "a write was lost or doubled"


@pytest.mark.parametrize("service", list(COUNTS))
def test_no_statement_fails_and_no_row_is_lost_or_doubled(moved: tuple[World, Any], service: str) -> None:
    made, document = moved
    keeps_every_write(made, document["written"][service], service)


def test_every_service_is_moved_while_its_clients_hardly_wait(
    moved: tuple[World, Any],
) -> None:
    made, document = moved
    found = {one["service"]: (one["state"], one["verified"]) for one in document["services"]}
    assert found == dict.fromkeys(COUNTS, ("moved", "equal"))
    for one in document["services"]:
        assert 0 < one["clients_waited_seconds"] < one["seconds"]
        assert made.open_sides(one["service"]) == {"target"}
        assert made.gateway(one["service"]).route() == "target"


def test_a_profile_says_where_the_time_went(moved: tuple[World, Any]) -> None:
    _, document = moved
    assert {one["service"] for one in document["profile"]} == set(COUNTS)
    for one in document["profile"]:
        seconds = {spent["what"]: spent["seconds"] for spent in one["spent"] if not spent["part"]}
        assert {"copy from the slot's snapshot", "subscribe", "comparison of all rows"} <= seconds.keys()
        assert sum(s for what, s in seconds.items() if what != "between steps") <= one["seconds"]


def test_each_subscription_has_a_login_of_its_own(moved: tuple[World, Any]) -> None:
    made, _ = moved
    with made.source.connect() as connection:
        found = connection.execute(
            "SELECT figures -> 'without_own_login' FROM waqiti_migration.steps WHERE step = 'subscribe'"
        ).fetchall()
    assert found == [({},)] * len(COUNTS)


def test_a_second_run_says_that_there_is_nothing_to_do(moved: tuple[World, Any]) -> None:
    made, _ = moved
    ended = made.run("run", "--all", "--yes")
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.splitlines() == [f"{service} is moved already" for service in COUNTS]
    again = outcome(made.run("run", "--all", "--yes", "--json"))
    assert [one["state"] for one in again["services"]] == ["already moved"] * 2


def test_ctrl_c_in_the_copy_takes_it_back_with_one_line(
    tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster
) -> None:
    with (
        world(tmp_path, source_cluster, target_cluster, rows=ROWS) as made,
        Writer(made.gated["user"].endpoint) as writer,
    ):
        made.add_large_table("history")
        running = subprocess.Popen(
            made.command("run", "--all", "--yes", "--workers", "1"),
            env=made.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("user: copy: "):
                running.send_signal(signal.SIGINT)
                break
        out, said = running.communicate(timeout=60)
        writer.wait_for_more()
        assert running.returncode == 130, said
        assert said.splitlines()[-1].startswith("error: interrupted")
        assert said.count("error: ") == 1
        assert "Traceback" not in said + out
        assert made.open_sides("user") == {"source"}
        assert leftovers(made) == (0, 0, 0)
    assert writer.failed == []


def test_a_rate_that_was_asked_for_is_kept_told_and_recorded(shared: World) -> None:
    shared.add_large_table("history")
    ended = shared.run("start", "user", "--yes", "--json", "--rate-limit", "10")
    assert outcome(ended)["services"]["user"]["state"] == "following"
    events = [json.loads(line) for line in ended.stderr.splitlines()]
    assert {event["why"] for event in events if event["event"] == "held"} == {"--rate-limit is 10 MB/s"}
    figures = throttle_of(shared)
    assert (figures["by"], figures["bytes_per_second"]) == ("rate limit", 10_000_000)
    assert figures["rested_s"] > 1


@pytest.mark.parametrize(("options", "by"), [([], "source latency"), (["--no-throttle"], "nothing")])
def test_without_a_rate_the_source_is_watched_unless_told_otherwise(
    shared: World, options: list[str], by: str
) -> None:
    outcome(shared.run("start", "user", "--yes", "--json", *options))
    figures = throttle_of(shared)
    assert figures["by"] == by
    assert ("commit_ms_before" in figures) == (by == "source latency")


def throttle_of(made: World) -> Any:
    """What the journal says of how the last copy was held back."""
    with made.source.connect() as connection:
        row = connection.execute(
            "SELECT figures -> 'throttle' FROM waqiti_migration.steps"
            " WHERE step LIKE 'copy%' AND outcome = 'done' ORDER BY id DESC LIMIT 1"
        ).fetchone()
    assert row is not None
    return row[0]


def leftovers(made: World) -> Any:
    """How many slots, publications and event triggers are in the shared database."""
    with made.source.connect() as connection:
        return connection.execute(
            "SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = current_database()),"
            " (SELECT count(*) FROM pg_publication), (SELECT count(*) FROM pg_event_trigger)"
        ).fetchone()


@pytest.mark.parametrize(
    ("step", "point"),
    [
        ("copy from the slot's snapshot", "acted"),
        (f"cutover: {Step.CLOSE_OLD.value}", "acted"),
        (f"cutover: {Step.OPEN_NEW.value}", "acted"),
    ],
)
def test_a_run_that_was_killed_ends_well_when_it_is_begun_again(shared: World, step: str, point: str) -> None:
    with Writer(shared.gated["user"].endpoint) as writer:
        writer.wait_for_more()
        killed = shared.run_with_fault(step, point, "kill", "run", "user", "--yes")
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert len(shared.open_sides("user")) <= 1, "never two writers"
        (one,) = outcome(shared.run("run", "user", "--yes", "--json"))["services"]
        assert (one["state"], one["verified"]) == ("moved", "equal")
        assert shared.open_sides("user") == {"target"}
        writer.wait_for_more()
    keeps_every_write(shared, writer)


@pytest.mark.parametrize("versions", [(15, 17), (17, 18)], indirect=True, ids=["15-to-17", "17-to-18"])
def test_a_service_goes_there_and_back_and_there_again_with_every_write(shared: World) -> None:
    with Writer(shared.gated["user"].endpoint) as writer:
        for verb, side in (
            (("start", "user"), "source"),
            (("cutover", "user"), "target"),
            (("rollback", "user", "--immediate"), "source"),
            (("cutover", "user"), "target"),
        ):
            writer.wait_for_more(10)
            ended = shared.run(*verb, "--yes", "--json")
            outcome(ended)
            assert shared.open_sides("user") == {side}
        writer.wait_for_more(10)
    keeps_every_write(shared, writer)
    found = outcome(shared.run("verify", "user", "--json"))["services"]["user"]
    assert found["equal"], "the shared database follows with every write since"
