"""Schema changes of the side that serves are written down to be carried over, or refused, as they are made.

Both sides are made ready by `start`; which one acts is what its flag says, so that no step of a switch has
to turn anything. On the shared database event triggers of the migration's own see the changes; on the
service's own database, where only a superuser may make some, the stack's (`components.service.ddl_watch`).
docs/decisions/0081-carried-schema-changes.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql

from components.replication_roles import flow_name
from core.errors import MigrationError
from core.sessions.connections import Database
from core.sessions.own_schema import SCHEMA
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.tables import display_name
from migration.guards import event_triggers
from migration.replicate.changes import ChangesLog
from migration.replicate.publication import make_identities
from migration.steps.context import OfflineMove

query = queries(__package__)


REWRITES = {"waqiti_migration_rewrite": "table_rewrite"}
"""On the shared database, beside the triggers of `migration.guards.changes`."""
_FUNCTIONS = ("definition", "statements", "refuse", "refusals", "note", "partitions", "capture")
_NOTE = sql.Identifier("waqiti_migration_note")


def carry_changes(move: OfflineMove) -> Mapping[str, Any]:
    """Carry changes of the service's schema over from now on, whichever side serves.

    Says in its figures where they are seen: without a superuser on the shared database, or the stack's
    event triggers on the service's own, only the comparison of the schemas finds them.
    """
    # The side that serves last: nothing that it writes down is older than what the other was found to be.
    seen = {database.side: _prepare(move, database) for database in (move.target, move.source)}
    return {"seen": seen}


def carry_no_changes(move: OfflineMove) -> None:
    """Stop that, on both sides; one that does not answer keeps what it has, for a later `resume`."""
    failure: MigrationError | None = None
    for database in (move.target, move.source):
        try:
            with database.connect() as connection, database.translated("ending the carrying of changes"):
                _forget(connection, move.service.schema_name)
        except MigrationError as error:
            failure = error
    if failure is not None:
        raise failure


def make_functions(connection: Connection) -> None:
    """What looks at a change, and the tables for it; nothing is carried over by that alone."""
    connection.execute(query("tables"))
    make_identities(connection)
    for name in _FUNCTIONS:
        connection.execute(query(name))


def is_prepared(connection: Connection) -> bool:
    """Whether a side has them."""
    return _there(connection)


def sees_changes(connection: Connection, database: Database) -> bool:
    """Whether event triggers see what is changed there."""
    if database.side == "target":
        return _watched_by_the_stack(connection)
    row = connection.execute(
        "SELECT 1 FROM pg_catalog.pg_event_trigger"
        " WHERE evtname = 'waqiti_migration_ddl' AND evtenabled <> 'D'"
    ).fetchone()
    return row is not None


def _prepare(move: OfflineMove, database: Database) -> bool:
    own, schema = database.side == "target", move.service.schema_name
    log = ChangesLog(flow_name(move.name, "back" if own else "forward"))
    arriving = ChangesLog(flow_name(move.name, "forward" if own else "back"))
    with (
        database.connect() as connection,
        database.translated("getting ready to carry schema changes over"),
    ):
        seen = _watched_by_the_stack(connection) if own else event_triggers.may_make(connection)
        with connection.transaction():
            make_functions(connection)
            # The subscription, which is made later, has the trigger that carries them out.
            arriving.create(connection)
            connection.execute(query("baseline"), {"schema": schema})
            connection.execute(
                sql.SQL(
                    "CREATE OR REPLACE TRIGGER {trigger} AFTER INSERT ON {table} FOR EACH ROW"
                    " EXECUTE FUNCTION waqiti_migration.note_definitions();"
                    " ALTER TABLE {table} ENABLE REPLICA TRIGGER {trigger}"
                ).format(trigger=_NOTE, table=arriving.table)
            )
            if own:
                _let_call(connection, move.service.owner)
            connection.execute(
                "INSERT INTO waqiti_migration.carried_schemas VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (schema_name) DO UPDATE SET"
                " service = excluded.service, log = excluded.log, flag = excluded.flag",
                [
                    schema,
                    move.name,
                    log.table.as_string(connection),
                    display_name(SCHEMA, f"open_{move.name}"),
                ],
            )
        if not own:
            event_triggers.make(connection, REWRITES, "notice_ddl")
    return seen


def _let_call(connection: Connection, owner: str) -> None:
    """The stack's event triggers call it with the rights of whoever changes the schema: the owner."""
    role = sql.Identifier(owner)
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA waqiti_migration TO {}").format(role))
    for name in ("carry_ddl", "carry_of_others"):
        function = sql.SQL("{}(text, text)").format(sql.Identifier(SCHEMA, name))
        connection.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(function))
        connection.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(function, role))


def _watched_by_the_stack(connection: Connection) -> bool:
    row = connection.execute(
        "SELECT count(*) FROM pg_catalog.pg_event_trigger WHERE evtname LIKE 'waqiti\\_ddl\\_%'"
    ).fetchone()
    return row is not None and int(row[0]) > 0


def _forget(connection: Connection, schema: str) -> None:
    if not _there(connection):
        return
    with connection.transaction():
        for table in ("carried_schemas", "definitions"):
            connection.execute(
                sql.SQL("DELETE FROM {} WHERE schema_name = {}").format(
                    sql.Identifier(SCHEMA, table), sql.Literal(schema)
                )
            )
    left = connection.execute("SELECT 1 FROM waqiti_migration.carried_schemas LIMIT 1").fetchone()
    if left is None:
        event_triggers.drop(connection, REWRITES)


def _there(connection: Connection) -> bool:
    row = connection.execute(
        "SELECT pg_catalog.to_regclass('waqiti_migration.carried_schemas') IS NOT NULL"
    ).fetchone()
    return row == (True,)
