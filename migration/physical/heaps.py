"""The service's tables as a catalogue describes them: their layout, their files, their age."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from psycopg.rows import dict_row

from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.tables import TableName

query = queries(__package__)


@dataclass(frozen=True)
class Relation:
    """A file, and what the catalogue says of it that a file does not."""

    path: str
    """Below the data folder; further segments and forks are beside it."""
    pages: int
    tuples: float
    visible: int = 0
    frozen: str | None = None
    """Transaction identifiers up to here are frozen in it; None: an index has none."""
    multi: str | None = None


@dataclass(frozen=True)
class Index:
    """An index of a table."""

    definition: str
    relation: Relation


@dataclass(frozen=True)
class Heap:
    """A table."""

    name: TableName
    oid: int
    why_not: str | None
    """Why it cannot come as a file whatever the other side is; None: it can."""
    columns: tuple[str, ...] | None
    relation: Relation
    toast: int | None
    """OID of the table of its long values, which pointers in its rows hold."""
    toast_relations: tuple[Relation, ...]
    """That table and its index."""
    indexes: Mapping[str, Index]

    def files(self) -> Iterator[Relation]:
        """All of them, in an order that is the same on both sides."""
        yield self.relation
        yield from self.toast_relations
        for name in sorted(self.indexes):
            yield self.indexes[name].relation

    def unlike(self, other: Heap, *, indexes: bool = True) -> str | None:
        """Why its files would not do for `other`, a table of the same name; None: they do. Without `indexes`
        nobody looks at those, which are not made yet."""
        if self.columns != other.columns:
            return "its columns lie otherwise in the service's own database"
        definitions = ({name: one.definition for name, one in heap.indexes.items()} for heap in (self, other))
        if indexes and next(definitions) != next(definitions):
            return "its indexes are others in the service's own database"
        if (self.toast is None) != (other.toast is None):
            return "its long values lie otherwise in the service's own database"
        return None


def read_heaps(connection: Connection, names: Iterable[TableName]) -> dict[TableName, Heap]:
    """Those of `names` that are tables. The session's search_path is made empty: definitions name schemas."""
    wanted = list(names)
    parameters = {"schemas": [name.schema for name in wanted], "names": [name.name for name in wanted]}
    connection.execute("SELECT pg_catalog.set_config('search_path', '', false)")
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query("heaps"), parameters).fetchall()
    return {heap.name: heap for heap in map(_heap, rows)}


def _heap(row: Mapping[str, object]) -> Heap:
    indexes = row["indexes"]
    columns = row["columns"]
    assert isinstance(indexes, list)  # noqa: S101 (json_agg)
    toast = []
    if row["toast"] is not None:
        toast = [_relation(row, "toast_"), Relation(str(row["toast_index_file"]), 0, 0.0)]
    return Heap(
        name=TableName(str(row["schema"]), str(row["name"])),
        oid=int(str(row["oid"])),
        why_not=None if row["why_not"] is None else str(row["why_not"]),
        columns=tuple(map(str, columns)) if isinstance(columns, list) else None,
        relation=_relation(row, ""),
        toast=None if row["toast"] is None else int(str(row["toast"])),
        toast_relations=tuple(toast),
        indexes={
            str(name): Index(str(definition), Relation(str(path), int(pages), float(tuples)))
            for name, definition, path, pages, tuples in indexes
        },
    )


def _relation(row: Mapping[str, object], prefix: str) -> Relation:
    return Relation(
        path=str(row[f"{prefix}file"]),
        pages=int(str(row[f"{prefix}pages"])),
        tuples=float(str(row[f"{prefix}tuples"])),
        visible=int(str(row[f"{prefix}visible"])),
        frozen=str(row[f"{prefix}frozen"]),
        multi=str(row[f"{prefix}multi"]),
    )
