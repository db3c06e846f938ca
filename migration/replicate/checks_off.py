"""Checks that a side goes without while it follows: noted there, taken off, put on again as it was.

A row that was right when it was written may be refused when it is applied: by a check that asks the clock, a
setting, the user or other rows. An apply worker that meets one stops for good.
docs/decisions/0151-checks-that-shift.md
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import psycopg
from psycopg import sql

from core.sessions.locks import patiently, set_lock_timeout
from core.sessions.own_schema import ensure_schema
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.tables import TableName, display_name, search_path

query = queries(__package__)


HOLD_MS = 1500
"""So long may readers of a table keep a check from being put on, while clients wait."""


@dataclass(frozen=True, order=True, slots=True)
class TableCheck:
    """A check of a table."""

    table: TableName
    name: str

    def __str__(self) -> str:
        return f"{self.table}.{display_name(self.name)}"


_IS_THERE = "SELECT pg_catalog.to_regclass('waqiti_migration.checks_off') IS NOT NULL"
_CARRIES = "SELECT pg_catalog.to_regclass('waqiti_migration.carried_schemas') IS NOT NULL"
_NOTED = (
    "SELECT schema_name, table_name, constraint_name FROM waqiti_migration.checks_off"
    " WHERE service = %s AND NOT inherited ORDER BY number"
)
_OFF = (
    "SELECT schema_name, table_name, constraint_name, definition, comment, inherited"
    " FROM waqiti_migration.checks_off WHERE service = %s AND off ORDER BY number DESC"
)
_ON_AGAIN = "UPDATE waqiti_migration.checks_off SET off = false WHERE service = %s AND off"
_OF_LATER = (
    "INSERT INTO waqiti_migration.checks_off"
    " (service, schema_name, table_name, constraint_name, definition, valid, inherited, off)"
    " VALUES (%s, %s, %s, %s, %s, true, false, true) ON CONFLICT DO NOTHING"
)
_WITHOUT = (
    "SELECT schema_name, table_name, constraint_name FROM waqiti_migration.checks_off"
    " WHERE service = %s AND off"
)
_NOT_VALID = (
    "SELECT o.schema_name, o.table_name, o.constraint_name FROM waqiti_migration.checks_off o"
    " JOIN pg_catalog.pg_constraint k ON k.contype = 'c' AND NOT k.convalidated"
    "  AND k.conname = o.constraint_name"
    "  AND k.conrelid = pg_catalog.to_regclass(pg_catalog.format('%%I.%%I', o.schema_name, o.table_name))"
    " WHERE o.service = %s AND o.valid AND NOT o.off ORDER BY o.number DESC"
)
_THERE = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint"
    " WHERE conrelid = pg_catalog.to_regclass(%s) AND conname = %s AND contype = 'c')"
)


def noted(connection: Connection, service: str) -> list[TableCheck]:
    """Those that this side went without at one time or other, of the service."""
    return _checks(connection, _NOTED, service)


def without(connection: Connection, service: str) -> list[TableCheck]:
    """Those that it goes without now, inherited ones too."""
    return _checks(connection, _WITHOUT, service)


def take_off(connection: Connection, service: str, wanted: Iterable[TableCheck]) -> list[TableCheck]:
    """Take off those of the checks that are there; returns them. Can be repeated.

    `connection` is in autocommit mode. Raises StepTimeout where a table cannot be locked, and psycopg errors.
    """
    checks = list(wanted)
    named = {
        "schemas": [check.table.schema for check in checks],
        "tables": [check.table.name for check in checks],
        "names": [check.name for check in checks],
    }
    rows = connection.execute(query("checks_off_there"), named).fetchall()
    there = {TableCheck(TableName(schema, table), name): asked for schema, table, name, asked in rows}
    if there:
        ensure_schema(connection)
        connection.execute(query("checks_off_table"))
    for check, asked in there.items():
        act = partial(_take_off, connection, service, check, asked=asked)
        patiently(connection, f"take off {check}", act)
    return list(there)


def put_on(connection: Connection, service: str) -> list[TableCheck]:
    """Put them on again, NOT VALID, all or none; returns them. Can be repeated.

    Raises psycopg errors, LockNotAvailable where somebody reads one of the tables for long.
    """
    if connection.execute(_IS_THERE).fetchone() != (True,):
        return []
    rows = connection.execute(_OFF, [service]).fetchall()
    if not rows:
        return []
    # All or none: whoever is killed in between leaves no check that the next one takes for whole.
    with connection.transaction():
        set_lock_timeout(connection, HOLD_MS)
        for schema, table, name, definition, _, inherited in rows:
            on = sql.Identifier(schema, table)
            row = connection.execute(_THERE, [on.as_string(connection), name]).fetchone()
            if not inherited and row == (False,):
                # The text is the server's own output for this check.
                connection.execute(
                    sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {} NOT VALID").format(
                        on, sql.Identifier(name), sql.SQL(definition)
                    )
                )
        for schema, table, name, _, comment, _ in rows:
            if comment is not None:
                connection.execute(
                    sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(
                        sql.Identifier(name), sql.Identifier(schema, table), sql.Literal(comment)
                    )
                )
        _note_definitions(connection, [(schema, table, name) for schema, table, name, *_ in rows])
        connection.execute(_ON_AGAIN, [service])
    return [TableCheck(TableName(schema, table), name) for schema, table, name, *_ in rows]


def note_missing(connection: Connection, service: str, check: TableCheck, definition: str) -> None:
    """One that an older program took off without a note, with the text that the other side has."""
    connection.execute(query("checks_off_table"))
    row = connection.execute(_THERE, [check.table.identifier().as_string(connection), check.name]).fetchone()
    if row == (False,):
        connection.execute(_OF_LATER, [service, check.table.schema, check.table.name, check.name, definition])


def validate(connection: Connection, service: str, path: Sequence[str]) -> list[TableCheck]:
    """Validate those that were valid before, children's first, under the path of the service's sessions.

    Returns those that rows violate: they stay NOT VALID. Raises StepTimeout, psycopg errors.
    """
    failed = []
    for check in _checks(connection, _NOT_VALID, service):
        try:
            patiently(connection, f"validate {check}", partial(_validate, connection, check, path))
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError, psycopg.errors.ProgrammingError):
            failed.append(check)
    return failed


def forget(connection: Connection, service: str) -> None:
    """Nothing of the service is noted any more."""
    if connection.execute(_IS_THERE).fetchone() == (True,):
        connection.execute("DELETE FROM waqiti_migration.checks_off WHERE service = %s", [service])


def _checks(connection: Connection, asked: str, service: str) -> list[TableCheck]:
    if connection.execute(_IS_THERE).fetchone() != (True,):
        return []
    rows = connection.execute(asked.encode(), [service]).fetchall()
    return [TableCheck(TableName(schema, table), name) for schema, table, name in rows]


def _take_off(connection: Connection, service: str, check: TableCheck, *, asked: bool) -> None:
    on, name = check.table.identifier(), sql.Identifier(check.name)
    values = {
        "service": service,
        "schema": check.table.schema,
        "table": check.table.name,
        "name": check.name,
        "asked": asked,
    }
    # Definitions are printed with every name qualified; event triggers keep the session's own path.
    before = connection.execute("SELECT pg_catalog.current_setting('search_path')").fetchone()
    connection.execute("SET LOCAL search_path = ''")
    connection.execute(query("checks_off_note"), values)
    connection.execute("SELECT pg_catalog.set_config('search_path', %s, true)", before)
    connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}").format(on, name))
    of_it = (other for other in without(connection, service) if other.name == check.name)
    _note_definitions(connection, [(other.table.schema, other.table.name, other.name) for other in of_it])


def _note_definitions(connection: Connection, checks: Iterable[tuple[str, str, str]]) -> None:
    """What was noted of their tables for carrying changes over is what they are now."""
    if connection.execute(_CARRIES).fetchone() == (True,):
        for schema, table, name in checks:
            values = {"schema": schema, "table": table, "name": name}
            connection.execute(query("checks_off_unnote"), values)
            connection.execute(query("checks_off_renote"), values)


def _validate(connection: Connection, check: TableCheck, path: Sequence[str]) -> None:
    connection.execute(sql.SQL("SET LOCAL search_path = {}").format(search_path(path)))
    connection.execute(
        sql.SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(
            check.table.identifier(), sql.Identifier(check.name)
        )
    )
