"""The SQL of a copy: session settings of either side, and the COPY statements.

COPY moves values in its binary format where each column's binary form means the same in both
databases (`Column.binary`), else as text, under settings that make text exact.
https://www.postgresql.org/docs/current/sql-copy.html
"""

from __future__ import annotations

from psycopg import sql

from migration.copy_task import Piece
from migration.model import Table

_EXACT_TEXT = {
    "client_encoding": "UTF8",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "xmloption": "content",
    "lc_monetary": "C",
    "search_path": "",
}

_UNHURRIED = {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": "60s",
    "client_min_messages": "error",
}
"""A service's own time-outs are for its statements, not for a copy. Waiting for a lock is bounded:
nobody but DDL conflicts with a copy."""

_SOURCE = {
    # Filtering rows silently would lose them; off makes row security an error instead.
    "row_security": "off",
    # A range must be a TID range scan, and one that starts at its first block.
    "enable_seqscan": "off",
    "max_parallel_workers_per_gather": "0",
    "synchronize_seqscans": "off",
    "jit": "off",
}

_TARGET = {
    # A table is recorded as copied right after its commit, so that must outlive a crash of the server.
    # It need not have reached a standby.
    "synchronous_commit": "local",
    "default_transaction_read_only": "off",
}


def source_settings(server_version: int) -> sql.Composed:
    """SET statements for a session that reads; `server_version` is, for example, 150018."""
    return _set(_EXACT_TEXT | _UNHURRIED | _newer(server_version) | _SOURCE)


def target_settings(server_version: int, *, replica: bool) -> sql.Composed:
    """SET statements for a session that writes. `replica`: the role may set session_replication_role,
    so that neither triggers nor guards fire."""
    role = {"session_replication_role": "replica"} if replica else {}
    return _set(_EXACT_TEXT | _UNHURRIED | _newer(server_version) | _TARGET | role)


def import_snapshot(snapshot: str) -> sql.Composed:
    """BEGIN a transaction that sees exactly what the exporting one does."""
    return sql.SQL(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {snapshot}"
    ).format(snapshot=sql.Literal(snapshot))


BEGIN = sql.SQL("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
"""The target's transaction, whatever the service's default isolation is."""

COMMIT = sql.SQL("COMMIT")


def truncate(table: Table) -> sql.Composed:
    """Empty the table, so that a copy can be repeated, and frozen in the same transaction."""
    return sql.SQL("TRUNCATE ONLY {table}").format(table=table.name.identifier())


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


def _newer(server_version: int) -> dict[str, str]:
    return {"transaction_timeout": "0"} if server_version >= 170000 else {}


def _set(settings: dict[str, str]) -> sql.Composed:
    return sql.SQL("; ").join(
        sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in settings.items()
    )
