"""Rows that came and went are counted alike on both sides exactly where both hold the same rows."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.catalog.tables import TableName
from migration.verify.changed_rows import ChangedRows, Instant
from migration.verify.pgoutput import Change, Row, Transaction

pytestmark = pytest.mark.unit

TABLE = TableName("s", "t")
VALUES = st.sampled_from(["1.0", "1.00", "-0", None])
ACTS = st.lists(st.tuples(st.sampled_from(["insert", "update", "delete", "truncate"]), VALUES, VALUES))


class Side:
    """A table without a key, and the changes that its server tells."""

    def __init__(self) -> None:
        self.rows: Counter[str | None] = Counter({"1.0": 2, "1.00": 1, "-0": 1, None: 1})
        self.told: list[Change] = []

    def act(self, act: str, old: str | None, new: str | None) -> None:
        if act == "truncate":
            self.rows.clear()
            self.told.append(Change(TABLE, truncated=True))
            return
        if act != "insert" and not self.rows[old]:
            return
        if act != "insert":
            self.rows[old] -= 1
        if act != "delete":
            self.rows[new] += 1
        self.told.append(
            Change(
                TABLE,
                new=None if act == "delete" else row(new),
                old=None if act == "insert" else row(old),
                whole=act != "insert",
            )
        )


def row(value: str | None) -> Row:
    return {"v": value}


@given(here=ACTS, there=ACTS)
def test_counts_are_alike_exactly_where_the_rows_are(
    here: list[tuple[str, str | None, str | None]], there: list[tuple[str, str | None, str | None]]
) -> None:
    source, target = Side(), Side()
    rows = ChangedRows({TABLE}, {TABLE})
    for act in here:
        source.act(*act)
    for act in there:
        target.act(*act)
    for change in source.told:
        rows.add("source", Transaction(1, (change,)))
    rows.add("target", Transaction(2, tuple(target.told)))
    rows.until(None, None)
    emptied = {any(change.truncated for change in side.told) for side in (source, target)}
    # A truncate on one side only is a difference, whatever came after it.
    assert (rows.differences() == []) == (+source.rows == +target.rows and len(emptied) == 1)


def test_what_an_instant_does_not_hold_is_counted_at_the_next() -> None:
    rows = ChangedRows({TABLE}, {TABLE})
    came = (Change(TABLE, new=row("x")),)
    rows.add("source", Transaction(7, came))
    rows.add("source", Transaction(8, came))
    rows.add("target", Transaction(100, came))
    rows.until(Instant.parse("7:8:"), Instant.parse("101:101:"))
    assert rows.differences() == []
    rows.settled()
    rows.until(None, None)
    assert [str(one) for one in rows.differences()] == ["s.t (rows=1): missing"]


@pytest.mark.parametrize(
    ("xid", "held"),
    [(4294967290, True), (3, True), (4, False), (5, False), (6, True), (7, False), (8, False)],
)
def test_numbers_are_told_apart_where_32_bits_wrap(xid: int, held: bool) -> None:
    four = (1 << 32) + 4
    assert Instant.parse(f"{four}:{four + 3}:{four},{four + 1}").holds(xid) is held


def test_a_value_out_of_line_that_did_not_change_comes_from_the_old_row() -> None:
    rows = ChangedRows({TABLE}, {TABLE})
    old: Row = {"v": "1", "large": "x" * 9000}
    rows.add("source", Transaction(1, (Change(TABLE, new={"v": "2"}, old=old, whole=True),)))
    rows.add("target", Transaction(1, (Change(TABLE, new={**old, "v": "2"}, old=old, whole=True),)))
    rows.until(None, None)
    assert rows.differences() == []
