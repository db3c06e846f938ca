"""DDL on the source while a service moves: replication does not carry it, so it must be seen.

Two ways. Event triggers write down each statement that touches a moving schema; making them takes a
superuser. A fingerprint of the schema's definitions works for any role and notices also what was done
while event triggers were disabled, but cannot say which statement it was. Both are used where possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.errors import SchemaChanged
from core.sessions.own_schema import ensure_schema
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.guards import event_triggers
from migration.journal.journal import StepRecord

WATCHING = "watch the schema"
"""The step of `start` whose figures are the Watch."""


def read_watch(records: Sequence[StepRecord]) -> Watch | None:
    """The watch that a move's steps tell of; None for a move that began without one."""
    for record in reversed(records):
        if record.step == WATCHING and record.outcome == "done":
            figures = record.figures
            return Watch(figures["schema"], figures["after"], figures["fingerprint"])
    return None


def require_unchanged_in_pause(connection: Connection, began: Watch) -> None:
    """Like `require_unchanged`, by one short query where statements are noted.

    Raises SchemaChanged.
    """
    if began.after < 0:
        require_unchanged(connection, began)
        return
    changes = schema_changes(connection, began)
    if changes:
        raise SchemaChanged(
            f"the schema {began.schema} was changed right before the switch: {changes[0]}; nothing was "
            "switched: `abort` and start this service again"
        )


query = queries(__package__)


EVENT_TRIGGERS = {
    "waqiti_migration_ddl": "ddl_command_end",
    "waqiti_migration_drop": "sql_drop",
}


@dataclass(frozen=True)
class SchemaChange:
    """One object that DDL touched."""

    id: int
    at: datetime
    role: str
    application: str
    command: str
    """The command's tag, for example `ALTER TABLE`."""
    object: str
    statement: str
    """What the client sent, cut at 2,000 characters."""

    def __str__(self) -> str:
        statement = " ".join(self.statement.split())
        shown = statement if len(statement) <= 120 else statement[:117] + "..."
        return f"{self.command} of {self.object} by {self.role} at {self.at:%H:%M:%S}: {shown}"


@dataclass(frozen=True)
class Watch:
    """Where watching a schema began: keep it in the journal, and give it to `schema_changes`."""

    schema: str
    after: int
    """Number of the newest change before; -1: no event triggers, the fingerprint alone watches."""
    fingerprint: str


def watch(connection: Connection, service: str, schema: str) -> Watch:
    """Begin to watch a schema; can be repeated. `connection` is in autocommit mode."""
    with connection.transaction():
        ensure_schema(connection)
        connection.execute(query("ddl_tables"))
        connection.execute(query("note_ddl_function"))
        connection.execute(
            "INSERT INTO waqiti_migration.watched_schemas VALUES (%s, %s)"
            " ON CONFLICT (schema_name) DO UPDATE SET service = excluded.service",
            [schema, service],
        )
    noticing = event_triggers.make(connection, EVENT_TRIGGERS, "notice_ddl")
    after = _newest(connection) if noticing else -1
    return Watch(schema, after, fingerprint(connection, schema))


def unwatch(connection: Connection, schema: str) -> None:
    """Stop watching a schema; the last one takes the event triggers with it."""
    if not _there(connection):
        return
    connection.execute("DELETE FROM waqiti_migration.watched_schemas WHERE schema_name = %s", [schema])
    left = connection.execute("SELECT 1 FROM waqiti_migration.watched_schemas LIMIT 1").fetchone()
    if left is None:
        event_triggers.drop(connection, EVENT_TRIGGERS)


def schema_changes(connection: Connection, began: Watch) -> list[SchemaChange]:
    """The DDL noted since watching began, oldest first."""
    if not _there(connection):
        return []
    rows = connection.execute(
        query("ddl_changes"), {"schema": began.schema, "after": max(began.after, 0)}
    ).fetchall()
    return [SchemaChange(*row) for row in rows]


def require_unchanged(connection: Connection, began: Watch) -> None:
    """Raise SchemaChanged, with the first statement, when the schema is not what it was."""
    changes = schema_changes(connection, began)
    if changes:
        more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
        raise SchemaChanged(
            f"the schema {began.schema} changed while it was moving: {changes[0]}{more}; undo that and "
            "verify again, or `abort` and start this service again"
        )
    if fingerprint(connection, began.schema) != began.fingerprint and not _carried(connection, began.schema):
        raise SchemaChanged(
            f"the schema {began.schema} changed while it was moving, by a statement that was not noted "
            "(event triggers were off); compare it with the target's, then `abort` and start again"
        )


def _carried(connection: Connection, schema: str) -> bool:
    """Whether the schema is what it was but for changes that were carried over, each of which was noted."""
    there = connection.execute(
        "SELECT pg_catalog.to_regclass('waqiti_migration.carried_schemas') IS NOT NULL"
    ).fetchone()
    if there != (True,):
        return False
    noted = connection.execute(
        "SELECT 1 FROM waqiti_migration.carried_schemas WHERE schema_name = %s", [schema]
    ).fetchone()
    if noted is None:
        return False
    return connection.execute(query("not_as_noted"), {"schema": schema}).fetchone() is None


def fingerprint(connection: Connection, schema: str) -> str:
    """A hash of the schema's definitions in this database."""
    with connection.transaction():
        connection.execute("SET LOCAL search_path = ''")
        row = connection.execute(query("fingerprint"), {"schema": schema}).fetchone()
    return "" if row is None else str(row[0])


def _newest(connection: Connection) -> int:
    row = connection.execute("SELECT coalesce(max(id), 0) FROM waqiti_migration.ddl").fetchone()
    return 0 if row is None else int(row[0])


def _there(connection: Connection) -> bool:
    row = connection.execute("SELECT to_regclass('waqiti_migration.ddl') IS NOT NULL").fetchone()
    return row is not None and bool(row[0])
