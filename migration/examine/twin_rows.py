"""Rows of tables without a key that are equal and not the same: 1.0 and 1.00, 0 and -0, `a` and `A` (citext).

Replication finds a row of such a table by `=` of all its values, so that it may change the wrong one of two.
Every comparison finds that, and it can be repaired; where such rows are there, the plan tells it beforehand.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace

import psycopg
from psycopg import sql

from core.sessions.connections import Database
from core.sessions.session import Connection
from migration.catalog.objects import Catalog
from migration.catalog.tables import Column, Table
from migration.plan.judge.identity import key_remedy
from migration.plan.model import Plan, Problem, ServicePlan

SECONDS = 5.0
"""How long the plan looks, for each service."""
_MOST = 1000
"""Groups of rows are counted up to here."""
_SAME_WHERE_EQUAL = re.compile(
    r"smallint|integer|bigint|oid|boolean|text|character varying(\(\d+\))?|name|uuid|bytea|date|\"char\""
    r"|time(stamp)?(\(\d\))? with(out)? time zone|numeric\(\d+,-?\d+\)|money|inet|cidr|macaddr8?"
    r"|bit( varying)?(\(\d+\))?|pg_lsn|tsvector|xid8"
)
"""Types of which two values that are equal are the same, under a collation that is deterministic."""


def with_twin_rows(plan: Plan, source: Database, seconds: float = SECONDS) -> Plan:
    """The plan with a note for each table that has such rows, and one for those that it had no time for.

    Raises the errors of `Database.translate`.
    """
    with (
        source.connect() as connection,
        source.translated("looking for rows that are equal and not the same"),
    ):
        services = {
            name: replace(own, problems=(*own.problems, *_problems(own, plan.catalog, connection, seconds)))
            for name, own in plan.services.items()
        }
    return replace(plan, services=services)


def _problems(
    own: ServicePlan, catalog: Catalog, connection: Connection, seconds: float
) -> Iterator[Problem]:
    deadline = time.monotonic() + seconds
    unread = []
    tables = [table for table in own.tables if table.key is None and not table.unlogged and _doubtful(table)]
    for table in sorted(tables, key=lambda table: table.bytes):
        count = _count(connection, table, deadline)
        if count is None:
            unread.append(str(table.name))
        elif count:
            yield _problem(own.service, table, catalog, count)
    if unread:
        more = f" and {len(unread) - 3} more" if len(unread) > 3 else ""
        yield Problem(
            own.service,
            "data",
            "note",
            f"{', '.join(unread[:3])}{more} without a key: whether rows are equal and not the same (1.0 and"
            f" 1.00) takes more than {seconds:g} s to tell; replication may change the wrong one, which"
            " `verify` finds",
        )


def _doubtful(table: Table) -> bool:
    """Whether two of its rows may be equal and not the same, and can be compared at all."""
    columns = table.copied
    return all(column.comparable for column in columns) and not all(map(_is_plain, columns))


def _is_plain(column: Column) -> bool:
    return column.collation is None and _SAME_WHERE_EQUAL.fullmatch(column.type) is not None


def _count(connection: Connection, table: Table, deadline: float) -> int | None:
    """Groups of such rows; None where it takes too long."""
    left = round((deadline - time.monotonic()) * 1000)
    if left <= 0:
        return None
    columns = sql.SQL(", ").join(column.identifier() for column in table.copied)
    counting = sql.SQL(
        "SELECT count(*) FROM (SELECT FROM ONLY {table} GROUP BY {columns}"
        ' HAVING count(DISTINCT ROW({columns})::pg_catalog.text COLLATE pg_catalog."C") > 1 LIMIT {most}) s'
    ).format(table=table.name.identifier(), columns=columns, most=_MOST)
    try:
        with connection.transaction():
            connection.execute("SET TRANSACTION READ ONLY")
            connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(left))
            row = connection.execute(counting).fetchone()
    except psycopg.errors.QueryCanceled:
        return None
    return 0 if row is None else int(row[0])


def _problem(service: str, table: Table, catalog: Catalog, count: int) -> Problem:
    groups = f"{count} groups or more" if count >= _MOST else "1 group" if count == 1 else f"{count} groups"
    return Problem(
        service,
        "data",
        "note",
        f"table {table.name} has no key, and {groups} of rows that are equal and not the same (as 1.0 and"
        " 1.00 are): replication finds a row by its values and may change the wrong one, which every"
        " comparison finds and `verify --repair` mends; with a key it cannot: in the shared database"
        f" {key_remedy(table, catalog)}",
    )
