"""Looks at a service: at its gateway's console, its database's counters, and through its endpoint.

Three sessions that are kept and opened anew when they were lost. The business query goes the way of the
applications, as they do, in a transaction that may not write.
"""

from __future__ import annotations

import contextlib
import time
from types import TracebackType
from typing import Literal, Self

import psycopg
from psycopg import sql

from components.contract import Contract, Service
from core.errors import MigrationError
from core.gateway.console import Console
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from core.sessions.stack import endpoint_database, source_database, target_database
from migration.slo.band import Look

query = queries(__package__)

APPLICATION = "waqiti-slo"
TIMEOUT_SECONDS = 2.0
"""Of one look at one place."""

Side = Literal["source", "target"]


class Eyes:
    """Looks at one service that is served by `side`. A context manager; nothing is opened before a look."""

    def __init__(self, service: Service, contract: Contract, side: Side) -> None:
        self.service = service
        self.policy = service.slo
        self._serving = source_database(contract) if side == "source" else target_database(service)
        self._endpoint = endpoint_database(service)
        self._console: Console | None = None
        self._sessions: dict[str, Connection] = {}
        self._counted = (0, 0.0, 0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forget_console()
        for name in list(self._sessions):
            self._forget(name)

    def look(self) -> Look:
        """One look. Never raises for what does not answer: that is a problem of the look."""
        problems: list[str] = []
        transactions, seconds, commits, rollbacks = self._counted
        wait = 0.0
        try:
            transactions, seconds, wait = self._gateway()
        except (MigrationError, psycopg.Error) as error:
            self._forget_console()
            problems.append(_line(error))
        try:
            row = self._session("serving", self._serving).execute(query("counters")).fetchone()
            commits, rollbacks = (int(one) for one in row or (0, 0))
        except (MigrationError, psycopg.Error) as error:
            self._forget("serving")
            problems.append(_line(error))
        business: float | None = None
        text = None if self.policy is None else self.policy.business
        if text is not None:
            try:
                business = self._asked_business(text)
            except (MigrationError, psycopg.Error, ValueError) as error:
                self._forget("endpoint")
                problems.append(f"the business query fails: {_line(error)}")
        self._counted = transactions, seconds, commits, rollbacks
        return Look(
            time.monotonic(), transactions, seconds, commits, rollbacks, wait, business,
            "; ".join(problems) or None,
        )  # fmt: skip

    def _gateway(self) -> tuple[int, float, float]:
        if self._console is None:
            self._console = Console(self.service.gateway_control, f"the gateway of {self.service.name}")
        name = self.service.endpoint.database
        stats = [row for row in self._console.show("stats", TIMEOUT_SECONDS) if row["database"] == name]
        pools = [row for row in self._console.show("pools", TIMEOUT_SECONDS) if row["database"] == name]
        took = sum(int(row["total_xact_time"]) + int(row["total_wait_time"]) for row in stats)
        waits = [int(row["maxwait"]) + int(row["maxwait_us"]) / 1e6 for row in pools]
        return sum(int(row["total_xact_count"]) for row in stats), took / 1e6, max(waits, default=0.0)

    def _asked_business(self, text: str) -> float | None:
        kept = "endpoint" in self._sessions
        try:
            return self._business(text)
        except psycopg.OperationalError:
            if not kept:
                raise
            # A gateway that pools by session ends its clients' connections at a switch.
            self._forget("endpoint")
            return self._business(text)

    def _business(self, text: str) -> float | None:
        session = self._session("endpoint", self._endpoint)
        # By SET LOCAL: a setting of the session would reach the pooler's next client.
        with session.transaction():
            session.execute("SET TRANSACTION READ ONLY")
            session.execute(
                sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(round(TIMEOUT_SECONDS * 1000)))
            )
            rows = session.execute(text.encode()).fetchmany(2)
        if len(rows) != 1 or len(rows[0]) != 1:
            raise ValueError("it gives more or less than one number")
        value = rows[0][0]
        try:
            return None if value is None else float(value)
        except (TypeError, ValueError):
            raise ValueError(f"it gives {value!r}, which is no number") from None

    def _session(self, name: str, database: Database) -> Connection:
        found = self._sessions.get(name)
        if found is None or found.closed:
            found = database.connect(application_name=APPLICATION, connect_timeout=2)
            self._sessions[name] = found
        return found

    def _forget(self, name: str) -> None:
        session = self._sessions.pop(name, None)
        if session is not None:
            with contextlib.suppress(psycopg.Error):
                session.close()

    def _forget_console(self) -> None:
        if self._console is not None:
            with contextlib.suppress(psycopg.Error):
                self._console.__exit__(None, None, None)
        self._console = None


def _line(error: Exception) -> str:
    """Without a driver's detail, which may quote rows."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    return " ".join(str(error).split())
