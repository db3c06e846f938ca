"""Rows that are longer than PostgreSQL makes a text or a message: 1 GiB, told before anything is made.

A row of two files of 280 MiB is within the limits of a table, of COPY's binary format, and of the comparison
(which hashes long values one by one); as text it is 1.1 GiB, and so it is in logical replication. So it moves
as it is, and a change of it while the service moves stops the replication. A row of 1 GiB moves in no way.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace

import psycopg
from psycopg import sql

from core.rows.digest import HUGE_FROM_BYTES, LONGEST_TEXT, text_length
from core.sessions.connections import Database
from core.sessions.session import Connection
from migration.catalog.tables import Table
from migration.plan.model import Plan, Problem, ServicePlan

SECONDS = 5.0
"""How long the plan looks, for each service. Only the heads of values are read, which are in the table's own
pages."""
_PAGE = 8192
_SHORT = re.compile(
    r"smallint|integer|bigint|oid|boolean|real|double precision|numeric.*|uuid|date|interval|money|name"
    r"|\"char\"|time(stamp)?(\(\d\))? with(out)? time zone|inet|cidr|macaddr8?|pg_lsn|xid8?|character\(\d+\)"
)
"""Types whose values are never long."""

Found = tuple[int | None, int, int]
"""Rows whose text is too long (None: no time), the longest in bytes, and how many cannot be copied."""


def with_huge_rows(plan: Plan, source: Database, seconds: float = SECONDS) -> Plan:
    """The plan with a no-go for each table with a row that cannot be copied, or a note if it cannot be
    replicated. Raises the errors of `Database.translate`."""
    with source.connect() as connection, source.translated("looking for rows of more than 1 GiB"):
        services = {name: _examined(own, connection, seconds) for name, own in plan.services.items()}
    return replace(plan, services=services)


def _examined(own: ServicePlan, connection: Connection, seconds: float) -> ServicePlan:
    deadline = time.monotonic() + seconds
    problems: list[Problem] = []
    unread = []
    # What is beside a table's own pages is mostly its long values.
    wide = [table for table in own.tables if table.bytes - table.pages * _PAGE >= HUGE_FROM_BYTES]
    for table in sorted(wide, key=lambda table: table.pages):
        count, longest, number = _within(connection, table, deadline, _look)
        if count == 0:
            count, longest, number = _within(connection, table, deadline, _look_inside)
        if count is None:
            unread.append(str(table.name))
        elif count:
            problems.append(_problem(own.service, table, count, longest, number))
    if unread:
        problems.append(Problem(
            own.service, "data", "note",
            f"{len(unread)} tables with long values, {unread[0]} the first, were not looked through for rows"
            f" of more than 1 GiB in {seconds:g} s: such a row cannot be copied",
        ))  # fmt: skip
    return replace(own, problems=(*own.problems, *problems)) if problems else own


def _within(
    connection: Connection, table: Table, deadline: float, look: Callable[[Connection, Table, float], Found]
) -> Found:
    left = deadline - time.monotonic()
    if left <= 0:
        return None, 0, 0
    try:
        return look(connection, table, left)
    except psycopg.errors.QueryCanceled:
        return None, 0, 0


def _look(connection: Connection, table: Table, seconds: float) -> Found:
    """How many rows have a text that is too long, the longest row in bytes, and how many cannot be copied."""
    types = {column.name: column.type for column in table.columns}
    text = text_length(types)
    raw = text_length({name: kind.replace("bytea", "text") for name, kind in types.items()})
    if text is None or raw is None:
        return 0, 0, 0
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(max(1, int(seconds * 1000))))
        row = connection.execute(
            sql.SQL(
                "SELECT count(*), max({raw}), count(*) FILTER (WHERE {raw} >= {most}) FROM ONLY {table}"
                " WHERE {text} >= {most}"
            ).format(raw=raw, text=text, most=LONGEST_TEXT, table=table.name.identifier())
        ).fetchone()
    return (row[0], row[1] or 0, row[2]) if row is not None else (0, 0, 0)


def _look_inside(connection: Connection, table: Table, seconds: float) -> Found:
    """The same of values that do not say how long their text is (jsonb, arrays, row types, domains ...): of
    rows that are large as they are stored they are made a text."""
    others = [column for column in table.copied if not _SHORT.fullmatch(column.type)]
    if not others:
        return 0, 0, 0
    length = sql.SQL(" + ").join(
        sql.SQL("coalesce(pg_catalog.octet_length({}::pg_catalog.text), 0)::int8").format(one.identifier())
        for one in others
    )
    stored = sql.SQL(" + ").join(
        sql.SQL("coalesce(pg_catalog.pg_column_size({}), 0)").format(one.identifier()) for one in others
    )
    counting = sql.SQL(
        "SELECT count(*), max(n) FROM (SELECT {length} FROM ONLY {table} WHERE {stored} >= {large}) s (n)"
        " WHERE n >= {most}"
    ).format(
        length=length, table=table.name.identifier(), stored=stored, large=HUGE_FROM_BYTES,
        most=LONGEST_TEXT,
    )  # fmt: skip
    try:
        with connection.transaction():
            connection.execute(
                sql.SQL("SET LOCAL statement_timeout = {}").format(max(1, int(seconds * 1000)))
            )
            row = connection.execute(counting).fetchone()
    except (psycopg.errors.ProgramLimitExceeded, psycopg.errors.OutOfMemory):
        # One value alone is longer.
        return 1, LONGEST_TEXT, 1
    return (row[0], row[1] or 0, row[0]) if row is not None else (0, 0, 0)


def _problem(service: str, table: Table, count: int, longest: int, uncopied: int) -> Problem:
    size = f"{longest / 2**20:,.0f} MiB"
    if uncopied or not table.binary:
        return Problem(
            service, "data", "no-go",
            f"table {table.name} has {uncopied or count} rows that cannot be copied, the longest of {size}: a"
            " message of PostgreSQL is 1 GiB at most; keep such values in rows of their own, or as large"
            " objects (lo_from_bytea), in the shared database first",
        )  # fmt: skip
    return Problem(
        service, "data", "note",
        f"table {table.name} has {count} rows of more than 1 GiB as text, the longest of {size}: they move as"
        " they are, but logical replication cannot carry them; hold back what writes their long values until"
        " `finish`",
    )  # fmt: skip
