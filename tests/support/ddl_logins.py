"""The login of schema migrations on both sides, as the stack makes it."""

from __future__ import annotations

from contextlib import ExitStack

from psycopg import sql

from components.contract import Login
from components.replication_roles import server_wide
from components.service import shared_ddl
from components.service.ddl import ddl_session
from components.service.ddl_watch import make_watch
from core.sessions.connections import Database


def make_ddl_logins(
    stack: ExitStack, service: str, ddl: Login, sides: tuple[Database, Database], application: str
) -> None:
    """Make it in the shared database and in the service's own, both as superusers; the role of the shared
    server goes with `stack`."""
    shared, own = sides
    end, schema = shared.endpoint, f"{service}_schema"
    props = {
        "host": end.host, "address": end.address, "port": end.port, "sslmode": end.sslmode,
        "sslrootcert": end.sslrootcert, "administrator": shared.login.name,
        "password": shared.login.password.get_secret_value(), "database": end.database,
        "role": server_wide(ddl.name, end.database), "role_password": ddl.password.get_secret_value(),
        "schema": schema, "application": application,
    }  # fmt: skip
    provider = shared_ddl._Provider()
    assert provider.create(props).outs == {**props, "made": True}
    stack.callback(provider.delete, str(props["role"]), props)
    owner = f"test_{service}_owner"
    with own.connect() as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ddl.name]).fetchone()
        role = sql.Identifier(ddl.name)
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                sql.SQL("ALTER" if known else "CREATE"), role, sql.Literal(ddl.password.get_secret_value())
            )
        )
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(owner), role))
        for name, value in ddl_session(owner).items():
            connection.execute(
                sql.SQL("ALTER ROLE {} SET {} TO {}").format(role, sql.Identifier(name), sql.Literal(value))
            )
        path = sql.SQL("ALTER ROLE {} SET search_path TO {}, public")
        connection.execute(path.format(role, sql.Identifier(schema)))
        make_watch(connection, ddl.name)
