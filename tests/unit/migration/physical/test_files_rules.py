"""What of a base backup is kept, which numbers are free, where WAL goes on, and which way is quicker."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.contract import Service
from core.errors import FilesRefused
from migration.catalog.tables import Table, TableName
from migration.physical.base_backup import Wanted
from migration.physical.bring import NUMBERS, free_numbers
from migration.physical.choose import Chosen, decided
from migration.physical.control import Control, parse_lsn, segment_after
from migration.physical.estimate import Estimate, estimate
from tests.support.contracts import NOBODY, NOWHERE, make_service

pytestmark = pytest.mark.unit

WANTED = Wanted(5, frozenset({"base/5/20000", "base/5/20001"}))
CONTROL = Control("shut down", 0, 800, 20000, 1, 0, 700, 1, 1, 0, 16 << 20, checksums=True)


@pytest.mark.parametrize(
    "path",
    [
        "base/5/20000", "base/5/20000.1", "base/5/20000_fsm", "base/5/20000_vm.2", "base/5/20001_init",
        "base/6/20002", "base/1/1259", "postgresql.conf", "log/postgresql.log", "../base/5/20002",
        "base/../../etc/passwd", "",
    ],
)  # fmt: skip
def test_what_is_not_wanted_of_a_backup_reaches_no_disk(path: str) -> None:
    assert not WANTED.keeps(path)


@pytest.mark.parametrize(
    "path",
    ["base/5", "base/5/20002", "base/5/20002.1", "base/5/200001", "base/5/1259", "base/5/PG_VERSION",
     "global/pg_control", "pg_xact/0000", "pg_wal/000000010000000000000001", "backup_label"],
)  # fmt: skip
def test_what_recovery_and_the_service_need_is_kept(path: str) -> None:
    assert WANTED.keeps(path)


@given(st.integers(16384, 1 << 31), st.lists(st.integers(1, (1 << 32) - 1), max_size=50))
def test_numbers_that_are_free_are_nobodys(begin: int, taken: list[int]) -> None:
    found = free_numbers(begin, [number for number in taken if number < 3 << 30])
    at = begin if found is None else found
    assert at >= begin
    assert not any(at <= number < at + NUMBERS for number in taken if number < 3 << 30)


@given(
    st.integers(0, (1 << 50) - 1),
    st.integers(0, (1 << 50) - 1),
    st.sampled_from([1 << 20, 16 << 20, 1 << 30]),
)
def test_wal_goes_on_beyond_every_page(clone: int, own: int, segment: int) -> None:
    ours = replace(CONTROL, checkpoint=own, segment_bytes=segment, timeline=3)
    name = segment_after(replace(CONTROL, checkpoint=clone, segment_bytes=16 << 20), ours)
    timeline, log, part = (int(name[place : place + 8], 16) for place in (0, 8, 16))
    assert timeline == 3
    assert part < (1 << 32) // segment
    begins = (log << 32) + part * segment
    assert max(clone, own) < begins <= max(clone, own) + segment


def test_an_lsn_is_read_as_bytes() -> None:
    assert parse_lsn("1/A0") == (1 << 32) + 0xA0


def table(name: str, size: int, index: int = 0) -> Table:
    """A table of so many bytes."""
    return Table(
        TableName("s", name), 1, "table", size, size >> 13, 1, (), None, None, "full", index_bytes=index
    )


def test_a_large_service_is_quicker_by_files_and_a_small_one_by_copy() -> None:
    large = [table("large", 3 << 30, 1 << 30)]
    assert estimate(large, 5 << 30, {}).quicker == "files"
    assert estimate([table("small", 1 << 20)], 5 << 30, {}).quicker == "copy"
    # A small part of a large server is read quicker than all of it.
    assert estimate(large, 500 << 30, {}).quicker == "copy"


def test_what_cannot_come_as_a_file_counts_for_both_ways() -> None:
    tables = [table("a", 1 << 30), table("b", 1 << 30)]
    found = estimate(tables, 3 << 30, {tables[1].name: "of types of one's own"})
    assert found.as_files == {tables[0].name}
    whole = estimate(tables, 3 << 30, {})
    assert found.files is not None
    assert whole.files is not None
    assert found.files > whole.files
    assert estimate(tables, 3 << 30, {one.name: "no" for one in tables}).files is None


def test_always_is_refused_with_all_that_is_in_the_way_and_auto_copies() -> None:
    service: Service = make_service("user", NOWHERE, NOBODY)
    blocked = Chosen(Estimate(1.0, None, ("one thing", "another")), {})
    with pytest.raises(FilesRefused, match="one thing; another"):
        decided(service, blocked, "always")
    assert not decided(service, blocked, "auto")
    assert not decided(service, Chosen(Estimate(9.0, 1.0), {}), "never")
    assert decided(service, Chosen(Estimate(9.0, 1.0), {}), "auto")
    assert not decided(service, Chosen(Estimate(1.0, 9.0), {}), "auto")
    assert decided(service, Chosen(Estimate(1.0, 9.0), {}), "always")
