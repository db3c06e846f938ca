"""Stored generated columns and unique indexes that ask the clock or the session. Pure.

PostgreSQL takes only what says that it is IMMUTABLE there; a function may say so and ask all the same. Each
side computes such a column, and enters a row into such an index, when it is written there: an own database's
values would be others, and rows that never met in the one may meet in the other, where apply workers stop.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from components.contract import Service
from migration.boundary.closure import Closure
from migration.catalog.objects import PG_ATTRDEF, PG_CLASS, Catalog, CatalogObject
from migration.catalog.tables import Table
from migration.plan.model import Problem

_ASKS = "asks the clock or the session, though what it calls says that it is IMMUTABLE"


def shifting_problems(service: Service, catalog: Catalog, closure: Closure) -> Iterator[Problem]:
    """A no-go for each of them."""
    for key, judged in sorted(catalog.judged.items()):
        if not judged.clock or key not in closure.objects:
            continue
        item = catalog.objects[key]
        table = catalog.tables.get(catalog.whole(key)[1]) if catalog.whole(key)[0] == PG_CLASS else None
        if table is None or (key[0] == PG_ATTRDEF and table.parent is not None):
            continue  # a partition has its columns from its parent
        if key[0] == PG_ATTRDEF and _is_stored(table, item.name):
            yield Problem(
                service.name,
                "data",
                "no-go",
                f"generated column {item.identity} {_ASKS}: the service's own database would compute other"
                " values; a trigger may take its place; in the shared database first:"
                f" {with_trigger(table, item)}",
            )
        elif item.kind == "index" and (drop := drop_index(catalog, table, item)) is not None:
            yield Problem(
                service.name,
                "data",
                "no-go",
                f"{item} is unique or excludes rows, and {_ASKS}: rows that never met in one database would"
                " in the other, and stop its replication; a trigger may take its place; in the shared"
                f" database first: {drop}",
            )


def _is_stored(table: Table, name: str) -> bool:
    return any(column.name == name and column.generated == "s" for column in table.columns)


def with_trigger(table: Table, item: CatalogObject) -> str:
    """Statements for the same values from now on, replicated as they are: triggers do not fire where rows are
    applied. `item` is the column's expression."""
    on, column = table.name.identifier(), sql.Identifier(item.name)
    named = sql.Identifier(f"{table.name.name}_{item.name}"[:50])
    function = sql.Identifier(table.name.schema, f"{table.name.name}_{item.name}"[:50])
    body = sql.SQL("BEGIN NEW.{} := (SELECT {} FROM (SELECT NEW.*) AS t); RETURN NEW; END").format(
        column, sql.SQL(item.definition)
    )
    return (
        sql.SQL(
            "ALTER TABLE {on} ALTER COLUMN {column} DROP EXPRESSION; CREATE FUNCTION {function}() RETURNS"
            " trigger LANGUAGE plpgsql AS {body}; CREATE TRIGGER {named} BEFORE INSERT OR UPDATE ON {on}"
            " FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
        .format(on=on, column=column, function=function, named=named, body=sql.Literal(body.as_string(None)))
        .as_string(None)
    )


def drop_index(catalog: Catalog, table: Table, index: CatalogObject) -> str | None:
    """The statement that takes an index or its constraint away; None for one that may hold any rows."""
    for part in catalog.parts.get((PG_CLASS, table.oid), ()):
        item = catalog.objects[part]
        if item.kind in {"exclusion constraint", "unique constraint"} and item.name == index.name:
            return (
                sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
                .format(table.name.identifier(), sql.Identifier(item.name))
                .as_string(None)
            )
    if not index.definition.startswith("CREATE UNIQUE INDEX"):
        return None
    name = sql.Identifier(index.schema or "", index.name)
    return sql.SQL("DROP INDEX {}").format(name).as_string(None)
