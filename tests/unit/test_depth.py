"""Over so many days as a file has parts, each of its tests runs once."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support import depth
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit


def item(file: str, number: int | None) -> Any:
    """As much of a test as is looked at."""
    name = f"tests/acceptance/{file}.py::test_one"
    if number is None:
        return SimpleNamespace(nodeid=name)
    return SimpleNamespace(nodeid=f"{name}[{number}]", callspec=object())


def test_every_test_runs_on_one_day_of_each_round() -> None:
    file, parts = next(iter(depth.PARTS.items()))
    many = [item(file, number) for number in range(10)]
    days = [depth.split(many, date(2026, 11, 29) + timedelta(days=n)) for n in range(parts)]
    assert sorted(one.nodeid for kept, _ in days for one in kept) == sorted(one.nodeid for one in many)
    assert all(len(kept) + len(left) == len(many) for kept, left in days)


def test_what_has_no_parameters_and_other_files_run_each_day() -> None:
    file = next(iter(depth.PARTS))
    always = [item(file, None), item("test_run", 1), item("test_run", 2)]
    assert depth.split(always, date(2026, 11, 29)) == (always, [])


def test_every_test_that_stands_alone_runs_on_one_day_of_each_round() -> None:
    file, parts = next(iter(depth.ALONE.items()))
    many = [item(file, None if number % 2 else number) for number in range(7)]
    days = [depth.split(many, date(2026, 11, 29) + timedelta(days=n))[0] for n in range(parts)]
    assert sorted(one.nodeid for kept in days for one in kept) == sorted(one.nodeid for one in many)


def test_what_stands_alone_shares_no_world_with_its_neighbours() -> None:
    shared = {
        path.name
        for path in (REPOSITORY / "tests").rglob("test_*.py")
        if path.stem in depth.ALONE and 'scope="' in path.read_text(encoding="utf-8")
    }
    assert shared == set()


def test_a_file_that_has_more_turns_comes_more_often() -> None:
    group = depth.TURNS[0]
    many = [item(file, None) for file in dict.fromkeys(group)]
    days = [depth.split(many, date(2026, 11, 29) + timedelta(days=n))[0] for n in range(len(group))]
    assert [len(kept) for kept in days] == [1] * len(group)
    assert sum("test_docker_stack" in kept[0].nodeid for kept in days) == group.count("test_docker_stack")
    assert {one.nodeid for kept in days for one in kept} == {one.nodeid for one in many}


def test_all_is_done_on_one_day_of_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAQITI_ALL_FAULTS", raising=False)
    days = [date(2026, 11, 29) + timedelta(days=n) for n in range(5)]
    whole = []
    for day in days:
        monkeypatch.setenv(depth.DAY, day.isoformat())
        whole.append(depth.is_wholly(5))
    assert sorted(whole) == [False] * 4 + [True]
    monkeypatch.setenv("WAQITI_ALL_FAULTS", "1")
    assert depth.is_wholly(5)


def test_one_file_of_those_that_take_turns_runs_each_day() -> None:
    many = [item(file, None) for file in depth.TURNS[1]]
    days = [depth.split(many, date(2026, 11, 29) + timedelta(days=n))[0] for n in range(len(many))]
    assert [len(kept) for kept in days] == [1] * len(many)
    assert sorted(one.nodeid for kept in days for one in kept) == sorted(one.nodeid for one in many)


def test_files_that_have_parts_or_turns_are_there() -> None:
    there = {path.stem for path in (REPOSITORY / "tests").rglob("test_*.py")}
    assert {*depth.PARTS, *depth.ALONE, *(file for group in depth.TURNS for file in group)} <= there


def test_all_faults_are_run_where_they_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAQITI_ALL_FAULTS", "1")
    assert not depth.is_wanted(True)
    monkeypatch.delenv("WAQITI_ALL_FAULTS")
    assert depth.is_wanted(True)
    assert not depth.is_wanted(False)
