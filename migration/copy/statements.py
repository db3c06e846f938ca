"""The SQL of a copy: session settings of either side, and the COPY statements.

COPY moves values in its binary format where each column's binary form means the same in both
databases (`Column.binary`), else as text, under settings that make text exact
(`core.sessions.settings`).
https://www.postgresql.org/docs/current/sql-copy.html
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from core.sessions.settings import COPYING_IN, COPYING_OUT, as_statements, known
from migration.catalog.tables import Table, search_path
from migration.copy.task import Piece


def source_settings(server_version: int) -> sql.Composed:
    """SET statements for a session that reads; `server_version` is, for example, 150018."""
    return as_statements(known(COPYING_OUT, server_version))


def target_settings(server_version: int, path: Sequence[str] = (), *, replica: bool) -> sql.Composed:
    """SET statements for a session that writes. `replica`: the role may set session_replication_role,
    so that neither triggers nor guards fire. `path`: the search_path of the service's sessions, which domains
    and generated columns may need; names in values are qualified, so that it does not matter to them."""
    role = {"session_replication_role": "replica"} if replica else {}
    settings = as_statements(known(COPYING_IN, server_version) | role)
    return sql.SQL("{}; SET search_path = {}").format(settings, search_path(path)) if path else settings


def import_snapshot(snapshot: str) -> sql.Composed:
    """BEGIN a transaction that sees exactly what the exporting one does."""
    return sql.SQL(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {snapshot}"
    ).format(snapshot=sql.Literal(snapshot))


BEGIN = sql.SQL("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
"""The target's transaction, whatever the service's default isolation is."""

COMMIT = sql.SQL("COMMIT")


def truncate(*tables: Table) -> sql.Composed:
    """Empty tables, so that a copy can be repeated, and frozen in the same transaction."""
    each = (sql.SQL("ONLY {}").format(table.name.identifier()) for table in tables)
    return sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(each))


def begin_empty(*tables: Table) -> sql.Composed:
    """Begin the transaction that empties and loads them, in one round trip."""
    return sql.SQL("{}; {}").format(BEGIN, truncate(*tables))


def copy_out(piece: Piece) -> sql.Composed:
    """Read a piece on the source. `COPY table` reads the table's own rows only, not its children's."""
    table = piece.task.table
    if piece.whole:
        return sql.SQL("COPY {table}{columns} TO STDOUT (FORMAT {format})").format(
            table=table.name.identifier(), columns=_column_list(table), format=_format(table)
        )
    columns = sql.SQL(", ").join(column.identifier() for column in table.copied)
    bounds = [sql.SQL("ctid >= {}::tid").format(sql.Literal(f"({piece.first_page},0)"))]
    if piece.end_page is not None:
        bounds.append(sql.SQL("ctid < {}::tid").format(sql.Literal(f"({piece.end_page},0)")))
    return sql.SQL(
        "COPY (SELECT {columns} FROM ONLY {table} WHERE {bounds}) TO STDOUT (FORMAT {format})"
    ).format(
        columns=columns,
        table=table.name.identifier(),
        bounds=sql.SQL(" AND ").join(bounds),
        format=_format(table),
    )


def copy_in(piece: Piece) -> sql.Composed:
    """Write a piece on the target. A whole table is frozen: it was truncated in the same transaction."""
    table = piece.task.table
    freeze = sql.SQL(", FREEZE") if piece.whole else sql.SQL("")
    return sql.SQL("COPY {table}{columns} FROM STDIN (FORMAT {format}{freeze})").format(
        table=table.name.identifier(), columns=_column_list(table), format=_format(table), freeze=freeze
    )


def _column_list(table: Table) -> sql.Composable:
    # A table may have no columns, or generated ones only; an empty list is no SQL.
    if not table.copied:
        return sql.SQL("")
    return sql.SQL(" ({})").format(sql.SQL(", ").join(column.identifier() for column in table.copied))


def _format(table: Table) -> sql.SQL:
    return sql.SQL("binary") if table.binary else sql.SQL("text")
