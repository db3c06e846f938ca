"""Event triggers of the migration's own, which only a superuser may make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from psycopg import sql

from core.sessions.session import Connection

_ENABLE = {"O": sql.SQL("ENABLE"), "A": sql.SQL("ENABLE ALWAYS")}


def may_make(connection: Connection) -> bool:
    """Whether the session's role is a superuser."""
    row = connection.execute(
        "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"
    ).fetchone()
    return row is not None and bool(row[0])


def make(
    connection: Connection, triggers: Mapping[str, str], function: str, enabled: Literal["O", "A"] = "O"
) -> bool:
    """Make them (name to event, each calling `function` of our schema), or enable them again.

    `enabled` is as in `pg_event_trigger`: O for ordinary sessions, A also for those that restore in replica
    mode. Returns False, and makes none, where the role is no superuser.
    """
    if not may_make(connection):
        return False
    for name, event in triggers.items():
        identifier = sql.Identifier(name)
        row = connection.execute(
            "SELECT evtenabled::text FROM pg_catalog.pg_event_trigger WHERE evtname = %s", [name]
        ).fetchone()
        if row is None:
            connection.execute(
                sql.SQL("CREATE EVENT TRIGGER {} ON {} EXECUTE FUNCTION {}()").format(
                    identifier, sql.Identifier(event), sql.Identifier("waqiti_migration", function)
                )
            )
        if (row[0] if row else "O") != enabled:
            connection.execute(sql.SQL("ALTER EVENT TRIGGER {} {}").format(identifier, _ENABLE[enabled]))
    return True


def drop(connection: Connection, names: Iterable[str]) -> None:
    """Drop them where they are and the role may."""
    if may_make(connection):
        for name in names:
            connection.execute(sql.SQL("DROP EVENT TRIGGER IF EXISTS {}").format(sql.Identifier(name)))
