"""What is to be copied, and how large tables are cut: values and one pure rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.sessions.connections import Database
from migration.catalog.tables import Table, TableName

PIECES_PER_SHARE = 3
"""A share of all bytes is cut so many times, so that no worker ends much after the others."""


@dataclass(frozen=True)
class CopySizes:
    """Where one way of copying gives way to another, in bytes of the table on the source."""

    in_process: int = 1024**2
    """Tables up to this size go through this process: starting a pair of clients would cost more."""
    smallest_piece: int = 64 * 1024**2
    """Tables are not cut into less than this: a range is a transaction and two clients of its own."""
    together: int = 1
    """So many tables of those are loaded in one transaction at most. More than one is for who does not need
    to know of each that it is on the target's disk: a commit that has emptied a table waits for that."""
    smallest_crew: int = 3
    """With fewer workers nothing is cut: one table's reading and loading keep two processors busy."""


@dataclass(frozen=True)
class CopyTask:
    """One table of one service and the database it goes to."""

    service: str
    table: Table
    target: Database
    search_path: tuple[str, ...] = ()
    """That of the service's sessions: what its domains and generated columns call may need it."""

    @property
    def name(self) -> str:
        """The table's name as progress and messages show it."""
        return str(self.table.name)


@dataclass(frozen=True)
class CopiedTable:
    """A table that is on its target, committed."""

    service: str
    table: TableName
    rows: int
    """Exact: what the target's COPY counted."""
    bytes: int
    """Heap and TOAST on the source, as planned."""
    seconds: float


@dataclass(frozen=True)
class Piece:
    """What one worker copies at once: a table, or a range of its pages."""

    task: CopyTask
    bytes: int
    """Its share of the table's bytes."""
    first_page: int | None = None
    """None: the whole table in one go; else the range's first block."""
    end_page: int | None = None
    """The first block behind the range; None: to the end, however far the table has grown."""

    @property
    def whole(self) -> bool:
        """Whether it is a table in one go."""
        return self.first_page is None


def cut(tasks: Sequence[CopyTask], workers: int, sizes: CopySizes) -> list[Piece]:
    """Cut tables into pieces for a pool of workers, largest tables first.

    A table is cut only if it holds a worker's fair share of all bytes or more, so that the others would
    wait for it, and there are workers to wait. All other tables go in one go: that is a fifth less work on
    the servers, because they are read without the executor and frozen while they are loaded, and it leaves
    nothing for a vacuum (bench/README.md). The ranges of a table tile its blocks, and the last is open-ended.
    """
    share = sum(task.table.bytes for task in tasks) / max(workers, 1)
    smallest = max(sizes.smallest_piece, 1)
    target = max(share / PIECES_PER_SHARE, smallest)
    pieces: list[Piece] = []
    for task in sorted(tasks, key=lambda task: (-task.table.bytes, task.table.name)):
        table = task.table
        count = min(round(table.bytes / target), table.pages)
        large = table.bytes >= max(share, 2 * smallest)
        if workers >= sizes.smallest_crew and large and count > 1:
            pieces += _ranges(task, count)
        else:
            pieces.append(Piece(task, table.bytes))
    return pieces


def bundle(pieces: Sequence[Piece], workers: int, sizes: CopySizes) -> int:
    """How many of the next pieces one worker loads in one transaction: small tables of one target, and no
    more than leave the others as many."""
    first = pieces[0]
    most = min(sizes.together, max(1, len(pieces) // (2 * max(workers, 1))))
    count = 0
    for piece in pieces:
        fits = piece.whole and piece.task.table.bytes <= sizes.in_process
        if count >= most or not fits or piece.task.target != first.task.target:
            break
        count += 1
    return max(count, 1)


def _ranges(task: CopyTask, count: int) -> list[Piece]:
    pages, size = task.table.pages, task.table.bytes
    edges = [pages * number // count for number in range(count)]
    ends: list[int | None] = [*edges[1:], None]
    return [
        Piece(task, size * (number + 1) // count - size * number // count, first, end)
        for number, (first, end) in enumerate(zip(edges, ends, strict=True))
    ]
