"""The order in which test files start: the long ones first, and all that have an engine on one worker."""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.support import schedule
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit


def files(items: list[pytest.Item]) -> list[str]:
    """Of each test."""
    return [item.nodeid.partition("::")[0] for item in items]


def test_every_long_file_is_there() -> None:
    known = {path.stem for path in (REPOSITORY / "tests").rglob("test_*.py")}
    assert set(schedule.LONG) <= known
    assert len(set(schedule.LONG)) == len(schedule.LONG)


def test_files_stay_whole_and_the_dear_ones_come_first(request: pytest.FixtureRequest) -> None:
    given = list(request.session.items)
    ordered = schedule.by_cost(given)
    assert sorted(ordered, key=given.index) == given
    runs = [file for file, _ in groupby(files(ordered))]
    assert len(runs) == len(set(runs)), "a file was torn apart"
    for file in set(files(given)):
        mine = [item.name for item in given if item.nodeid.startswith(f"{file}::")]
        assert mine == [item.name for item in ordered if item.nodeid.startswith(f"{file}::")]


def test_the_order_is_engines_then_long_files_then_tiers() -> None:
    wanted = [
        "tests/acceptance/test_docker_stack.py",
        *(f"tests/integration/{name}.py" for name in schedule.LONG),
        "tests/acceptance/test_short.py",
        "tests/integration/test_short.py",
        "tests/unit/test_short.py",
    ]
    backwards = wanted[::-1]
    assert sorted(backwards, key=schedule.rank) == wanted


def test_no_two_files_have_an_engine_at_once() -> None:
    scheduling = object.__new__(schedule.FilesInOrder)
    split = scheduling._split_scope
    names = ("stack", "orphans", "blast_radius")
    assert len({split(f"tests/acceptance/test_docker_{name}.py::test_a[b::c]") for name in names}) == 1
    assert (
        split("tests/unit/components/platforms/test_docker_plan.py::test_a")
        == "tests/unit/components/platforms/test_docker_plan.py"
    )
