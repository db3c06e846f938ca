"""DDL that would get round the guards of a closed side is refused, where the role may make event triggers.

`ALTER TABLE ... DISABLE TRIGGER ALL` (fixtures and restores do that), a guarded table that is dropped, a new
table in a closed schema, a partition that is attached: none of them is a write that a table's trigger sees.
Making event triggers takes a superuser; without one, `Ownership.status` and every closing notice it.
docs/decisions/0050-ways-round-the-guards.md
"""

from __future__ import annotations

from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.guards import event_triggers

query = queries(__package__)


EVENT_TRIGGERS = {
    "waqiti_migration_guard_ddl": "ddl_command_end",
    "waqiti_migration_guard_drop": "sql_drop",
}


def refuse_ddl(connection: Connection, schema: str, flag: str, guard: str) -> bool:
    """Refuse it in `schema` whenever `flag` (as `regclass` reads it) is not open; can be repeated.

    `guard` is the guards' function as `regprocedure` reads it.

    Returns False where the role is no superuser: nothing is refused there.
    """
    if not event_triggers.may_make(connection):
        return False
    connection.execute(query("refuse_ddl_table"))
    connection.execute(query("refuse_ddl_function"))
    connection.execute(
        "INSERT INTO waqiti_migration.guarded_schemas VALUES (%s, %s, %s)"
        " ON CONFLICT (schema_name) DO UPDATE SET flag = excluded.flag, guard = excluded.guard",
        [schema, flag, guard],
    )
    # Always: restores set session_replication_role to replica.
    return event_triggers.make(connection, EVENT_TRIGGERS, "refuse_ddl", "A")


def refuses_as_now(connection: Connection) -> bool:
    """Whether what refuses it is not another version's; True where nothing does, or this role could not."""
    if not event_triggers.may_make(connection):
        return True
    _, body, _ = query("refuse_ddl_function").decode().split("$refuse$")
    return body_of(connection, "waqiti_migration.refuse_ddl()") in {None, body}


def body_of(connection: Connection, function: str) -> str | None:
    """The text of a function (as `regprocedure` reads it); None where it is not there."""
    row = connection.execute(
        "SELECT prosrc FROM pg_catalog.pg_proc WHERE oid = pg_catalog.to_regprocedure(%s)", [function]
    ).fetchone()
    return None if row is None else str(row[0])


def allow_ddl(connection: Connection, flag: str) -> None:
    """Refuse it no more for `flag`'s schema; the last one takes the event triggers with it."""
    there = connection.execute(
        "SELECT to_regclass('waqiti_migration.guarded_schemas') IS NOT NULL"
    ).fetchone()
    if there != (True,):
        return
    connection.execute("DELETE FROM waqiti_migration.guarded_schemas WHERE flag = %s", [flag])
    left = connection.execute("SELECT 1 FROM waqiti_migration.guarded_schemas LIMIT 1").fetchone()
    if left is None:
        event_triggers.drop(connection, EVENT_TRIGGERS)
