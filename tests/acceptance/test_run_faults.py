"""A run that is killed, interrupted or fails at every step: never two writers, always a way on.

The points come from the steps themselves, so a new step is covered without anyone remembering.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migration.moves.offline import STEPS
from tests.support.clusters import Cluster, Clusters
from tests.support.moves import World, default_world, world

pytestmark = pytest.mark.acceptance

ROWS = 300
UNDOABLE = [step.name for step in STEPS if not step.final]
FINAL = [step.name for step in STEPS if step.final]


@pytest.fixture
def shared(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[World]:
    with world(tmp_path, source_cluster, target_cluster, rows=ROWS, services=("user", "payment")) as made:
        yield made


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[World]:
    """A world for runs that must leave it as it was: all tests of this module share it."""
    with default_world(tmp_path_factory.mktemp("world"), clusters, rows=ROWS) as made:
        yield made


def write_directly(shared: World, number: int) -> int:
    """A client that goes round the gateway; returns how many rows it could commit."""
    try:
        with shared.source.connect() as connection:
            connection.execute(
                "INSERT INTO user_schema.users (email) VALUES (%s)", (f"direct{number}@example.org",)
            )
    except psycopg.Error:
        return 0
    return 1


def assert_untouched(shared: World) -> None:
    """The service works as before: through the gateway, on the shared database, reading and writing."""
    assert shared.open_sides("user") == {"source"}
    assert shared.gateway("user").route() == "source"
    assert not shared.gateway("user").is_paused()
    with shared.gated["user"].endpoint.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute("INSERT INTO users (email) VALUES ('works@example.org')")
    with shared.target("user").connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'user_schema'::regnamespace"
        ).fetchone()
    assert row == (0,), "the target was not emptied"
    with shared.source.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_constraint WHERE conname = 'payments_user_id_fkey' AND convalidated"
        ).fetchone()
    assert row == (1,), "the key that crosses is not back"


@pytest.mark.parametrize("step", [step.name for step in STEPS])
def test_a_run_killed_in_a_step_is_finished_by_the_next_one(shared: World, step: str) -> None:
    expected = ROWS
    for number, point in enumerate(("begin", "begun", "acted", "ended")):
        killed = shared.run_with_fault(step, point, "kill")
        if killed.returncode == 0:
            # The run before had got so far that this step was not done again.
            continue
        assert killed.returncode == -9, killed.stderr
        assert len(shared.open_sides("user")) <= 1
        expected += write_directly(shared, number)
    done = shared.run("run", "--stop-writes", "user", "--yes")
    assert done.returncode == 0, done.stderr
    assert shared.open_sides("user") == {"target"}
    assert shared.gateway("user").route() == "target"
    assert shared.count("user", "SELECT count(*) FROM users") == expected


@pytest.mark.parametrize("step", UNDOABLE)
@pytest.mark.parametrize("point", ["begun", "acted"])
def test_a_failure_in_a_step_leaves_everything_as_it_was(untouched: World, step: str, point: str) -> None:
    failed = untouched.run_with_fault(step, point, "fail")
    assert failed.returncode == 25, failed.stderr
    assert failed.stderr.splitlines()[-1] == "error: a fault that the test brought about"
    assert_untouched(untouched)


@pytest.mark.parametrize("step", UNDOABLE)
@pytest.mark.parametrize("act", ["interrupt", "terminate"])
def test_an_interrupted_run_leaves_everything_as_it_was(untouched: World, step: str, act: str) -> None:
    stopped = untouched.run_with_fault(step, "begun", act)
    assert stopped.returncode == 130, stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert_untouched(untouched)


def test_a_right_that_is_lost_on_the_way_is_found_before_the_switch(untouched: World) -> None:
    target = untouched.contract.services["user"]
    fault = {
        "step": "verify",
        "point": "begun",
        "act": "execute",
        "database": untouched.target("user").conninfo(),
        "statement": f"REVOKE DELETE ON user_schema.users FROM {target.service.name}",
    }
    done = untouched.run(
        "run",
        "--stop-writes",
        "user",
        "--yes",
        entry="tests.support.faulty",
        WAQITI_TEST_FAULTS=json.dumps([fault]),
    )
    assert done.returncode == 21, done.stderr
    assert f"privilege {target.service.name} on TABLE user_schema.users differs" in done.stderr
    assert_untouched(untouched)


@pytest.mark.parametrize("step", FINAL)
def test_an_interruption_once_the_switch_has_begun_does_not_stop_it(shared: World, step: str) -> None:
    done = shared.run_with_fault(step, "begun", "interrupt")
    assert done.returncode == 0, done.stderr
    assert shared.open_sides("user") == {"target"}
    assert shared.gateway("user").route() == "target"


@pytest.mark.parametrize("step", FINAL)
def test_a_failure_once_the_switch_has_begun_is_finished_by_the_next_run(shared: World, step: str) -> None:
    failed = shared.run_with_fault(step, "begun", "fail")
    assert failed.returncode == 25, failed.stderr
    done = shared.run("run", "--stop-writes", "user", "--yes")
    assert done.returncode == 0, done.stderr
    assert shared.open_sides("user") == {"target"}
    assert shared.count("user", "SELECT count(*) FROM users") == ROWS


def test_a_bug_is_one_line_and_a_log_and_leaves_everything_as_it_was(untouched: World) -> None:
    failed = untouched.run_with_fault("copy the rows", "acted", "bug")
    assert failed.returncode == 70
    assert "Traceback" not in failed.stderr
    (log,) = (untouched.folder / "state" / "logs").glob("*.log")
    assert "ZeroDivisionError" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
    assert_untouched(untouched)
