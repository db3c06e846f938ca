"""Evaluates stored expressions on another server, over rows of this one.

A row's columns travel as text, with the value that this server computes now; the other server computes it
from the same columns. That is done in temporary objects, which are rolled back, as are the types and
functions that an expression needs and that are not there yet.
docs/decisions/0153-computed-by-the-other-version.md
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import psycopg
from psycopg import sql

from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_TYPE, Catalog
from migration.catalog.tables import search_path
from migration.parsing.readback import readable
from migration.plan.model import ServicePlan

query = queries(__package__)

Kind = Literal["generated", "unique", "index", "check", "partition"]

MOST_ROWS = 100_000
"""Rows of a table that are looked at; of a larger one a sample of blocks."""
FIRST_ROWS = 1_000
"""So many first: what differs mostly differs often, and a long text takes its time."""
_LANGUAGES = frozenset({"sql", "plpgsql"})
_REFUSED = (
    psycopg.errors.QueryCanceled,
    psycopg.errors.DataError,
    psycopg.errors.ProgrammingError,
    psycopg.errors.IntegrityError,
    psycopg.errors.RaiseException,
    psycopg.errors.NotSupportedError,
)
_ROWS = sql.Identifier("pg_temp", "waqiti_rows")


@dataclass(frozen=True, slots=True)
class Expression:
    """What is stored, or decides what may be stored, and how it is computed."""

    id: ObjectId
    table: int
    kind: Kind
    name: str
    """Of the column, the index, the constraint, the partitioned table."""
    text: str
    type: str | None
    """What a generated column's value is given as."""
    inputs: tuple[str, ...]
    """The columns that it reads."""
    types: tuple[str, ...]
    """Theirs, with collations; domains as what they are over."""
    own: bool
    """Whether it needs a type or a function that came with no server."""
    relation: str
    """What stands behind FROM."""
    rows: int
    """How many that has, about."""
    reads_numbers: bool
    """Whether it reads a number out of a text."""

    def value(self) -> sql.Composable:
        """SQL of its value, as text that is another where the value is."""
        text = sql.SQL(f"({readable(self.text)})") + sql.SQL(f"::{self.type}" if self.type else "")
        return sql.SQL("ROW({})::pg_catalog.text").format(text)


@dataclass(frozen=True, slots=True)
class Otherwise:
    """Rows for which the other server computes another value."""

    count: int
    looked_at: int
    row: str
    """One of them, by its key; empty where it has none."""
    here: str
    there: str
    """The value here and there; there may be the other server's refusal."""


def read_expressions(connection: Connection, own: ServicePlan) -> list[Expression]:
    """Those of a service's tables, what matters most and the smallest tables first."""
    rows = connection.execute(
        query("stored_expressions"), {"tables": [table.oid for table in own.relations]}
    ).fetchall()
    return [
        Expression((classid, objid), table, kind, name, text, type_, tuple(inputs), tuple(types), *rest)
        for classid, objid, table, kind, name, text, type_, inputs, types, *rest in rows
    ]


@dataclass(frozen=True)
class OtherServer:
    """The server that computes, and the one whose rows it is given."""

    source: Connection
    other: Connection
    path: Sequence[str]
    """The search_path that functions of theirs run under."""
    deadline: float
    """In seconds of `time.monotonic`."""

    @contextmanager
    def prepared(self, own: ServicePlan, catalog: Catalog, *, needed: bool) -> Iterator[None]:
        """A transaction that is rolled back, with the service's types and functions where `needed`."""
        with self.other.transaction(force_rollback=True):
            self.other.execute("SET LOCAL lock_timeout = '2s'; SET LOCAL check_function_bodies = off")
            self.other.execute(sql.SQL("SET LOCAL search_path = {}").format(search_path(self.path)))
            if needed:
                for statement in _making(self.source, own, catalog):
                    _attempt(self.other, statement)
            yield

    def compare(self, expression: Expression, key: Sequence[str]) -> Otherwise | None:
        """What differs; None where nothing does. `key` names the columns of the table's key.

        Raises LookupError where that cannot be told, not in time, or not of all rows.
        """
        left = round((self.deadline - time.monotonic()) * 1000)
        if left <= 0:
            raise LookupError("no time")
        limit = sql.SQL("SET LOCAL statement_timeout = {}").format(left)
        try:
            with self.source.transaction(), self.other.transaction(force_rollback=True):
                self.source.execute(sql.SQL("SET TRANSACTION READ ONLY; {}").format(limit))
                self.source.execute(sql.SQL("SET LOCAL search_path = {}").format(search_path(self.path)))
                self.other.execute(limit)
                for most in (FIRST_ROWS, MOST_ROWS):
                    with self.other.transaction(force_rollback=True):
                        _bring(self.source, self.other, expression, key, most)
                        looked_at = _number(self.other)
                        found = _differing(self.other, expression, looked_at)
                    # How many there are is an estimate; a limit that was not reached is none.
                    if found is not None or (expression.rows <= most and looked_at < most):
                        return found
        except _REFUSED as error:
            raise LookupError(str(error.diag.message_primary or error)) from error
        raise LookupError("only some of its rows were looked at")


