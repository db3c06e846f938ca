"""`--switch-timeout`: how long clients may wait inside a pause is the operator's to say."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from migration.switch.protocol import Step
from tests.support.clusters import Cluster
from tests.support.moves import World, world
from tests.support.scenes import VERBS

pytestmark = pytest.mark.acceptance

SLOW_SECONDS = 4
"""Longer than what is allowed by default."""


@pytest.fixture
def shared(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[World]:
    with world(tmp_path, source_cluster, target_cluster, rows=100, services=("user",)) as made:
        yield made


def slow(shared: World, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A verb that switches as `verb` does, with so much time lost once the old side is closed."""
    fault = {
        "step": f"{verb}: {Step.CLOSE_OLD.value}",
        "point": "acted",
        "act": "execute",
        "database": shared.source.conninfo(),
        "statement": f"SELECT pg_sleep({SLOW_SECONDS})",
    }
    return shared.run(*arguments, entry="tests.support.faulty", WAQITI_TEST_FAULTS=json.dumps([fault]))


def test_a_switch_takes_as_long_as_it_is_given_and_goes_back_past_that(shared: World) -> None:
    assert shared.run("start", "user", "--yes").returncode == 0
    tried = slow(shared, "cutover", *VERBS["cutover"], "--switch-timeout", "2")
    assert tried.returncode == 26, tried.stderr
    assert tried.stderr.splitlines()[-1].startswith("error: the pause reached its limit of 2 s before ")
    assert shared.open_sides("user") == {"source"}
    ran = slow(shared, "cutover", "run", "user", "--yes", "--switch-timeout", "30")
    assert ran.returncode == 0, ran.stderr
    assert shared.open_sides("user") == {"target"}
    back = slow(shared, "rollback", *VERBS["rollback"], "--switch-timeout", "30")
    assert back.returncode == 0, back.stderr
    assert shared.open_sides("user") == {"source"}
