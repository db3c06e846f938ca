"""How long a service takes either way. Pure.

In seconds of a machine like the one of bench/README.md; what counts is which of the two is smaller.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from migration.catalog.tables import Table, TableName

Way = Literal["files", "copy"]

COPY_SECONDS_BYTE = 1 / 150e6
"""Of heap and long values through COPY."""
INDEX_SECONDS_BYTE = 1 / 60e6
"""Of an index that is built."""
COPY_SECONDS = 0.3
FILES_SECONDS_BYTE = 1 / 500e6
"""Of the shared server's whole folder, read and sent."""
FILES_SECONDS = 4.0
"""Slots, recovery, the instance stopped and started, its catalogues frozen."""


@dataclass(frozen=True)
class Estimate:
    """In seconds, until all rows are there with their indexes."""

    copy: float
    files: float | None
    """None: it cannot be."""
    obstacles: tuple[str, ...] = ()
    """Why it cannot."""
    as_files: frozenset[TableName] = frozenset()
    """The tables that would come as files; the others are copied all the same."""
    why_not: tuple[tuple[TableName, str], ...] = ()
    """Tables that would not, and why."""

    @property
    def quicker(self) -> Way:
        """The way that takes less."""
        return "files" if self.files is not None and self.files < self.copy else "copy"


def estimate(
    tables: Iterable[Table],
    server_bytes: int,
    why_not: dict[TableName, str],
    obstacles: Iterable[str] = (),
    bytes_per_second: float | None = None,
) -> Estimate:
    """Of a service's tables on a server of `server_bytes`; `why_not` names those that cannot come so."""
    held = [table for table in tables if table.holds_rows]
    slower = 0.0 if bytes_per_second is None else 1 / bytes_per_second
    left = [table for table in held if table.name in why_not]
    blocked = tuple(obstacles)
    as_files = frozenset(table.name for table in held) - frozenset(why_not)
    if not blocked and not as_files:
        blocked = ("none of its tables can come as a file",)
    sent = server_bytes * max(FILES_SECONDS_BYTE, slower)
    return Estimate(
        copy=_copied(held, slower),
        files=None if blocked else FILES_SECONDS + sent + _copied(left, slower),
        obstacles=blocked,
        as_files=as_files,
        why_not=tuple(sorted(why_not.items(), key=str)),
    )


def _copied(tables: Iterable[Table], slower: float) -> float:
    return COPY_SECONDS + sum(
        table.bytes * max(COPY_SECONDS_BYTE, slower) + table.index_bytes * INDEX_SECONDS_BYTE
        for table in tables
    )
