"""What a statement is, for a load: one that reads, one that writes, or one that no load repeats. Pure.

By PostgreSQL's own parser (pglast). What reads by its form and writes by a function is refused by the server,
because a load that only reads runs in transactions that may not write.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

import pglast
from pglast import ast
from pglast.enums import TransactionStmtKind
from pglast.visitors import Visitor


class Kind(StrEnum):
    """What becomes of a statement."""

    READ = "read"
    WRITE = "write"
    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    LEFT_OUT = "left out"
    """DDL, settings, savepoints, COPY, cursors: not repeated."""


_ENDS = {
    TransactionStmtKind.TRANS_STMT_BEGIN: Kind.BEGIN,
    TransactionStmtKind.TRANS_STMT_START: Kind.BEGIN,
    TransactionStmtKind.TRANS_STMT_COMMIT: Kind.COMMIT,
    TransactionStmtKind.TRANS_STMT_ROLLBACK: Kind.ROLLBACK,
}
_WRITING = (ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt, ast.MergeStmt)


@lru_cache(maxsize=10_000)
def kind_of(text: str) -> Kind:
    """A statement's kind; LEFT_OUT for what cannot be parsed, or is several."""
    try:
        parsed = pglast.parse_sql(text)
    except pglast.parser.ParseError:
        return Kind.LEFT_OUT
    if len(parsed) != 1:
        return Kind.LEFT_OUT
    statement = parsed[0].stmt
    if isinstance(statement, ast.TransactionStmt):
        return _ENDS.get(TransactionStmtKind(statement.kind or 0), Kind.LEFT_OUT)
    if isinstance(statement, _WRITING):
        return Kind.WRITE
    if not isinstance(statement, ast.SelectStmt) or statement.intoClause is not None:
        return Kind.LEFT_OUT
    found = _Writes()
    found(statement)
    return Kind.WRITE if found.writes else Kind.READ


@lru_cache(maxsize=10_000)
def fingerprint(text: str) -> str:
    """The same for statements that differ in their values alone, as pg_stat_statements counts them; the text
    itself where it cannot be parsed."""
    try:
        return str(pglast.fingerprint(text))
    except pglast.parser.ParseError:
        return text


@lru_cache(maxsize=10_000)
def parameters_of(text: str) -> int:
    """The highest `$n`; 0 for none, or what cannot be parsed."""
    try:
        found = _Parameters()
        found(pglast.parse_sql(text))
    except pglast.parser.ParseError:
        return 0
    return found.highest


class _Writes(Visitor):
    """Whether a query locks rows, or writes in a WITH."""

    writes = False

    def visit_LockingClause(self, _ancestors: object, _node: object) -> None:  # noqa: N802
        self.writes = True

    def _write(self, _ancestors: object, _node: object) -> None:
        self.writes = True

    visit_InsertStmt = visit_UpdateStmt = visit_DeleteStmt = visit_MergeStmt = _write  # noqa: N815


class _Parameters(Visitor):
    highest = 0

    def visit_ParamRef(self, _ancestors: object, node: ast.ParamRef) -> None:  # noqa: N802
        self.highest = max(self.highest, node.number or 0)
