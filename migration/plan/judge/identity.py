"""Tables whose updates and deletes replication cannot carry: no key names their rows, and their values do not
either. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from components.contract import Service
from migration.boundary.closure import Closure
from migration.catalog.objects import PG_CLASS, Catalog
from migration.catalog.tables import Table, display_name
from migration.plan.model import Problem, TargetFacts

UNPUBLISHED_REFUSED_SINCE = 18
"""From then on a publisher refuses updates of tables whose whole row has generated columns in it."""


def identity_problems(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts | None
) -> Iterator[Problem]:
    """One for each table that would stop its replication, or whose updates would fail, one day."""
    newest = max(catalog.server.major, target.version_number // 10000 if target else 0)
    for classid, oid in sorted(closure.objects):
        table = catalog.tables.get(oid) if classid == PG_CLASS else None
        if table is None or not table.holds_rows or table.unlogged or table.replica_identity != "full":
            continue
        why = _why_not(table, newest)
        if why:
            yield Problem(
                service.name,
                "data",
                "no-go",
                f"updates and deletes of table {table.name} cannot be replicated: {_whole_row(table)}, and"
                f" {why}; give it a key in the shared database first: {key_remedy(table, catalog)}",
            )


def _whole_row(table: Table) -> str:
    if table.key is not None:
        return "its replica identity is FULL, so that rows are found by all of their values"
    return "it has no unique index over plain columns that are NOT NULL, so that rows are found by all values"


def _why_not(table: Table, newest: int) -> str:
    without = [column for column in table.copied if not column.comparable]
    if without:
        listed = ", ".join(f"{display_name(column.name)} ({column.type})" for column in without[:3])
        return f"{listed} cannot be compared, for want of an equality operator"
    if table.generated_key:
        return "its primary key is a generated column, which is not replicated but looked for"
    if newest >= UNPUBLISHED_REFUSED_SINCE and len(table.copied) < len(table.columns):
        return f"PostgreSQL {newest} refuses them where some of the columns are generated"
    return ""


def key_remedy(table: Table, catalog: Catalog) -> str:
    """The statement that gives a table a key which names its rows."""
    if table.key is not None and table.key_index is not None:
        return f"ALTER TABLE {table.name} REPLICA IDENTITY USING INDEX {display_name(table.key_index)}"
    column = _free_name(table)
    root = _root(table, catalog)
    if root is table:
        return f"ALTER TABLE {table.name} ADD COLUMN {column} bigint GENERATED ALWAYS AS IDENTITY UNIQUE"
    # Neither can a column be added to a partition, nor a unique index without the partition key to the root.
    return (
        f"ALTER TABLE {root.name} ADD COLUMN IF NOT EXISTS {column} uuid NOT NULL DEFAULT"
        f" gen_random_uuid(); CREATE UNIQUE INDEX ON {table.name} ({column})"
    )


def _root(table: Table, catalog: Catalog) -> Table:
    by_name = {one.name: one for one in catalog.tables.values()}
    while table.parent is not None and table.parent in by_name:
        table = by_name[table.parent]
    return table


def _free_name(table: Table) -> str:
    taken = {column.name for column in table.columns}
    return next(name for name in ("row_id", *(f"row_id_{n}" for n in range(2, 1700))) if name not in taken)
