"""Real PostgreSQL servers for tests: one for each side and version, lazily, for the whole session."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql
from pydantic import SecretStr

from components.contract import Endpoint, Login
from core.sessions.connections import Database
from core.sessions.session import Connection
from servers import binaries, paths, ports
from servers.certificates import Authority
from servers.errors import ServerError
from servers.postgres import PostgresServer
from tests.support.absence import absent

Side = Literal["source", "target"]

HOST = "localhost"
SUPERUSER = Login(name="tester", password=SecretStr("test-password-of-nothing"))

PARAMETERS = {
    "wal_level": "logical",
    "max_replication_slots": "60",
    "max_wal_senders": "60",
    "max_logical_replication_workers": "40",
    "max_sync_workers_per_subscription": "4",
    "max_worker_processes": "60",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "wal_receiver_timeout": "10s",
    "wal_retrieve_retry_interval": "100ms",
    "fsync": "off",
    "autovacuum_naptime": "5s",
    "log_min_messages": "warning",
    "log_statement": "none",
}
HBA = (
    "local all all peer map=waqiti",
    "host all all 127.0.0.1/32 scram-sha-256",
    "host replication all 127.0.0.1/32 scram-sha-256",
)


@dataclass
class Cluster:
    """A running server and how to get databases from it."""

    server: PostgresServer
    side: Side
    version: int
    authority: Authority | None
    """None where the server's build has no TLS."""
    _templates: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def database(self, name: str = "postgres", login: Login = SUPERUSER) -> Database:
        """The database `name` as `login` (default: the superuser) sees it."""
        endpoint = Endpoint(
            host=HOST,
            address=self.server.address,
            port=self.server.port,
            database=name,
            sslmode="verify-full" if self.authority else "disable",
            sslrootcert=str(self.authority.certificate) if self.authority else None,
        )
        label = f"{self.side} {self.version} {name}"
        return Database(label, self.side, endpoint, login)

    def new_database(self, template: str = "template0") -> Database:
        """A database of its own for a test, cloned from `template`; the caller drops it."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        with self.database().connect() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return self.database(name)

    def template(self, key: str, build: Callable[[Connection], object]) -> str:
        """Name of a template that `build` filled, once a session for each `key`."""
        if key not in self._templates:
            made = self.new_database()
            with made.connect() as connection:
                build(connection)
            self._templates[key] = made.endpoint.database
        return self._templates[key]

    def drop_database(self, database: Database) -> None:
        """Drops a test's database with whatever would hold it: sessions, subscriptions, slots."""
        name = database.endpoint.database
        with self.database().connect() as connection:
            present = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if not present:
                return
            subscriptions = connection.execute(
                "SELECT subname FROM pg_subscription JOIN pg_database d ON d.oid = subdbid"
                " WHERE datname = %s",
                [name],
            ).fetchall()
            if subscriptions:
                _drop_subscriptions(self.database(name), [row[0] for row in subscriptions])
            # Subscribers elsewhere would connect again and again.
            connection.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name))
            )
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND pid <> pg_backend_pid()",
                [name],
            )
            connection.execute(
                "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots"
                " WHERE database = %s AND active",
                [name],
            )
            _drop_slots(connection, name)
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _drop_subscriptions(database: Database, names: list[str]) -> None:
    with database.connect() as connection:
        for name in names:
            subscription = sql.Identifier(name)
            connection.execute(sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(subscription))
            connection.execute(sql.SQL("ALTER SUBSCRIPTION {} SET (slot_name = NONE)").format(subscription))
            connection.execute(sql.SQL("DROP SUBSCRIPTION {}").format(subscription))


def _drop_slots(connection: Connection, database: str) -> None:
    left = "SELECT slot_name FROM pg_replication_slots WHERE database = %s"
    for attempt in range(50):
        try:
            for (slot,) in connection.execute(left, [database]).fetchall():
                connection.execute("SELECT pg_drop_replication_slot(%s)", [slot])
        except psycopg.errors.ObjectInUse:
            if attempt == 49:
                raise
            connection.execute("SELECT pg_sleep(0.1)")
        else:
            return


class Clusters:
    """Makes clusters in a folder of the session's own and destroys them with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shared: dict[tuple[Side, int], Cluster] = {}
        self._private = itertools.count()

    def get(self, side: Side, version: int) -> Cluster:
        """The session's cluster of a side and version; started when first asked for or found dead."""
        if (side, version) not in self._shared:
            self._shared[side, version] = self._make(self._folder / f"{side}{version}", side, version, {})
        cluster = self._shared[side, version]
        cluster.server.start()
        return cluster

    @contextmanager
    def private(
        self,
        side: Side,
        version: int,
        parameters: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> Iterator[Cluster]:
        """A cluster for one test alone; `folder` puts its data elsewhere, for example on a small disk."""
        inside = (folder or self._folder) / f"own{next(self._private)}"
        cluster = self._make(inside, side, version, parameters or {})
        try:
            yield cluster
        finally:
            cluster.server.destroy()
            shutil.rmtree(inside, ignore_errors=True)

    def destroy(self) -> None:
        for cluster in self._shared.values():
            cluster.server.destroy()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self, folder: Path, side: Side, version: int, parameters: Mapping[str, str]) -> Cluster:
        try:
            programs = binaries.postgres_bin(version)
        except ServerError as error:
            absent(str(error))
        paths.make_private(folder)
        server = PostgresServer(
            programs,
            folder / "data",
            ports.free_port(),
            paths.socket_dir(folder),
            folder / "log" / "server.log",
        )
        server.initialise(SUPERUSER.name, SUPERUSER.password.get_secret_value(), sync=False)
        authority = self._authority() if binaries.supports_tls(programs) else None
        tls = {}
        if authority:
            authority.issue(folder / "tls", names=[HOST], addresses=[server.address])
            tls = {"ssl": "on", "ssl_cert_file": str(folder / "tls/server.crt")}
            tls["ssl_key_file"] = str(folder / "tls/server.key")
        server.configure({**PARAMETERS, **tls, **parameters}, HBA)
        server.start()
        return Cluster(server, side, version, authority)

    def _authority(self) -> Authority:
        folder = self._folder / "ca"
        return Authority.load(folder) if folder.exists() else Authority.create(folder, "tests")
