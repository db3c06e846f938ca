"""A shared database of two services and stacks of its own, for what a team does with a stack that serves."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from components.contract import Endpoint, Login
from core.sessions.connections import Database
from tests.acceptance.logins import connect
from tests.acceptance.stack import Stack
from tests.support.clusters import Cluster
from tests.support.places import REPOSITORY

SERVICES = ("user", "wallet")
APPLICATION = "waqiti_app_of_a_team"
APPLICATION_PASSWORD = "password-of-a-team"


def committed(folder: Path) -> None:
    """All files of this checkout in `folder`, as a checkout of their own with nothing left to commit."""
    listed = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "-co", "--exclude-standard", "-z"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    for command in ("init -q", "add -A", "-c user.name=team -c user.email=team@example.org commit -qm all"):
        subprocess.run(["git", "-C", str(folder), *command.split()], check=True)
    (folder / ".venv").symlink_to(REPOSITORY / ".venv")


@contextmanager
def shared_by_two(cluster: Cluster) -> Iterator[Database]:
    """A database with a schema and a table for each service."""
    made = cluster.new_database()
    name, role = made.endpoint.database, sql.Identifier(APPLICATION)
    with made.connect() as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION]).fetchone():
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(APPLICATION_PASSWORD))
            )
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), role))
        for service in SERVICES:
            schema = sql.Identifier(f"{service}_schema")
            connection.execute(sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(schema, role))
            connection.execute(
                sql.SQL("CREATE TABLE {}.notes (id bigserial PRIMARY KEY, word text)").format(schema)
            )
            connection.execute(sql.SQL("ALTER TABLE {}.notes OWNER TO {}").format(schema, role))
            connection.execute(
                sql.SQL(
                    "INSERT INTO {}.notes (word) SELECT md5(n::text) FROM generate_series(1, 100) n"
                ).format(schema)
            )
    try:
        yield made
    finally:
        cluster.drop_database(made)


def settings_of(database: Database, offset: int, instances: int) -> dict[str, Any]:
    """Configuration of a stack of the two services on this shared database."""
    endpoint = database.endpoint
    return {
        "scale": "0.1", "services": list(SERVICES), "portOffset": offset, "instancePortOffset": instances,
        "keepData": False, "takenOver": "all", "protectData": False,
        "source": {
            "host": endpoint.host, "address": endpoint.address, "port": endpoint.port,
            "database": endpoint.database, "sslmode": endpoint.sslmode,
            **({"sslrootcert": endpoint.sslrootcert} if endpoint.sslrootcert else {}),
            "administrator": {"name": database.login.name}, "application": {"name": APPLICATION},
        },
    }  # fmt: skip


def variables_of(database: Database) -> dict[str, str]:
    """The passwords of the shared database."""
    return {
        "SOURCE_DB_ADMIN_PASSWORD": database.login.password.get_secret_value(),
        "SOURCE_DB_PASSWORD": APPLICATION_PASSWORD,
    }


def program(stack: Stack, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run one of our programs as an operator does, in the stack's folder."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=stack.folder,
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )


def told(stack: Stack, *arguments: str, code: int = 0) -> dict[str, Any]:
    """What the program says as JSON; its exit status has to be `code`."""
    done = program(stack, *arguments, "--json")
    assert done.returncode == code, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@dataclass
class Client:
    """An application: a session that writes and reads for as long as it lasts, and logins all the time."""

    endpoint: Endpoint
    login: Login
    name: str
    counts: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Client:
        self._over.clear()
        self._threads = [threading.Thread(target=work) for work in (self._stay, self._come_and_go)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def until(self, statements: int, seconds: float = 60) -> None:
        """Wait until it ran so many statements more, and logged in again."""
        wanted, deadline = self.counts["statements"] + statements, time.monotonic() + seconds
        logins = self.counts["logins"] + 1
        while self.counts["statements"] < wanted or self.counts["logins"] < logins:
            assert not self.errors, self.errors
            assert time.monotonic() < deadline, self.counts
            time.sleep(0.01)

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return connect(self.endpoint, self.login, application_name=self.name)

    def _stay(self) -> None:
        try:
            with self.connect() as connection:
                while not self._over.is_set():
                    # Where a service is `serializable`, its applications try again.
                    with suppress(psycopg.errors.SerializationFailure), connection.transaction():
                        connection.execute("INSERT INTO notes (word) VALUES ('kept')")
                        connection.execute("SELECT count(*) FROM notes").fetchone()
                        self.counts["statements"] += 2
        except psycopg.Error as error:
            self.errors.append(str(error))

    def _come_and_go(self) -> None:
        while not self._over.is_set():
            try:
                with self.connect() as connection:
                    connection.execute("SELECT 1")
                self.counts["logins"] += 1
            except psycopg.Error as error:
                self.errors.append(str(error))
