"""Foreign keys inside a service that are called valid and are not: rows written while triggers were off.

Such a key cannot be made on the service's own database, which would be found out after all rows are there.
So the plan looks for orphans for a few seconds, the smallest tables first, and `start` looks through what is
left before it makes anything.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import psycopg
from psycopg import sql

from core.errors import SourceSettings
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.objects import Catalog, ForeignKey
from migration.catalog.tables import display_name
from migration.plan.model import Plan, Problem, ServicePlan

query = queries(__package__)


SECONDS = 5.0
"""How long the plan looks, for each service."""
_MOST = 1000
"""Orphans of a key are counted up to here."""


def with_orphans(plan: Plan, source: Database, seconds: float = SECONDS) -> Plan:
    """The plan with a no-go for each key that has orphans, and a note for those that take longer to tell."""
    with source.connect() as connection, source.translated("looking for rows without their reference"):
        services = {
            name: _examined(own, plan.catalog, connection, seconds) for name, own in plan.services.items()
        }
    return replace(plan, services=services)


def require_no_orphans(source: Database, keys: Sequence[ForeignKey]) -> None:
    """Look through keys, however long. Raises SourceSettings with the first one that has orphans."""
    with source.connect() as connection, source.translated("looking for rows without their reference"):
        for key, count, alterable in _count(connection, keys, None):
            if count:
                raise SourceSettings(_said(key, count, alterable))


def _examined(own: ServicePlan, catalog: Catalog, connection: Connection, seconds: float) -> ServicePlan:
    sizes = {table.name: table.bytes for table in own.relations}
    keys = sorted(
        (
            key
            for key in catalog.foreign_keys
            if key.validated and key.id in own.objects and {key.table, key.referenced} <= sizes.keys()
        ),
        key=lambda key: sizes[key.table] + sizes[key.referenced],
    )
    problems, left = [], []
    for key, count, alterable in _count(connection, keys, seconds):
        if count is None:
            left.append(key)
        elif count:
            problems.append(Problem(own.service, "data", "no-go", _said(key, count, alterable)))
    if left:
        named = ", ".join(f"{key.table}.{display_name(key.name)}" for key in left[:3]) + (
            ", ..." if len(left) > 3 else ""
        )
        problems.append(
            Problem(
                own.service,
                "data",
                "note",
                f"whether all rows of {len(left)} foreign keys have their reference takes more than"
                f" {seconds:g} s to tell ({named}): `start` looks at them before it makes anything",
            )
        )
    unproven = frozenset(key.id for key in left)
    return replace(own, problems=(*own.problems, *problems), unproven_keys=unproven)


def _count(
    connection: Connection, keys: Iterable[ForeignKey], seconds: float | None
) -> Iterator[tuple[ForeignKey, int | None, bool]]:
    """Each key, its orphans (None: no time was left), and whether it can be made NOT VALID."""
    by_oid = {key.id[1]: key for key in keys}
    rows = connection.execute(query("key_orphans"), {"keys": list(by_oid)}).fetchall()
    scans = {oid: (scan, alterable) for oid, scan, alterable in rows}
    deadline = None if seconds is None else time.monotonic() + seconds
    for oid, key in by_oid.items():
        if oid in scans:
            scan, alterable = scans[oid]
            yield key, _orphans(connection, scan, deadline), alterable


def _orphans(connection: Connection, scan: str, deadline: float | None) -> int | None:
    left = 0 if deadline is None else round((deadline - time.monotonic()) * 1000)
    if deadline is not None and left <= 0:
        return None
    try:
        with connection.transaction():
            connection.execute("SET TRANSACTION READ ONLY")
            connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(left))
            row = connection.execute(scan.encode()).fetchone()
    except psycopg.errors.QueryCanceled:
        if deadline is None:
            raise
        return None
    return 0 if row is None else int(row[0])


def _said(key: ForeignKey, count: int, alterable: bool) -> str:
    rows = f"{count} rows or more" if count >= _MOST else "1 row" if count == 1 else f"{count} rows"
    found = (
        f"foreign key {key.table}.{display_name(key.name)} is called valid, and without a row in"
        f" {key.referenced}: {rows}, written while its triggers were off"
    )
    if not alterable:
        return f"{found}: mend or delete them in the shared database first"
    name = sql.Identifier(key.name)
    alter = sql.SQL("ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} ").format(
        table=key.table.identifier(), name=name
    )
    return (
        f"{found}: mend or delete them in the shared database first, or keep the key for what is written from"
        f" now on, as it is today: {alter.as_string(None)}{key.definition} NOT VALID"
    )
