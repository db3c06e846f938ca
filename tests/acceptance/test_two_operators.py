"""Two operators at once: the second gets one line, an exit code of its own, and changes nothing."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migration.guards.changes import WATCHING
from migration.steps.runner import UNDO_PREFIX
from migration.switch.protocol import Step
from tests.support.clusters import Cluster
from tests.support.fault_matrix import ALL
from tests.support.moves import World, world
from tests.support.writer import Writer

pytestmark = pytest.mark.acceptance

GATE = 424242
"""An advisory lock at which the first operator stands as long as the test holds it."""
VERBS = {
    "start": ("start", "user", "--yes"),
    "cutover": ("cutover", "user", "--yes"),
    "rollback": ("rollback", "user", "--immediate", "--yes"),
    "abort": ("abort", "user", "--yes"),
    "finish": ("finish", "user", "--yes"),
    "resume": ("resume", "user"),
    "run": ("run", "user", "--yes"),
}
LIFE = (
    ("start", "build indexes and constraints"),
    ("abort", f"{UNDO_PREFIX}{WATCHING}"),
    ("start", "catch up"),
    ("cutover", f"cutover: {Step.RESUME.value}"),
    ("rollback", f"rollback: {Step.RESUME.value}"),
    ("cutover", f"cutover: {Step.DROP_FEED.value}"),
    ("finish", "end the replication"),
)
"""What the first operator does, one after the other, and the step in which the others come.

Inside a pause nobody can stand: its steps have short time-outs."""


def others(number: int) -> list[str]:
    """Who comes while the first one does the `number`th: by turns, so that everybody comes; or all."""
    names = list(VERBS)
    return names if ALL else [names[(number * 2 + more) % len(names)] for more in range(2)]


@pytest.fixture
def shared(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[World]:
    with world(tmp_path, source_cluster, target_cluster, rows=300, services=("user",)) as made:
        yield made


@contextmanager
def standing(shared: World, step: str, *verb: str) -> Iterator[None]:
    """A first operator whose verb stands in the middle of a step while the context lasts, then succeeds."""
    fault = {
        "step": step,
        "point": "begun",
        "act": "execute",
        "database": shared.source.conninfo(),
        "statement": f"SELECT pg_advisory_lock({GATE})",
    }
    with shared.source.connect(application_name="a test") as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (GATE,))
        first = subprocess.Popen(
            shared.command(*verb, entry="tests.support.faulty"),
            env=shared.environment(WAQITI_TEST_FAULTS=json.dumps([fault])),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
        deadline = time.monotonic() + 60
        while connection.execute(waiting, (GATE,)).fetchone() is None:
            assert first.poll() is None, first.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield
        connection.execute("SELECT pg_advisory_unlock(%s)", (GATE,))
    _, said = first.communicate(timeout=120)
    assert first.returncode == 0, said


def assert_refused(shared: World, names: list[str]) -> None:
    """At once, so that they are in each other's way, too."""
    said = {
        name: subprocess.Popen(
            shared.command(*VERBS[name]),
            env=shared.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    }
    for name, second in said.items():
        _, errors = second.communicate(timeout=120)
        assert second.returncode == 23, (name, errors)
        (line,) = [line for line in errors.splitlines() if line]
        assert line.startswith("error: another run is at work")


def test_whatever_one_operator_does_another_is_refused_and_changes_nothing(shared: World) -> None:
    with Writer(shared.gated["user"].endpoint) as writer:
        for number, (verb, step) in enumerate(LIFE):
            with standing(shared, step, *VERBS[verb]):
                assert_refused(shared, others(number))
                assert len(shared.open_sides("user")) <= 1
            serving = "target" if verb in {"cutover", "finish"} else "source"
            # A service that is finished has no flag on its side any more.
            expected = set() if verb == "finish" else {serving}
            assert shared.open_sides("user") == expected, "the first one went on as if nobody had come"
            assert shared.gateway("user").route() == serving
            writer.wait_for_more()
        assert writer.failed == []
        writer.assert_each_write_is_there_once()
