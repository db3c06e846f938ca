"""Cutting tables into pieces: every block is copied once, and nobody waits for one giant."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from components.contract import Endpoint, Login
from core.sessions.connections import Database
from migration.catalog.tables import Table, TableName
from migration.copy.task import CopySizes, CopyTask, Piece, bundle, cut

pytestmark = pytest.mark.unit

MIB = 1024**2
SIZES = CopySizes(smallest_crew=2)
TARGET = Database(
    "target", "target", Endpoint(host="h", port=1, database="d"), Login(name="u", password=SecretStr("p"))
)


def task(name: str, pages: int, toast: int = 0) -> CopyTask:
    table = Table(
        name=TableName("s", name),
        oid=1,
        kind="table",
        bytes=pages * 8192 + toast,
        pages=pages,
        estimated_rows=pages * 50,
        columns=(),
        key=None,
        key_index=None,
        replica_identity="full",
    )
    return CopyTask("service", table, TARGET)


tasks = st.lists(st.integers(0, 400_000), max_size=12).map(
    lambda sizes: [task(f"t{number}", pages) for number, pages in enumerate(sizes)]
)
workers = st.integers(1, 16)


def pieces_of(pieces: list[Piece], wanted: CopyTask) -> list[Piece]:
    return [piece for piece in pieces if piece.task == wanted]


@given(tasks, workers)
def test_the_ranges_of_a_table_tile_it_and_the_last_is_open(given_tasks: list[CopyTask], count: int) -> None:
    pieces = cut(given_tasks, count, SIZES)
    for one in given_tasks:
        own = pieces_of(pieces, one)
        if own[0].whole:
            assert len(own) == 1
            continue
        assert own[0].first_page == 0
        assert own[-1].end_page is None
        for before, after in itertools.pairwise(own):
            assert before.end_page == after.first_page
            assert before.first_page is not None
            assert before.end_page is not None
            assert before.first_page < before.end_page


@given(tasks, workers)
def test_the_bytes_of_the_pieces_are_the_bytes_of_the_tables(given_tasks: list[CopyTask], count: int) -> None:
    pieces = cut(given_tasks, count, SIZES)
    for one in given_tasks:
        assert sum(piece.bytes for piece in pieces_of(pieces, one)) == one.table.bytes


@given(tasks, workers)
def test_no_piece_is_larger_than_a_workers_share_unless_it_is_small_anyway(
    given_tasks: list[CopyTask], count: int
) -> None:
    total = sum(one.table.bytes for one in given_tasks)
    for piece in cut(given_tasks, count, SIZES):
        assert piece.bytes <= max(total / count, 2 * SIZES.smallest_piece) + 1


@given(tasks, workers)
def test_the_largest_table_comes_first(given_tasks: list[CopyTask], count: int) -> None:
    order = [piece.task.table.bytes for piece in cut(given_tasks, count, SIZES)]
    assert order == sorted(order, reverse=True)


@given(tasks)
def test_one_worker_alone_cuts_nothing(given_tasks: list[CopyTask]) -> None:
    assert all(piece.whole for piece in cut(given_tasks, 1, SIZES))


@given(tasks)
def test_two_workers_cut_nothing_as_one_stream_keeps_two_processors_busy(
    given_tasks: list[CopyTask],
) -> None:
    assert all(piece.whole for piece in cut(given_tasks, 2, CopySizes(smallest_piece=1)))


def test_a_giant_is_cut_and_its_small_neighbours_are_not() -> None:
    giant, dwarf = task("giant", 100_000), task("dwarf", 100)
    pieces = cut([dwarf, giant], 2, SIZES)
    assert len(pieces_of(pieces, giant)) == 6
    assert pieces_of(pieces, dwarf) == [Piece(dwarf, dwarf.table.bytes)]


def test_a_table_whose_bytes_are_all_in_toast_is_cut_by_the_pages_it_has() -> None:
    wide = task("wide", 3, toast=1000 * MIB)
    pieces = cut([wide], 8, SIZES)
    assert [(piece.first_page, piece.end_page) for piece in pieces] == [(0, 1), (1, 2), (2, None)]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(1, 8), st.integers(1, 60))
def test_bundles_are_small_tables_and_leave_the_others_as_many(
    pages: list[int], count: int, together: int
) -> None:
    sizes = CopySizes(in_process=2 * 8192, together=together)
    left = cut([task(f"t{number}", size) for number, size in enumerate(pages)], count, sizes)
    while left:
        number = bundle(left, count, sizes)
        assert 1 <= number <= max(1, min(together, len(left) // (2 * count)))
        if number > 1:
            assert all(piece.whole and piece.bytes <= sizes.in_process for piece in left[:number])
        left = left[number:]


def test_no_tables_are_no_pieces() -> None:
    assert cut([], 4, SIZES) == []
