"""Numbers in columns that another database gives otherwise, also inside arrays, composites and domains.

Those of reg* types are numbers in their tables, and names on their way elsewhere; others name large objects.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.objects import NamedValue
from migration.catalog.tables import LargeObjectColumn, Table

query = queries(__package__)


SECONDS = 10.0
"""How long the values of all such columns are read for a plan; what is left is said."""
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a column holds such numbers."""

    table: Table
    column: str
    column_type: str
    type: str
    """`oid` or one of the reg* types."""
    expression: str
    """SQL for the values there; it may give several of a row."""


def read_places(connection: Connection, tables: Mapping[int, Table]) -> tuple[Place, ...]:
    """All of them, but columns of the type `oid` itself."""
    return tuple(
        Place(tables[oid], *rest)
        for oid, *rest in connection.execute(query("held_numbers"))
        if oid in tables and tables[oid].holds_rows
    )


def large_objects_inside(
    places: Iterable[Place], known: Iterable[LargeObjectColumn]
) -> Iterator[LargeObjectColumn]:
    """Those that may hold identifiers of large objects, without the columns that are `known` as such."""
    left_out = {(one.table, one.column) for one in known}
    for place in places:
        if place.type == "oid" and (place.table.name, place.column) not in left_out:
            yield LargeObjectColumn(place.table.name, place.column, place.expression)


def read_named_values(
    connection: Connection, places: Iterable[Place], seconds: float = SECONDS
) -> tuple[tuple[NamedValue, ...], dict[int, tuple[str, ...]]]:
    """What they name that another database need not have, or not find, and by table the columns that were
    not read for want of time, the largest tables last; in a frozen transaction."""
    named = [place for place in places if place.type != "oid"]
    found: list[NamedValue] = []
    unread: dict[int, tuple[str, ...]] = {}
    deadline = time.monotonic() + seconds
    for place in sorted(named, key=lambda place: place.table.bytes):
        table, column = place.table, place.column
        reading = sql.SQL(
            "SELECT DISTINCT v FROM (SELECT ({expression})::pg_catalog.oid FROM ONLY {table}) AS s (v)"
            " WHERE v IS NOT NULL LIMIT {most}"
        ).format(expression=sql.SQL(place.expression), table=table.name.identifier(), most=sql.Literal(_MOST))
        values = _within(connection, reading, deadline - time.monotonic())
        if values is None:
            unread[table.oid] = (*unread.get(table.oid, ()), column)
            continue
        rows = connection.execute(query("named"), {"type": place.type, "values": values})
        found += [
            NamedValue(table.oid, column, place.column_type, place.type, (classid, objid), *rest)
            for classid, objid, *rest in rows
        ]
    return tuple(found), unread


def _within(connection: Connection, reading: sql.Composed, seconds: float) -> list[int] | None:
    """The values, or None where time is up."""
    if seconds <= 0:
        return None
    limit = sql.SQL("SET LOCAL statement_timeout = {}")
    try:
        # A savepoint: the transaction goes on.
        with connection.transaction():
            connection.execute(limit.format(max(1, int(seconds * 1000))))
            values = [row[0] for row in connection.execute(reading)]
            connection.execute(limit.format(0))
    except psycopg.errors.QueryCanceled:
        return None
    return values
