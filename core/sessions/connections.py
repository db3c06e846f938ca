"""Where the migration connects to, and what a refused or lost connection is called.

Every connection of the migration is made here, so that passwords stay out of command lines and
messages, and every driver error becomes one of `core.errors`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import psycopg
from psycopg import errors as pg
from psycopg.conninfo import make_conninfo

from components.contract import Endpoint, Login
from core.errors import (
    AuthenticationFailed,
    ConnectionLost,
    CopyFailed,
    DiskFull,
    MigrationError,
    SourceUnreachable,
    StepTimeout,
    TargetUnreachable,
)
from core.sessions import liveness, session
from core.sessions import settings as session_settings
from core.sessions.passfile import passfile
from core.sessions.placeholders import NamesCursor
from core.sessions.session import Connection

APPLICATION_NAME = "waqiti-migration"

Side = Literal["source", "target"]

_REFUSED = (
    "password authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "is not permitted to log in",
    "permission denied for database",
    "authentication failed",
    "no such user",
    'role "',
)
"""What servers and PgBouncer say before a session exists; libpq gives no SQLSTATE there."""

_CLOSING: tuple[type[psycopg.Error], ...] = (
    pg.AdminShutdown,
    pg.CrashShutdown,
    pg.CannotConnectNow,
    pg.IdleInTransactionSessionTimeout,
    pg.IdleSessionTimeout,
    pg.DatabaseDropped,
)


@dataclass(frozen=True)
class Database:
    """One database as one role sees it: the shared one, a service's own, or a service's gateway."""

    label: str
    """What a person calls it, for example `shared database` or `user's own database`."""
    side: Side
    endpoint: Endpoint
    login: Login
    plain: bool = False
    """Whether its sessions are as an application's, without settings of ours. A transaction pooler refuses
    those, because the next client would get them."""

    @property
    def where(self) -> str:
        """`host:port/database`, for messages."""
        return f"{self.endpoint.host}:{self.endpoint.port}/{self.endpoint.database}"

    def connect(
        self,
        *,
        autocommit: bool = True,
        application_name: str = APPLICATION_NAME,
        replication: bool = False,
        connect_timeout: int = 5,
        settings: Mapping[str, str] | None = None,
        looked_after: bool = True,
    ) -> Connection:
        """Open a session under the settings of `core.sessions.settings`, and `settings` on top of them.

        Statements are never prepared on the server (`prepare_threshold=None`), so that a session may
        go through a transaction pooler. With `replication`, the session speaks the replication
        protocol in this database. `connect_timeout` is in seconds. One that is not `looked_after` has
        time-outs of its own, and no server is given up because it waits (`core.sessions.liveness`).

        Raises SourceUnreachable, TargetUnreachable or AuthenticationFailed.
        """
        parameters = self._parameters(application_name) | {
            "password": self.login.password.get_secret_value(),
            "connect_timeout": connect_timeout,
            "client_encoding": "UTF8",
        }
        if replication:
            parameters["replication"] = "database"
        if not self.plain:
            parameters["options"] = session_settings.startup_options(
                {**session_settings.COMMON, **(settings or {})}
            )
        if self.is_silent:
            # One that has just been given up is not waited for at length again.
            parameters["connect_timeout"] = min(connect_timeout, 2)
        try:
            connection = session.kind().connect(
                autocommit=True, prepare_threshold=None, cursor_factory=NamesCursor, **parameters
            )
        except psycopg.OperationalError as error:
            raise self._not_connected(error) from None
        if looked_after:
            liveness.register(connection, *self.place)
        try:
            if not self.plain:
                with self.translated("settling the session"):
                    session_settings.settle(connection)
            connection.autocommit = autocommit
        except BaseException:
            connection.close()
            raise
        return connection

    @property
    def place(self) -> tuple[str, int]:
        """Host and port that sessions are opened to."""
        return self.endpoint.address or self.endpoint.host, self.endpoint.port

    @property
    def is_silent(self) -> bool:
        """Whether its server gave no sign of life, and no session was opened there since."""
        return liveness.is_silent(*self.place)

    def for_readers(self) -> Database:
        """The same database, as the servers of other services that read it follow it."""
        endpoint = self.endpoint.model_copy(update={"followers": self.endpoint.readers})
        return replace(self, endpoint=endpoint)

    def conninfo(self) -> str:
        """A connection string with the password, for `CREATE SUBSCRIPTION` and nothing else.

        Never print it, and never put it into a command line.
        """
        way = self.endpoint.followers
        there = self.endpoint.model_copy(update=dict(way)) if way else self.endpoint
        parameters = replace(self, endpoint=there)._parameters(APPLICATION_NAME)
        return make_conninfo(**parameters, password=self.login.password.get_secret_value())

    @contextmanager
    def client_environment(self) -> Iterator[dict[str, str]]:
        """The environment in which pg_dump and psql reach this database without a password in argv.

        Their sessions begin under the settings of `core.sessions.settings`. The password is in a file of
        mode 0600 that goes away with the context. Other PG* variables of the operator's shell are not
        inherited, because they would lead the client elsewhere.
        """
        parameters = self._parameters(APPLICATION_NAME)
        names = {
            "host": "PGHOST",
            "hostaddr": "PGHOSTADDR",
            "port": "PGPORT",
            "dbname": "PGDATABASE",
            "user": "PGUSER",
            "sslmode": "PGSSLMODE",
            "sslrootcert": "PGSSLROOTCERT",
            "application_name": "PGAPPNAME",
            "gssencmode": "PGGSSENCMODE",
        }
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        ours = {names[k]: str(v) for k, v in parameters.items() if k in names}
        with passfile(self.login.password) as path:
            yield (
                inherited
                | ours
                | {
                    "PGPASSFILE": str(path),
                    "PGCONNECT_TIMEOUT": "5",
                    "PGOPTIONS": session_settings.startup_options(),
                    "PGCLIENTENCODING": "UTF8",
                }
            )

    @contextmanager
    def translated(self, doing: str) -> Iterator[None]:
        """Turn driver errors raised inside into errors a person reads; see `translate`.

        `doing` completes "while ...", for example `copying user_schema.users`.
        """
        try:
            yield
        except psycopg.Error as error:
            raise self.translate(error, doing) from error

    def translate(self, error: psycopg.Error, doing: str) -> MigrationError:
        """Name a driver error: DiskFull, ConnectionLost, AuthenticationFailed, StepTimeout, CopyFailed.

        Only the server's primary message is kept: its detail may quote rows.
        """
        at = f"{self.label} ({self.where})"
        said = error.diag.message_primary or _first_line(error)
        if isinstance(error, pg.DiskFull):
            return DiskFull(
                f"{at} has no disk space left while {doing}: {said}; free space there, then run it again"
            )
        if _is_broken(error) and self.is_silent:
            return ConnectionLost(
                f"{at} gave no answer in time while {doing}; its sessions were given up: check that server "
                "and the network to it, then run it again"
            )
        if isinstance(error, _CLOSING) or _is_broken(error):
            return ConnectionLost(
                f"{at} closed the connection while {doing}: {said}; check that server, then run it again"
            )
        if isinstance(error, pg.InsufficientPrivilege):
            return AuthenticationFailed(
                f"{at} does not let {self.login.name} go on while {doing}: {said}; grant what is missing"
            )
        if isinstance(error, pg.LockNotAvailable | pg.QueryCanceled):
            return StepTimeout(f"{at} took too long while {doing}: {said}; run it again when it is quieter")
        code = f" [{error.sqlstate}]" if error.sqlstate else ""
        return CopyFailed(f"{at} refused a statement while {doing}: {said}{code}")

    def _parameters(self, application_name: str) -> dict[str, Any]:
        endpoint = self.endpoint
        parameters: dict[str, Any] = {
            "host": endpoint.host,
            "port": endpoint.port,
            "dbname": endpoint.database,
            "user": self.login.name,
            "sslmode": endpoint.sslmode,
            "application_name": application_name,
            "gssencmode": "disable",
            # A peer that vanished is noticed in half a minute, not in the kernel's two hours.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 4,
            "tcp_user_timeout": 30_000,
        }
        if endpoint.address:
            parameters["hostaddr"] = endpoint.address
        if endpoint.sslrootcert:
            parameters["sslrootcert"] = endpoint.sslrootcert
        elif endpoint.sslmode == "verify-full":
            parameters["sslrootcert"] = "system"
        return parameters

    def _not_connected(self, error: psycopg.OperationalError) -> MigrationError:
        said = _first_line(error)
        at = f"{self.label} ({self.where})"
        if any(mark in said for mark in _REFUSED):
            return AuthenticationFailed(
                f"{at} refused the role {self.login.name}: {said}; check its password and pg_hba.conf"
            )
        kind = SourceUnreachable if self.side == "source" else TargetUnreachable
        return kind(f"{at} does not answer: {said}; check that it runs and that this machine reaches it")


def _is_broken(error: psycopg.Error) -> bool:
    """Whether the session itself is gone: libpq reports that without an SQLSTATE (or as class 08)."""
    if error.sqlstate:
        return error.sqlstate.startswith("08")
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def _first_line(error: psycopg.Error) -> str:
    text = str(error).strip()
    line = text.splitlines()[0] if text else type(error).__name__
    return line.removeprefix("connection failed: ").removeprefix("connection is bad: ")
