"""The search_path of the service's sessions, in apply workers: for what checks and generated columns call.

An apply worker sets its search_path to nothing, over whatever its role or database has, so that a function
which names a table without its schema fails there and nowhere else. A row trigger that fires for replicated
rows alone sets the path before checks, stored generated columns, indexes and partition bounds are evaluated.
It cannot help a domain, whose checks are asked while the row is being read: those are a no-go of the plan.
docs/decisions/0069-paths.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql

from core.sessions.connections import Database
from core.sessions.locks import patiently
from core.sessions.own_schema import SCHEMA, ensure_schema
from core.sessions.queries import queries, statements
from core.sessions.session import Connection
from migration.catalog.tables import TableName, display_name, search_path
from migration.plan.late_checks import path_tables
from migration.steps.context import OfflineMove

query = queries(__package__)
statement = statements(__package__)


_TRIGGER = sql.Identifier("waqiti_migration_path")


def find_names_on_source(move: OfflineMove) -> Mapping[str, Any]:
    """Let rows that are replicated back find names as the service's sessions in the shared database do."""
    return {"tables": _set_paths(move, move.source, (move.service.schema_name, "public"))}


def find_names_on_target(move: OfflineMove) -> Mapping[str, Any]:
    """Let rows that are replicated to the service's own database find names as its sessions there will."""
    return {"tables": _set_paths(move, move.target, move.service.own_search_path)}


def forget_names_on_source(move: OfflineMove) -> None:
    """Take the triggers off the source's tables."""
    _unset_paths(move, move.source)


def forget_names_on_target(move: OfflineMove) -> None:
    """Take the triggers off the target's tables, those that are still there."""
    _unset_paths(move, move.target)


def _set_paths(move: OfflineMove, database: Database, path: Sequence[str]) -> list[str]:
    oids = path_tables(move.own.relations, move.plan.catalog)
    tables = sorted(table.name for table in move.own.tables if table.oid in oids)
    if not tables:
        return []
    function = sql.Identifier(SCHEMA, f"path_{move.name}")
    with (
        database.connect(application_name="waqiti-migration-path") as connection,
        database.translated("letting replicated rows find names"),
    ):
        ensure_schema(connection)
        setting = search_path(path).as_string(connection)
        connection.execute(
            statement("apply_path_function").format(function=function, path=sql.Literal(setting))
        )
        connection.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {}() FROM PUBLIC").format(function))
        for table in tables:
            _do(
                connection,
                table,
                sql.SQL(
                    "CREATE OR REPLACE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW"
                    " EXECUTE FUNCTION {function}(); ALTER TABLE {table} ENABLE REPLICA TRIGGER {trigger}"
                ).format(trigger=_TRIGGER, table=table.identifier(), function=function),
            )
    return [str(table) for table in tables]


def _unset_paths(move: OfflineMove, database: Database) -> None:
    called = f"path_{move.name}"
    parameters = {"function": f"{display_name(SCHEMA, called)}()"}
    with (
        database.connect(application_name="waqiti-migration-path") as connection,
        database.translated("taking away what let replicated rows find names"),
    ):
        for schema, name in connection.execute(query("apply_path_triggers"), parameters).fetchall():
            table = TableName(schema, name)
            _do(
                connection,
                table,
                sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(_TRIGGER, table.identifier()),
            )
        if connection.execute("SELECT to_regnamespace(%s)", [SCHEMA]).fetchone() != (None,):
            connection.execute(sql.SQL("DROP FUNCTION IF EXISTS {}()").format(sql.Identifier(SCHEMA, called)))


def _do(connection: Connection, table: TableName, command: sql.Composed) -> None:
    patiently(connection, f"change the trigger for names of {table}", lambda: connection.execute(command))
