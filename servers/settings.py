"""What a running server's parameters are, and how to bring new ones into force: pg_settings knows."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import psycopg
from psycopg import sql

from servers.errors import ServerError
from servers.postgres import CONFIGURATION, PostgresServer

RELOAD_SECONDS = 10.0

Connection = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def administrator(server: PostgresServer, name: str) -> Iterator[Connection]:
    """A session as the superuser `name`, over the unix socket and without a password (peer).

    Finds the server where it listens now, which after a change of port is not where it shall listen.
    Raises ServerError when it does not answer.
    """
    try:
        listening = (server.data / "postmaster.pid").read_text().splitlines()
        connection = psycopg.connect(
            host=listening[4],
            port=listening[3],
            user=name,
            dbname="postgres",
            connect_timeout=5,
            autocommit=True,
            application_name="waqiti-servers",
        )
    except (OSError, IndexError, psycopg.OperationalError) as error:
        said = str(error).strip().splitlines()[-1]
        raise ServerError(
            f"does not answer its administrator ({said})", where=str(server.data), to_do="read its log"
        ) from error
    with connection:
        yield connection


def drift(server: PostgresServer, name: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Parameters not in force as given: their names, and the value that is (`SHOW`), with a remark when
    another one waits for a restart.

    One is in force when our file says so, the server took it from there, and it waits for no restart. So
    ALTER SYSTEM, a change of the file by hand and an option on the command line are all seen.
    """
    with administrator(server, name) as connection:
        rows = connection.execute(
            "SELECT name, current_setting(name), sourcefile, pending_restart"
            " FROM pg_catalog.pg_settings WHERE name = ANY(%s)",
            [list(parameters)],
        ).fetchall()
    ours = str(server.data / CONFIGURATION)
    return {
        key: f"{value}, another after a restart" if pending else value
        for key, value, file, pending in rows
        if file != ours or pending or server.deviates(key, parameters[key])
    }


def bring_into_force(
    server: PostgresServer, name: str, changed: Collection[str], parameters: Mapping[str, str]
) -> Literal["reloaded", "restarted"]:
    """After `configure`: takes back what ALTER SYSTEM overrides, reloads, and restarts when a changed
    parameter's context in pg_settings is `postmaster`."""
    with administrator(server, name) as connection:
        for (overridden,) in connection.execute(
            # Not pg_settings: what waits for a restart is not in force yet, and must never be.
            "SELECT DISTINCT name FROM pg_catalog.pg_file_settings"
            " WHERE name = ANY(%s) AND sourcefile LIKE '%%/postgresql.auto.conf'",
            [list(parameters)],
        ).fetchall():
            connection.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(overridden)))
        loaded = _loaded_at(connection)
        static = connection.execute(
            "SELECT name FROM pg_catalog.pg_settings WHERE context = 'postmaster' AND name = ANY(%s)",
            [list(changed)],
        ).fetchall()
    if static:
        server.restart()
        return "restarted"
    server.reload()
    deadline = time.monotonic() + RELOAD_SECONDS
    while time.monotonic() < deadline:
        with administrator(server, name) as connection:
            if _loaded_at(connection) > loaded:
                if connection.execute("SELECT FROM pg_settings WHERE pending_restart").fetchone() is None:
                    return "reloaded"
                break
        time.sleep(0.02)
    server.restart()
    return "restarted"


def set_password(server: PostgresServer, name: str, password: str) -> None:
    """Changes the superuser's own password; the server and its log see only the SCRAM verifier."""
    with administrator(server, name) as connection:
        verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(verifier.decode()))
        )


def _loaded_at(connection: Connection) -> Any:
    row = connection.execute("SELECT pg_catalog.pg_conf_load_time()").fetchone()
    if row is None:
        raise TypeError("pg_conf_load_time() returned no row")
    return row[0]
