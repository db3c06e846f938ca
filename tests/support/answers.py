"""The same statements as the services' common role in the shared database and as a service's role in its own.

Each statement runs in a transaction of its own that is rolled back; what it answers (rows, how many it
changed, SQLSTATE, warnings) is compared. Rows are compared in any order, unless ORDER BY gives them one.
VACUUM and the like, which no transaction takes, run by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from pglast import ast, parse_sql, split
from psycopg import sql

from core.sessions.connections import Database
from core.sessions.session import Connection


@dataclass(frozen=True)
class Answer:
    """What a statement gave."""

    sqlstate: str | None = None
    """Of the error; None: none."""
    rows: tuple[str, ...] = ()
    """As text, in the order of the statement, or sorted where it asks for none."""
    count: int = -1
    """Rows changed or returned."""
    warnings: tuple[str, ...] = ()
    """SQLSTATEs."""
    said: str = ""
    """The error's text, to be shown: it has names that differ, and is not compared."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Answer):
            return NotImplemented
        return self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash(self._compared())

    def _compared(self) -> tuple[object, ...]:
        return (self.sqlstate, self.rows, self.count, self.warnings)

    def __str__(self) -> str:
        if self.sqlstate:
            return f"{self.sqlstate} {self.said}"
        more = f", warnings {', '.join(self.warnings)}" if self.warnings else ""
        return f"{self.count} rows {list(self.rows)}{more}"


def read_statements(path: Path) -> tuple[str, ...]:
    """The statements of a file of SQL, in its order, without comments before the first."""
    return tuple(split(path.read_text(encoding="utf-8")))


def answers(
    database: Database, statements: Sequence[str], *, role: str | None = None, path: Sequence[str] = ()
) -> list[Answer]:
    """What the statements answer to the database's login, or to `role` where that login is a superuser's.

    `path` is the search_path of the sessions.
    """
    # As an application connects: the product's own sessions have settings of their own.
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        warnings: list[str] = []
        connection.add_notice_handler(
            lambda notice: (
                warnings.append(notice.sqlstate or "") if notice.severity_nonlocalized == "WARNING" else None
            )
        )
        if role is not None:
            connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
        if path:
            names = sql.SQL(", ").join(map(sql.Identifier, path))
            connection.execute(sql.SQL("SET search_path = {}").format(names))
        return [_answer(connection, statement, warnings) for statement in statements]


def differences(statements: Sequence[str], shared: Sequence[Answer], own: Sequence[Answer]) -> list[str]:
    """A line for each statement that answers otherwise in the own database."""
    return [
        f"{statement}: {here} in the shared database, {there} in the own one"
        for statement, here, there in zip(statements, shared, own, strict=True)
        if here != there
    ]


def _answer(connection: Connection, statement: str, warnings: list[str]) -> Answer:
    warnings.clear()
    try:
        if _stands_alone(statement):
            return _run(connection, statement, warnings)
        with connection.transaction(force_rollback=True):
            return _run(connection, statement, warnings)
    except psycopg.Error as error:
        return Answer(error.sqlstate, warnings=tuple(warnings), said=str(error).splitlines()[0])


def _run(connection: Connection, statement: str, warnings: list[str]) -> Answer:
    with connection.cursor() as cursor:
        if _copies(statement):
            with cursor.copy(statement.encode()) as copy:
                rows = [str(row) for row in copy.rows()] if _copies(statement) == "to" else []
            return Answer(rows=tuple(sorted(rows)), warnings=tuple(warnings))
        cursor.execute(statement.encode())
        rows = [repr(row) for row in cursor.fetchall()] if cursor.description else []
        if not _ordered(statement):
            rows.sort()
        return Answer(rows=tuple(rows), count=cursor.rowcount, warnings=tuple(warnings))


def _parsed(statement: str) -> Any:
    try:
        return parse_sql(statement)[0].stmt
    except (IndexError, ValueError, RuntimeError):
        return None


def _stands_alone(statement: str) -> bool:
    tree = _parsed(statement)
    return isinstance(tree, ast.VacuumStmt) and bool(tree.is_vacuumcmd)


def _copies(statement: str) -> str:
    tree = _parsed(statement)
    if not isinstance(tree, ast.CopyStmt) or tree.filename:
        return ""
    return "from" if tree.is_from else "to"


def _ordered(statement: str) -> bool:
    tree = _parsed(statement)
    return isinstance(tree, ast.SelectStmt) and bool(tree.sortClause)
