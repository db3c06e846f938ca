"""What a database holds, as values that every part of the migration passes around.

All are frozen: a table is described once, from one snapshot of the source's catalogue, and what
changes while a move runs (progress, positions, verdicts) lives elsewhere. This module imports no
connection; `identifier()` gives what `psycopg.sql` composes statements of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from psycopg import sql

from core.names import SequenceName, TableName, display_name

__all__ = ["SequenceName", "TableName", "display_name"]

_ENTRY = re.compile(r'"((?:[^"]|"")*)"|([^,\s]+)')

TableKind = Literal["table", "partition", "partitioned", "foreign"]
"""`table`: an ordinary table. `partition`: a leaf that holds rows of a partitioned table.
`partitioned`: a parent, or a sub-parent, without rows of its own. `foreign`: rows live elsewhere."""


def search_path(path: Iterable[str]) -> sql.Composed:
    """The value for SET search_path."""
    return sql.SQL(", ").join(map(sql.Identifier, path))


def search_path_entries(setting: str) -> list[str]:
    """The schemas of a search_path as `pg_proc.proconfig` has it."""
    return [
        match[1].replace('""', '"') if match[1] is not None else match[2]
        for match in _ENTRY.finditer(setting)
    ]


@dataclass(frozen=True, slots=True)
class Column:
    """A column, in the order of `attnum`; dropped columns are left out."""

    name: str
    type: str
    """As `format_type` prints it with an empty search_path, for example `numeric(12,2)`."""
    type_oid: int
    not_null: bool
    generated: Literal["", "s", "v"] = ""
    """`s`: stored, `v`: virtual (PostgreSQL 18), empty: not generated (`pg_attribute.attgenerated`)."""
    identity: Literal["", "a", "d"] = ""
    """`a`: generated always, `d`: by default (`pg_attribute.attidentity`)."""
    collation: str | None = None
    """The schema-qualified collation where it is not the type's own."""
    binary: bool = True
    """Whether binary COPY gives the same value on both sides: the type has send and receive functions,
    and its binary form holds no OID (reg* types, arrays and composites of types of one's own do)."""
    collation_oid: int = 0
    """Of `collation`; 0 where it is the type's own."""
    comparable: bool = True
    """Whether the type has an equality operator, as replication of rows without a key needs."""

    def identifier(self) -> sql.Identifier:
        """The quoted name."""
        return sql.Identifier(self.name)


@dataclass(frozen=True, slots=True)
class Table:
    """A table and what copying, verifying and replicating it need to know.

    Rows of a table with inheritance children are its own only: read it with `ONLY` (`COPY name TO`
    does that by itself).
    """

    name: TableName
    oid: int
    kind: TableKind
    bytes: int
    """Heap and TOAST on disk, in bytes, without indexes (`pg_table_size`)."""
    pages: int
    """Blocks of the heap itself now (not `relpages`): the bound of ctid ranges."""
    estimated_rows: int
    """`reltuples`; where never analyzed, guessed from the size. An estimate: never compare with it."""
    columns: tuple[Column, ...]
    key: tuple[str, ...] | None
    """Columns of the primary key, else of a unique, immediate, non-partial index over columns that
    are all NOT NULL; None when there is none. Generated columns are in none."""
    key_index: str | None
    """Name of the index behind `key`."""
    replica_identity: str
    """What replication of updates and deletes has to use: `primary key`, `index NAME` or `full`."""
    generated_key: bool = False
    """Whether its primary key has a generated column in it, which replication sends no value of."""
    key_types: tuple[str, ...] = ()
    """The type of each column of `key`, a domain's base type, without its modifier."""
    key_operators: tuple[tuple[str, str], ...] = ()
    """Schema and name of the operator with which `key_index` finds a value of each column of `key`."""
    index_bytes: int = 0
    unlogged: bool = False
    """Not in the WAL: copied, but never replicated."""
    row_security: bool = False
    parent: TableName | None = None
    """The partitioned table it is directly part of; None for others."""
    hashed_by_enum: bool = False
    """Partitioned by a hash that differs from server to server: its partitions have other rows elsewhere."""
    current_replica_identity: Literal["d", "n", "f", "i"] = "d"
    """`pg_class.relreplident` as it is on the source now."""

    @property
    def copied(self) -> tuple[Column, ...]:
        """The columns whose values travel: all that the target does not generate by itself."""
        return tuple(column for column in self.columns if not column.generated)

    @property
    def holds_rows(self) -> bool:
        """Whether there are rows of its own to copy (parents and foreign tables have none)."""
        return self.kind in {"table", "partition"}

    @property
    def binary(self) -> bool:
        """Whether every copied column can travel in COPY's binary format."""
        return all(column.binary for column in self.copied)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence's parameters, and the column that owns it; its value is read when it is moved."""

    name: SequenceName
    oid: int
    type: str
    start: int
    increment: int
    minimum: int
    maximum: int
    cache: int
    cycle: bool
    owned_by: tuple[TableName, str] | None = None
    """Table and column of a serial or identity column, or of `OWNED BY`."""


@dataclass(frozen=True, slots=True)
class LargeObjectColumn:
    """A column that may hold the identifiers of large objects: of type `oid`, of the domain `lo`, or with
    either inside."""

    table: TableName
    column: str
    inside: str = ""
    """SQL for those inside, where the column is no identifier itself; it may give several of a row."""

    def oids(self) -> sql.Composable:
        """The expression for the identifiers, for a SELECT's list."""
        return sql.SQL(self.inside) if self.inside else sql.Identifier(self.column)
