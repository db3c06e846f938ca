"""Two operators at once: the second gets one line, an exit code of its own, and changes nothing."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migration.protocol import Step
from tests.support.clusters import Cluster
from tests.support.moves import World, world

pytestmark = pytest.mark.acceptance

GATE = 424242
"""An advisory lock at which the first operator stands as long as the test holds it."""
VERBS = (
    ("start", "user", "--yes"),
    ("cutover", "user", "--yes"),
    ("resume", "user"),
)


@pytest.fixture
def shared(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[World]:
    with world(tmp_path, source_cluster, target_cluster, rows=300, services=("user",)) as made:
        yield made


@contextmanager
def standing(shared: World, step: str, *verb: str) -> Iterator[None]:
    """A first operator whose verb stands in the middle of a step while the context lasts, then succeeds."""
    fault = {
        "step": step, "point": "begun", "act": "execute", "database": shared.source.conninfo(),
        "statement": f"SELECT pg_advisory_lock({GATE})",
    }  # fmt: skip
    with shared.source.connect(application_name="a test") as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (GATE,))
        first = subprocess.Popen(
            shared.command(*verb, entry="tests.support.faulty"),
            env=shared.environment(WAQITI_TEST_FAULTS=json.dumps([fault])),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
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


def assert_refused(shared: World) -> None:
    for verb in VERBS:
        second = shared.run(*verb)
        assert second.returncode == 23, (verb, second.stderr)
        (line,) = [line for line in second.stderr.splitlines() if line]
        assert line.startswith("error: another run is at work")


def test_while_one_operator_starts_or_cuts_over_another_is_refused(shared: World) -> None:
    with standing(shared, "build indexes and constraints", *VERBS[0]):
        assert_refused(shared)
    with standing(shared, f"cutover: {Step.RESUME.value}", *VERBS[1]):
        assert_refused(shared)
    assert shared.open_sides("user") == {"target"}
    assert shared.gateway("user").route() == "target"
