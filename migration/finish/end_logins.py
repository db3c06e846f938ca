"""A finished service's logins on the shared database: closed, so that their passwords open nothing any more.

They are not dropped: `ALTER ROLE ... LOGIN` opens one again. A comment tells `pulumi up` to leave it closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg import sql

from components.replication_roles import ENDED_LOGIN, server_wide
from core.sessions.connections import Database
from core.sessions.queries import queries
from migration.steps.context import OfflineMove

query = queries(__package__)


def end_logins(move: OfflineMove) -> Mapping[str, Any]:
    """Close what the service's gateway and its schema migrations logged in as before the move."""
    service, database = move.service, move.source.endpoint.database
    names = [
        *([service.shared.name] if service.shared else []),
        *([server_wide(service.ddl.name, database)] if service.ddl else []),
    ]
    names = list(service.shared_logins) or names
    return {"closed": [name for name in names if end_login(move.source, name, move.progress.note)]}


def end_login(shared: Database, name: str, note: Callable[[str], None]) -> bool:
    """Close one login and end its sessions; whether it is closed. May be done twice.

    What the administrator may not do is noted with the statement for one who may: it holds up no finish.
    """
    role = sql.Identifier(name)
    close = sql.SQL("ALTER ROLE {} NOLOGIN").format(role)
    with shared.connect() as connection, shared.translated(f"closing the login {name}"):
        found = connection.execute(query("login"), {"role": name}).fetchone()
        if found is None:
            return False
        said = str(found[1] or "").removesuffix(ENDED_LOGIN) + ENDED_LOGIN
        try:
            with connection.transaction():
                connection.execute(close)
                connection.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(role, sql.Literal(said)))
        except psycopg.errors.InsufficientPrivilege:
            note(
                f"{name} can still log in to the shared database: have a superuser run"
                f" `{close.as_string(connection)}`"
            )
            return False
        try:
            connection.execute(query("end_sessions"), {"role": name})
        except psycopg.errors.InsufficientPrivilege:
            note(
                f"sessions of {name} that are open on the shared database stay until they end: have a"
                f" superuser run `{_ending(name).as_string(connection)}`"
            )
    return True


def _ending(name: str) -> sql.Composed:
    return sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {}").format(
        sql.Literal(name)
    )
