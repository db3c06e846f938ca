"""A session with an instance as its administrator, and how a person gets one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from core.sessions.session import Connection
from operations.drift.model import Declared

SECONDS = 10


@contextmanager
def session(declared: Declared) -> Iterator[Connection]:
    """In the service's own database, read only. Raises psycopg.OperationalError."""
    given = declared.one("pulumi:providers:postgresql") or {}
    with psycopg.connect(
        host=given["host"], port=int(given["port"]), user=given["username"], password=given["password"],
        dbname=declared.database, sslmode=given["sslmode"], sslrootcert=given.get("sslrootcert"),
        connect_timeout=SECONDS, autocommit=True, application_name="waqiti-drift",
    ) as connection:  # fmt: skip
        # By SET, so that pg_settings.reset_val is what others have.
        connection.execute("SET default_transaction_read_only = on")
        connection.execute("SET statement_timeout = '10s'")
        connection.execute("SET lock_timeout = '1s'")
        yield connection


def run(declared: Declared, statement: sql.Composable, database: str | None = None) -> str:
    """The shell command that runs a statement as the administrator, without a password in it."""
    text, where = shlex.quote(statement.as_string(None)), shlex.quote(database or declared.database)
    given, port = declared.instance, int(declared.instance["port"])
    if declared.platform == "docker":
        container = (declared.one("docker:Instance") or {}).get("container", "?")
        return (
            f"docker exec {container} psql -h /tmp -p {port} -U {given['administrator']} -d {where} -c {text}"
        )
    program = f"{given['binaries']}/psql"
    return f"{program} -h {given['sockets']} -p {port} -U {given['administrator']} -d {where} -c {text}"


def up(declared: Declared) -> str:
    """The commands that bring what Pulumi can see back."""
    return f"pulumi refresh --yes --stack {declared.stack} && pulumi up --yes --stack {declared.stack}"


def renewed(declared: Declared) -> str:
    """The commands that give every login a new password, on all sides at once."""
    stack = declared.stack
    return (
        f'pulumi config set --plaintext waqiti:passwordRotation "$(date -u +%FT%TZ)" --stack {stack}'
        f" && pulumi up --yes --stack {stack}"
    )
