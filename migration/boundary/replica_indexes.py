"""The indexes that a replica has besides its primary key's, so that joins over it stay quick. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from core.postgres_parser import RawStream, parse_sql
from migration.catalog.objects import PG_CLASS, Catalog
from migration.catalog.tables import Table


def kept_indexes(catalog: Catalog, table: Table, columns: Collection[str]) -> tuple[str, ...]:
    """The DDL of the table's indexes that need nothing but `columns`, for a table of the same name.

    Ordinary ones only: btree, of columns, of whole tables. Not unique: what comes by replication was held
    against the owner's, and a replica must not stop for what that let pass.
    """
    return tuple(sorted(set(_kept(catalog, table, columns))))


def _kept(catalog: Catalog, table: Table, columns: Collection[str]) -> Iterator[str]:
    for part in catalog.parts.get((PG_CLASS, table.oid), ()):
        item = catalog.objects[part]
        if item.kind != "index":
            continue
        tree: Any = parse_sql(item.definition)[0].stmt
        elements = [*tree.indexParams, *(tree.indexIncludingParams or ())]
        named = [element.name for element in elements]
        if tree.accessMethod != "btree" or tree.whereClause is not None or tuple(named) == table.key:
            continue
        if any(name not in columns for name in named) or not all(map(_plain, elements)):
            continue
        tree.unique = tree.nulls_not_distinct = False
        # Its name may be what the replica's own primary key was given.
        tree.if_not_exists = True
        yield str(RawStream()(tree))


def _plain(element: Any) -> bool:
    """A column as it is: of its default operator class, and of no collation of one's own."""
    return element.name is not None and not element.opclass and len(element.collation or ()) < 2
