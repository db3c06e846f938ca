"""Large objects that no column refers to: nothing says whose they are, so that none of them moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.tables import LargeObjectColumn

query = queries(__package__)

_NAMED = 5


@dataclass(frozen=True, slots=True)
class StrayLargeObjects:
    """How many there are."""

    count: int
    bytes: int | None
    """None: the login may not read the server's table of them."""
    some: tuple[int, ...]
    """A few OIDs."""


def read_stray(connection: Connection, columns: Sequence[LargeObjectColumn]) -> StrayLargeObjects | None:
    """Those that none of `columns` holds; None: there are none. In the caller's transaction."""
    row = connection.execute("SELECT EXISTS (SELECT FROM pg_largeobject_metadata)").fetchone()
    if row is None or not row[0]:
        return None
    held = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT ({})::pg_catalog.oid FROM ONLY {}").format(column.oids(), column.table.identifier())
        for column in columns
    )
    template = sql.SQL(query("stray_large_objects").decode())
    found = connection.execute(
        template.format(held=held if columns else sql.SQL("SELECT NULL::pg_catalog.oid"))
    ).fetchone()
    if found is None or not found[0]:
        return None
    count, oids = found
    readable = connection.execute("SELECT has_table_privilege('pg_largeobject', 'SELECT')").fetchone()
    total = None
    if readable is not None and readable[0]:
        summed = connection.execute(
            "SELECT coalesce(sum(octet_length(data)), 0)::bigint FROM pg_largeobject WHERE loid = ANY (%s)",
            [oids],
        ).fetchone()
        total = summed[0] if summed is not None else None
    return StrayLargeObjects(count, total, tuple(oids[:_NAMED]))
