"""`script/demo --platform docker`: from nothing to eight databases in containers, on an engine of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.database import SERVICES
from demo.environment.docker_host import answers
from tests.support.absence import absent
from tests.support.demos import Demo, new_demo

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    if not os.environ.get("WAQITI_REQUIRE_ALL"):
        absent("starts a Docker Engine of its own where none runs: set WAQITI_REQUIRE_ALL")
    with new_demo("--platform", "docker", scale=0.002) as made:
        yield made


@pytest.fixture(scope="module")
def facts(demo: Demo) -> dict[str, Any]:
    """The summary of one that was made from nothing."""
    return demo.up()


def test_all_services_move_into_containers_and_nobody_notices(facts: dict[str, Any]) -> None:
    assert {name: one["verified"] for name, one in facts["moved"].items()} == dict.fromkeys(SERVICES, "equal")
    assert len(set(facts["own_database"].values())) == len(SERVICES)
    assert (facts["violations"], facts["workload"]["failures"]) == ([], [])


def test_who_looks_around_is_told_where_the_engine_is(demo: Demo, facts: dict[str, Any]) -> None:
    lines = (demo.root / "env").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("export DOCKER_HOST=")]
    assert answers(line.partition("=")[2])


def test_down_leaves_no_engine_no_mount_and_no_file(demo: Demo, facts: dict[str, Any]) -> None:
    status, _, error = demo.run("down")
    assert status == 0, error
    assert demo.processes() == []
    assert str(demo.root) not in Path("/proc/self/mountinfo").read_text()
    assert not demo.root.exists()
