"""Where the time of a move went, from made-up journals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migration.journal.journal import Move
from migration.report.model import service_report
from migration.report.profile import BETWEEN, COMPARISON, Spent, profile_of
from tests.support.reports import BEGAN, step

pytestmark = pytest.mark.unit

MOVE = Move(1, "user", "user_schema", "demo", "online", "moved", BEGAN, BEGAN, None, "ops@host")
TABLES = [
    {"table": f"s.t{number}", "rows": 1, "bytes": 1, "seconds": float(number)} for number in range(1, 8)
]


def test_steps_their_parts_the_comparison_and_what_lies_between() -> None:
    copied = replace(
        step(1, "copy from the slot's snapshot", 0, 10),
        figures={"tables": TABLES, "indexes": {"tables": 2, "after_rows_s": 1.5}},
    )
    built = replace(
        step(2, "build indexes and constraints", 10, 4),
        figures={"statements": 9, "seconds": {"indexes": 3.0, "statistics": 1.0}},
    )
    undone = step(3, "undo: subscribe", 14, 100)
    last = step(4, "subscribe", 20, 1)
    found = profile_of(
        service_report(MOVE, [copied, built, undone, last], [], {"equal": True, "rows": 1, "seconds": 2.0})
    )
    assert found.seconds == pytest.approx(21)
    assert [one for one in found.spent if not one.part] == [
        Spent("copy from the slot's snapshot", 10),
        Spent("build indexes and constraints", 4),
        Spent("subscribe", 1),
        Spent(COMPARISON, 2),
        Spent(BETWEEN, 4),
    ]
    assert [one.what for one in found.spent if one.part] == [
        *(f"rows of s.t{number}" for number in (7, 6, 5, 4, 3)),
        "indexes of 2 large tables, after the last row",
        "indexes",
        "statistics",
    ]


def test_a_move_that_was_not_begun_has_spent_nothing() -> None:
    assert profile_of(service_report(MOVE, [], [], None)).spent == ()
