"""Ranges cover a table once, buckets are a power of two, totals add up in any order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.catalog.tables import TableName
from migration.verify.model import ComparedTable, Difference, Totals, Verification
from migration.verify.rows import MOST_BUCKETS, bucket_count
from migration.verify.scan import Shape, ranges

pytestmark = pytest.mark.unit

TABLE = TableName("s", "t")


@given(pages=st.integers(0, 1 << 32), size=st.integers(0, 1 << 45), range_bytes=st.integers(1 << 20, 1 << 30))
def test_ranges_are_half_open_and_follow_each_other_to_the_open_end(
    pages: int, size: int, range_bytes: int
) -> None:
    found = ranges("source", TABLE, Shape("r", min(pages, 5000), size, ()), range_bytes)
    assert found[0].low == 0
    assert found[-1].high is None
    assert [part.high for part in found[:-1]] == [part.low for part in found[1:]]
    assert len(found) <= max(1, min(pages, 5000))


def test_a_partitioned_table_compared_through_its_root_is_one_range() -> None:
    (only,) = ranges("source", TABLE, Shape("p", 0, 0, ()))
    assert only.with_children


@given(st.integers(0, 1 << 40))
def test_the_number_of_buckets_is_a_power_of_two_and_bounded(rows: int) -> None:
    buckets = bucket_count(rows)
    assert buckets & (buckets - 1) == 0
    assert 1 <= buckets <= MOST_BUCKETS


@given(st.lists(st.tuples(st.integers(0), st.integers(), st.integers())), st.randoms())
def test_totals_are_the_same_in_any_order(parts: list[tuple[int, int, int]], chance: object) -> None:
    shuffled = list(parts)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sum((Totals(*p) for p in parts), Totals()) == sum((Totals(*p) for p in shuffled), Totals())


def test_equal_totals_with_another_structure_are_not_equal() -> None:
    table = ComparedTable(TABLE, Totals(1, 2, 3), Totals(1, 2, 3), structure=("s.t.v is missing",))
    assert not table.equal
    assert not Verification((table,), "md5", 1.0).equal


def test_a_problem_beside_the_tables_is_a_difference() -> None:
    clean = Verification((ComparedTable(TABLE, Totals(), Totals()),), "md5", 1.0)
    assert clean.equal
    assert not clean.with_problems(["large object 7 differs"]).equal


def test_the_report_names_what_differs() -> None:
    difference = Difference(TABLE, "changed", {"id": "7"}, ("v", "w"))
    assert str(difference) == "s.t (id=7): changed in v, w"
    table = ComparedTable(TABLE, Totals(1, 2, 3), Totals(1, 9, 3), differences=(difference,))
    shown = Verification((table,), "hashtextextended", 1.0).as_json()["tables"][0]
    assert shown["differences"] == [{"kind": "changed", "key": {"id": "7"}, "columns": ["v", "w"]}]
    assert not shown["equal"]