def _bring(
    source: Connection, other: Connection, expression: Expression, key: Sequence[str], most: int
) -> None:
    """The columns of so many rows, the name of each row and its value into a temporary table."""
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in _typed(expression)
    ]
    text = sql.SQL("{} pg_catalog.text")
    extra = [text.format(sql.Identifier(name)) for name in ("waqiti_key", "waqiti_value")]
    other.execute(sql.SQL("CREATE TABLE {} ({})").format(_ROWS, sql.SQL(", ").join([*columns, *extra])))
    named = [
        sql.SQL("{} || {}::pg_catalog.text").format(sql.Literal(f"{one}="), sql.Identifier(one))
        for one in key
    ]
    name = sql.SQL("pg_catalog.concat_ws(', ', {})").format(sql.SQL(", ").join(named))
    listed = [*map(sql.Identifier, expression.inputs), name if named else sql.SQL("''"), expression.value()]
    percent = 100 * most / max(expression.rows, 1)
    sample = f" TABLESAMPLE SYSTEM ({percent:.6f})" if percent < 100 else ""
    reading = sql.SQL("COPY (SELECT {} FROM {}{} LIMIT {}) TO STDOUT").format(
        sql.SQL(", ").join(listed), sql.SQL(expression.relation), sql.SQL(sample), sql.Literal(most)
    )
    writing = sql.SQL("COPY {} FROM STDIN").format(_ROWS)
    with (
        source.cursor() as out,
        other.cursor() as into,
        out.copy(reading) as rows,
        into.copy(writing) as written,
    ):
        for piece in rows:
            written.write(piece)


def _differing(other: Connection, expression: Expression, looked_at: int) -> Otherwise | None:
    differs = sql.SQL("{} IS DISTINCT FROM waqiti_value").format(expression.value())
    if expression.kind == "check":
        # What is refused here, too, is let be: a session's settings may decide it.
        differs = sql.SQL("({}) IS FALSE AND waqiti_value <> '(f)'").format(
            sql.SQL(readable(expression.text))
        )
    finding = sql.SQL(
        "SELECT count(*) OVER (), waqiti_key, waqiti_value, {} FROM {} WHERE {} LIMIT 1"
    ).format(expression.value(), _ROWS, differs)
    try:
        with other.transaction():
            row = other.execute(finding).fetchone()
    except (psycopg.errors.DataError, psycopg.errors.IntegrityError) as error:
        return Otherwise(1, looked_at, "", "a value", str(error.diag.message_primary or error))
    return None if row is None else Otherwise(row[0], looked_at, row[1], _plain(row[2]), _plain(row[3]))


def _number(other: Connection) -> int:
    row = other.execute(sql.SQL("SELECT count(*) FROM {}").format(_ROWS)).fetchone()
    return 0 if row is None else int(row[0])


def _typed(expression: Expression) -> Iterator[tuple[str, str]]:
    yield from zip(expression.inputs, expression.types, strict=True)


def _plain(row: str) -> str:
    """A value as a person reads it, without the brackets of a row."""
    inside = row[1:-1] if row.startswith("(") else row
    inside = inside[1:-1].replace('""', '"') if inside.startswith('"') else inside
    return inside if len(inside) <= 80 else f"{inside[:77]}..."


def _making(source: Connection, own: ServicePlan, catalog: Catalog) -> Iterator[str]:
    """Statements that make the service's schemas, types and functions, as far as they are that simple."""
    for schema in own.schemas:
        yield sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)).as_string(None)
    types = [oid for classid, oid in own.objects if classid == PG_TYPE]
    yield from (row[0] for row in source.execute(query("own_types"), {"types": types}))
    for key in sorted(own.objects):
        routine = catalog.routines.get(key)
        if routine is not None and routine.language in _LANGUAGES and catalog.objects[key].kind == "function":
            yield readable(catalog.objects[key].definition)


def _attempt(other: Connection, statement: str) -> None:
    """What cannot be made, or is there already, is left: what needs it says so by itself."""
    try:
        with other.transaction():
            other.execute(statement.encode())
    except (*_REFUSED, psycopg.errors.LockNotAvailable):
        return
