"""Stored generated columns whose expression gives another value now than when the row was written.

`CREATE OR REPLACE FUNCTION`, another library of the locale, or a setting that an expression rests on although
it says that it does not: what is stored stays. A service's own database computes each value anew, so that the
two could never be equal. The plan looks for a few seconds, the smallest tables first.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import psycopg
from psycopg import sql

from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.objects import PG_ATTRDEF, PG_CLASS, Catalog, CatalogObject
from migration.catalog.tables import display_name
from migration.examine.application_settings import session_settings
from migration.plan.model import Plan, Problem, ServicePlan

query = queries(__package__)


SECONDS = 5.0
"""How long the plan looks, for each service."""
_OF_SESSIONS = frozenset({"bytea_output", "extra_float_digits", "xmlbinary"})
"""What every driver shows by, and rows are compared by."""
_MOST = 1000
"""Rows are counted up to here."""


def with_generated_values(plan: Plan, source: Database, seconds: float = SECONDS) -> Plan:
    """The plan with a no-go for each column that holds such values, and a note for those that it had no time
    for. Raises the errors of `Database.translate`."""
    with source.connect() as connection, source.translated("comparing generated columns"):
        services = {
            name: _examined(own, plan.catalog, source, connection, seconds)
            for name, own in plan.services.items()
        }
    return replace(plan, services=services)


def _examined(
    own: ServicePlan, catalog: Catalog, source: Database, connection: Connection, seconds: float
) -> ServicePlan:
    path = catalog.application_path or (own.schema, "public")
    tables = {table.oid: table for table in own.tables if len(table.copied) < len(table.columns)}
    if not tables:
        return own
    parameters = {"tables": list(tables), "most": _MOST}
    columns = connection.execute(query("generated_values"), parameters).fetchall()
    deadline = time.monotonic() + seconds
    problems, unread = [], []
    for oid, column, scan, renew in sorted(columns, key=lambda one: tables[one[0]].bytes):
        named = f"{tables[oid].name}.{display_name(column)}"
        count, before = _count(connection, scan, (), deadline), ""
        if count is None:
            # A function of it may name things without their schema.
            count, before = _count(connection, scan, path, deadline), f"{_path(path).as_string(None)}; "
        if count is None:
            unread.append(named)
        elif count:
            setting = _decides(
                connection, session_settings(source, catalog.application or ""), scan, path, deadline
            )
            called = list(_called(catalog, oid, column)) if setting else []
            problems.append(
                _depends(own.service, named, count, setting, called)
                if setting and called
                else _problem(own.service, named, count, before + renew)
            )
    problems += _unread(own.service, unread, seconds)
    return replace(own, problems=(*own.problems, *problems))


def _decides(
    connection: Connection, settings: Mapping[str, str], scan: str, path: Sequence[str], deadline: float
) -> tuple[str, str] | None:
    """The parameter, as applications have it, with which the expression gives what is stored."""
    for name, value in settings.items():
        if name not in _OF_SESSIONS and _count(connection, scan, path, deadline, (name, value)) == 0:
            return name, value
    return None


def _called(catalog: Catalog, table: int, column: str) -> Iterator[CatalogObject]:
    """The functions with a body of their own that a column's expression calls, which are no extension's."""
    for key in catalog.parts.get((PG_CLASS, table), ()):
        if key[0] == PG_ATTRDEF and key in catalog.judged and catalog.objects[key].name == column:
            for routine in catalog.judged[key].routines:
                if catalog.objects[routine].extension is None:
                    yield catalog.objects[routine]


def _count(
    connection: Connection,
    scan: str,
    path: Sequence[str],
    deadline: float,
    setting: tuple[str, str] | None = None,
) -> int | None:
    """Rows that hold another value; None where it takes too long, or the expression fails."""
    left = round((deadline - time.monotonic()) * 1000)
    if left <= 0:
        return None
    try:
        with connection.transaction():
            connection.execute("SET TRANSACTION READ ONLY")
            connection.execute(
                sql.SQL("SET LOCAL statement_timeout = {}; {}").format(left, _path(path, local=True))
            )
            if setting is not None:
                connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", setting)
            row = connection.execute(scan.encode()).fetchone()
    except (psycopg.errors.QueryCanceled, psycopg.errors.DataError, psycopg.errors.ProgrammingError):
        return None
    return 0 if row is None else int(row[0])


def _path(schemas: Sequence[str], *, local: bool = False) -> sql.Composed:
    listed = sql.SQL(", ").join(map(sql.Identifier, schemas)) if schemas else sql.SQL("''")
    return sql.SQL("SET {}search_path = {}").format(sql.SQL("LOCAL " if local else ""), listed)


def _problem(service: str, column: str, count: int, renew: str) -> Problem:
    rows = f"{count} rows or more" if count >= _MOST else "1 row" if count == 1 else f"{count} rows"
    return Problem(
        service,
        "data",
        "no-go",
        f"generated column {column} holds another value than its expression gives now, in {rows}: a function"
        " that it calls has changed since they were written, and the service's own database computes them"
        f" anew; the same in the shared database first (its triggers fire): {renew}",
    )


def _depends(
    service: str, column: str, count: int, setting: tuple[str, str], called: Sequence[CatalogObject]
) -> Problem:
    rows = f"{count} rows or more" if count >= _MOST else "1 row" if count == 1 else f"{count} rows"
    pinned = "; ".join(
        sql.SQL("ALTER FUNCTION {}{} SET {} = {}")
        .format(
            sql.Identifier(item.schema or "", item.name),
            sql.SQL(item.arguments),
            sql.Identifier(setting[0]),
            sql.Literal(setting[1]),
        )
        .as_string(None)
        for item in called
    )
    return Problem(
        service,
        "data",
        "no-go",
        f"generated column {column} is another in sessions with another {setting[0]} ({rows} are what"
        f" {setting[1]} gives), though what it calls says that it is IMMUTABLE; replication computes it in"
        f" sessions of its own; in the shared database first: {pinned}",
    )


def _unread(service: str, columns: Sequence[str], seconds: float) -> Iterator[Problem]:
    if columns:
        more = f" and {len(columns) - 3} more" if len(columns) > 3 else ""
        yield Problem(
            service,
            "data",
            "note",
            f"whether generated columns hold what their expressions give now could not be told within"
            f" {seconds:g} s ({', '.join(columns[:3])}{more}): `verify` tells",
        )
