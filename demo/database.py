"""The demo's shared `waqiti` database: eight schemas of a payments company, with data that adds up.

It stands in for the database that a user wants to split. Everything is made on the server by
INSERT ... SELECT, each service by one session at a time, several services at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from typing import Any

import psycopg
from psycopg import sql

from components.contract import Endpoint, Login
from demo.connecting import conninfo

DATABASE = "waqiti"
APPLICATION_ROLE = "waqiti_app"
READONLY_ROLE = "waqiti_readonly"
SERVICES = ("ledger", "payment", "wallet", "analytics", "security", "notification", "user", "compliance")
"""Heaviest to make first, so that the last worker does not end alone."""
EXTENSIONS = ("pgcrypto", "btree_gist", "citext", "pg_trgm", "hstore", "pg_stat_statements")
"""In Debian's contrib package and in the PyPI wheels alike."""

USERS_AT_SCALE_1 = 80_000
PAYMENTS_AT_SCALE_1 = 500_000
SMALLEST_USERS = 200
SMALLEST_PAYMENTS = 1_000

Report = Callable[[str, float], None]
"""Takes what was finished and how many seconds it took."""


@dataclass(frozen=True)
class SharedDatabase:
    """What was built."""

    endpoint: Endpoint
    users: int
    payments: int
    bytes: int
    """pg_database_size, after VACUUM."""
    seconds: float


def build_database(
    server: Endpoint,
    superuser: Login,
    application: Login,
    *,
    scale: float = 0.1,
    jobs: int = 2,
    report: Report = lambda _what, _seconds: None,
) -> SharedDatabase:
    """Make the shared database on `server`, in place of one of the same name.

    `server` names the server (its `database` is the new one's name); `superuser` makes roles,
    database and extensions; `application` becomes the login that owns everything. At `scale` 1 the
    database has about 1 GB. `jobs` sessions work at once. Raises psycopg.Error as the server says it.
    """
    started = time.monotonic()
    users = max(SMALLEST_USERS, round(USERS_AT_SCALE_1 * scale))
    payments = max(SMALLEST_PAYMENTS, round(PAYMENTS_AT_SCALE_1 * scale))
    _create_roles_and_database(server, superuser, application)
    target = conninfo(server, superuser)
    with psycopg.connect(target, autocommit=True) as connection:
        for extension in EXTENSIONS:
            connection.execute(
                sql.SQL("CREATE EXTENSION {} WITH SCHEMA public").format(sql.Identifier(extension))
            )
        _prepare(connection, application.name)
        _create_tables(connection, users, payments)
    report("tables", time.monotonic() - started)

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for service, seconds in pool.map(lambda name: _fill(target, application.name, name), SERVICES):
            report(service, seconds)

    step = time.monotonic()
    with psycopg.connect(target, autocommit=True) as connection:
        _prepare(connection, application.name)
        for service in sorted(SERVICES):
            _run(connection, f"code/{service}.sql")
        _run(connection, "crossing.sql")
        connection.execute("DROP SCHEMA demo_build CASCADE")
        for table in _without_statistics(connection):
            connection.execute(sql.SQL("ANALYZE {}").format(table))
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    report("functions, triggers, views, crossing keys", time.monotonic() - step)
    size = int(row[0]) if row else 0
    return SharedDatabase(server, users, payments, size, time.monotonic() - started)


def _create_roles_and_database(server: Endpoint, superuser: Login, application: Login) -> None:
    maintenance = server.model_copy(update={"database": "postgres"})
    with psycopg.connect(conninfo(maintenance, superuser), autocommit=True) as connection:
        # The password goes over as its SCRAM verifier, so that no server log can hold it.
        verifier = connection.pgconn.encrypt_password(
            application.password.get_secret_value().encode(), application.name.encode(), b"scram-sha-256"
        ).decode()
        _create_role(connection, application.name, sql.SQL("LOGIN"))
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                sql.Identifier(application.name), sql.Literal(verifier)
            )
        )
        _create_role(connection, READONLY_ROLE, sql.SQL("NOLOGIN"))
        database = sql.Identifier(server.database)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'").format(
                database, sql.Identifier(application.name)
            )
        )


def _create_role(connection: psycopg.Connection[Any], name: str, kind: sql.SQL) -> None:
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
    if known is None:
        connection.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(name), kind))


def _create_tables(connection: psycopg.Connection[Any], users: int, payments: int) -> None:
    connection.execute("CREATE SCHEMA demo_build")
    for name, number in (("users", users), ("payments", payments)):
        connection.execute(
            sql.SQL(
                "CREATE FUNCTION demo_build.{}() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE"
                " RETURN {}::bigint"
            ).format(sql.Identifier(name), sql.Literal(number))
        )
    _run(connection, "helpers.sql")
    _run(connection, "shared.sql")
    for service in sorted(SERVICES):
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(f"{service}_schema")))
        _run(connection, f"tables/{service}.sql")
    _run(connection, "tables/partitions.sql")


def _fill(target: str, role: str, service: str) -> tuple[str, float]:
    """Make one service's rows, then its keys and indexes, in a session of its own."""
    started = time.monotonic()
    with psycopg.connect(target, autocommit=True) as connection:
        _prepare(connection, role)
        _run(connection, f"data/{service}.sql")
        _run(connection, f"keys/{service}.sql")
        _vacuum(connection, f"{service}_schema")
    return service, time.monotonic() - started


def _vacuum(connection: psycopg.Connection[Any], schema: str) -> None:
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = %s::regnamespace", (schema,)
    ).fetchall()
    for (table,) in rows:
        connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(schema, table)))


def _without_statistics(connection: psycopg.Connection[Any]) -> list[sql.Identifier]:
    """What VACUUM of plain tables left out: partitioned tables and materialized views."""
    rows = connection.execute(
        "SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE relkind IN ('p', 'm') AND relowner = current_user::regrole"
    ).fetchall()
    return [sql.Identifier(schema, table) for schema, table in rows]


def _prepare(connection: psycopg.Connection[Any], role: str) -> None:
    """Settings under which the files run: as the application, every name qualified, a fixed clock."""
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    for setting, value in (
        ("search_path", "pg_catalog"),
        ("TimeZone", "UTC"),
        ("synchronous_commit", "off"),
        ("maintenance_work_mem", "256MB"),
        ("work_mem", "128MB"),
        ("max_parallel_workers_per_gather", "0"),
        ("client_min_messages", "warning"),
    ):
        connection.execute("SELECT set_config(%s, %s, false)", (setting, value))


def _run(connection: psycopg.Connection[Any], name: str) -> None:
    """Run one file under demo/sql; all of its statements are one transaction."""
    text = resources.files("demo").joinpath("sql", name).read_text(encoding="utf-8")
    # The text is this package's own, never a caller's.
    connection.execute(text)
