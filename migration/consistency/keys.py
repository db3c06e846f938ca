"""Foreign keys between services in the shared database: dropped before a switch, kept for the way back.

Once a service lives elsewhere, its tables in the shared database are a copy that lags: a key that
points there would refuse rows that are right. So the keys go before the first of the two services
moves, each with its definition kept in `waqiti_migration.crossing_keys`, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import sql

from core.names import TableName
from core.references.keys import CrossingKey, kept_keys
from core.sessions.connections import Database
from core.sessions.locks import Patience, patiently
from core.sessions.queries import queries
from core.sessions.session import Connection

query = queries(__package__)


@dataclass(frozen=True)
class Orphans:
    """Rows that a key restored on the way back finds without the row they point to."""

    key: CrossingKey
    said: str
    """The server's first orphan, as it names it: constraint and table, no values."""


def crossing_keys(connection: Connection, schema: str, schemas: Iterable[str]) -> list[CrossingKey]:
    """The keys between `schema` and any other of the services' `schemas`, in either direction."""
    values = {"schema": schema, "schemas": list(schemas)}
    with connection.transaction():
        # Definitions are printed with every name qualified; event triggers keep the session's own path.
        connection.execute("SET LOCAL search_path = ''")
        rows = connection.execute(query("keys_find"), values).fetchall()
    return [CrossingKey(TableName(s, t), k, d, r) for s, t, k, d, r in rows]


def drop_crossing_keys(
    source: Database, schema: str, schemas: Iterable[str], patience: Patience | None = None
) -> list[CrossingKey]:
    """Drop the keys that cross from or to `schema`; returns those that were dropped now.

    Each needs a short exclusive lock on both tables, waited for patiently. Can be run twice.
    Raises StepTimeout, CopyFailed, ConnectionLost.
    """
    connection = source.connect()
    try:
        with source.translated(f"dropping the foreign keys that cross from or to {schema}"):
            keys = crossing_keys(connection, schema, schemas)
            if keys:
                connection.execute(query("keys_table"))
            for key in keys:
                patiently(connection, f"drop {key}", lambda key=key: _drop(connection, key), patience)  # type: ignore[misc]
        return keys
    finally:
        connection.close()


def restore_crossing_keys(
    source: Database, schemas: Iterable[str], patience: Patience | None = None
) -> tuple[list[CrossingKey], list[Orphans]]:
    """Put back the keys whose two services are both among `schemas`: added NOT VALID, then validated.

    Returns the keys that are valid again, and those that have orphans: left NOT VALID, so that they bind
    new rows (but on partitioned tables, which had no such keys before PostgreSQL 18, left out). Run it
    again once the orphans are mended.
    """
    connection = source.connect()
    restored: list[CrossingKey] = []
    orphans: list[Orphans] = []
    try:
        with source.translated("putting back the foreign keys that cross"):
            for key in kept_keys(connection, set(schemas)):
                try:
                    patiently(connection, f"add {key}", lambda key=key: _add(connection, key), patience)  # type: ignore[misc]
                    connection.execute(_alter(key, "VALIDATE CONSTRAINT {}"))
                except psycopg.errors.ForeignKeyViolation as error:
                    orphans.append(Orphans(key, error.diag.message_primary or "rows without their reference"))
                    continue
                _forget(connection, key)
                restored.append(key)
        return restored, orphans
    finally:
        connection.close()


def _drop(connection: Connection, key: CrossingKey) -> None:
    values = {
        "schema": key.table.schema,
        "table": key.table.name,
        "constraint": key.constraint,
        "definition": key.definition,
        "references": key.references,
    }
    connection.execute(query("keys_keep"), values)
    connection.execute(_alter(key, "DROP CONSTRAINT IF EXISTS {}"))


def _add(connection: Connection, key: CrossingKey) -> None:
    values = {"table": str(key.table), "constraint": key.constraint}
    row = connection.execute(query("keys_there"), values).fetchone()
    there, partitioned = row or (False, False)
    if not there:
        later = "" if partitioned and connection.info.server_version < 180_000 else " NOT VALID"
        # The text is the server's own output for this key, kept by this program.
        definition = sql.SQL(key.definition.removesuffix(" NOT VALID") + later)
        connection.execute(_alter(key, "ADD CONSTRAINT {} ") + definition)


def _alter(key: CrossingKey, what: LiteralString) -> sql.Composed:
    clause = sql.SQL(what).format(sql.Identifier(key.constraint))
    return sql.SQL("ALTER TABLE {} ").format(key.table.identifier()) + clause


def _forget(connection: Connection, key: CrossingKey) -> None:
    connection.execute(
        "DELETE FROM waqiti_migration.crossing_keys"
        " WHERE (schema_name, table_name, constraint_name) = (%s, %s, %s)",
        (key.table.schema, key.table.name, key.constraint),
    )
