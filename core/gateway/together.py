"""Many gateways paused and resumed at the same time, each on its console."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import LiteralString, Self

from psycopg import sql

from components.contract import Service
from core.errors import GatewayFailed, MigrationError, StepTimeout
from core.gateway import logins
from core.gateway.console import Console
from core.sessions.at_once import Answer, Asked, Row, at_once

COMMAND_SECONDS = 2.0
"""What a console answers in at most, PAUSE aside: it does nothing else meanwhile."""
RESUME_ATTEMPTS = 3


@dataclass(frozen=True)
class Route:
    """Where a gateway leads, as PgBouncer says."""

    host: str
    port: int
    database: str


class Gateways(contextlib.AbstractContextManager["Gateways"]):
    """The gateways of some services, with a session on the console of each, opened at once."""

    def __init__(self, services: Sequence[Service]) -> None:
        """Raises GatewayFailed for the first that does not answer, and names it."""
        self._services = {service.name: service for service in services}
        self._stack = contextlib.ExitStack()
        self._consoles: dict[str, Console] = {}
        try:
            for service in services:
                self._open(service)
            self._retry = {name: _setting(rows) for name, rows in self._show("config").items()}
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every session."""
        self._stack.close()

    def paused(self) -> dict[str, bool]:
        """Whether each one's clients wait now. Raises GatewayFailed."""
        return {name: row["paused"] != "0" for name, row in self._entries().items()}

    def questions(self) -> dict[str, Asked]:
        """What is asked of each console to know whether its clients wait, for who asks others meanwhile."""
        statement = sql.SQL("SHOW {}").format(sql.Identifier("databases")).as_bytes()
        return {name: (console.session, statement) for name, console in self._consoles.items()}

    def gone_on(self, answers: Mapping[str, Answer]) -> list[str]:
        """Those whose clients do not wait, from the answers to `questions`. Raises GatewayFailed."""
        self._require(answers, "SHOW databases")
        return [name for name, answer in answers.items() if self._entry(name, answer.rows)["paused"] == "0"]

    def routes(self) -> dict[str, Route]:
        """Where each one leads. Raises GatewayFailed."""
        return {
            name: Route(row["host"], int(row["port"]), row["database"])
            for name, row in self._entries().items()
        }

    def pause(self, seconds: float) -> dict[str, float]:
        """Let all running transactions end and all others wait; returns the milliseconds each took.

        Raises StepTimeout, which names the clients of those that did not manage it in `seconds`, and
        GatewayFailed. Some are paused then: the caller calls `resume`, whatever happens.
        """
        logins.wait_for_none(self._logins)
        answers = at_once(
            {name: (self._consoles[name].session, self._named("PAUSE", name)) for name in self._services},
            seconds,
        )
        late = [name for name, answer in answers.items() if answer.late]
        if late:
            for name in late:
                self._reopen(name)
            said = "; ".join(f"{name}: {self._busy(name)}" for name in late)
            raise StepTimeout(f"not all gateways could pause within {seconds:g} s ({said})")
        self._require(answers, "PAUSE")
        return {name: round(answer.seconds * 1000, 1) for name, answer in answers.items()}

    def _logins(self) -> int:
        return sum(
            logins.under_way(rows, self._services[name].endpoint.database)
            for name, rows in self._show("pools").items()
        )

    def prepare(self) -> None:
        """Ahead of a pause: a client that logs in during it must not wait for a retry after it.

        Such a login makes PgBouncer begin a server connection, which the pause then cuts; that counts as a
        failed one (its pull request 420), and all clients would wait server_login_retry, 15 s by default.
        Raises GatewayFailed.
        """
        self._require(self._all("SET server_login_retry = '0'", list(self._services)), "SET")

    def settle(self) -> None:
        """After a pause: the setting is what it was. Raises GatewayFailed."""
        names = list(self._services)
        self._require(self._all("SHOW databases", names), "SHOW databases")
        self._require(self._all("SET server_login_retry = {retry}", names), "SET")

    def resume(self) -> None:
        """Let all clients go on, also where a session was lost meanwhile. Can be repeated.

        Raises GatewayFailed, which names those that could not be reached, when all others go on.
        """
        left = list(self._services)
        failed: dict[str, str] = {}
        for _ in range(RESUME_ATTEMPTS):
            answers = self._all("RESUME", left)
            failed = {
                name: answer.error
                for name, answer in answers.items()
                if answer.error and "not paused" not in answer.error
            }
            left = list(failed)
            if not left:
                return
            time.sleep(0.05)
            for name in left:
                with contextlib.suppress(MigrationError):
                    self._reopen(name)
        said = "; ".join(f"{name}: {why}" for name, why in failed.items())
        raise GatewayFailed(
            f"clients may be waiting still at the gateways of {', '.join(failed)} ({said}); see that these "
            "run (`pulumi up`); one that starts again is not paused"
        )

    def reload(self) -> None:
        """All settings are their files' again, whatever a killed run had set. Raises GatewayFailed."""
        self._require(self._all("RELOAD", list(self._services)), "RELOAD")
        self._retry = {name: _setting(rows) for name, rows in self._show("config").items()}

    def _all(self, command: LiteralString, names: Sequence[str]) -> dict[str, Answer]:
        asked = {}
        for name in names:
            composed = sql.SQL(command).format(retry=sql.Literal(self._retry[name])).as_bytes()
            statement = self._named("RESUME", name) if command == "RESUME" else composed
            asked[name] = (self._consoles[name].session, statement)
        return at_once(asked, COMMAND_SECONDS)

    def _entries(self) -> dict[str, Row]:
        return {name: self._entry(name, rows) for name, rows in self._show("databases").items()}

    def _entry(self, name: str, rows: Sequence[Row]) -> Row:
        database = self._services[name].endpoint.database
        entry = next((row for row in rows if row["name"] == database), None)
        if entry is None:
            raise GatewayFailed(f"the gateway of {name} serves no database {database}; run `pulumi up`")
        return entry

    def _show(self, what: str) -> Mapping[str, list[Row]]:
        statement = sql.SQL("SHOW {}").format(sql.Identifier(what)).as_bytes()
        asked = {name: (console.session, statement) for name, console in self._consoles.items()}
        answers = at_once(asked, COMMAND_SECONDS)
        self._require(answers, f"SHOW {what}")
        return {name: answer.rows for name, answer in answers.items()}

    def _busy(self, name: str) -> str:
        """Who is in a transaction there, for messages."""
        try:
            rows = self._consoles[name].show("clients")
        except MigrationError as error:
            return str(error)
        database = self._services[name].endpoint.database
        busy = [
            f"{row.get('application_name') or 'a client'} at {row['addr']}:{row['port']}"
            for row in rows
            if row["database"] == database and row["state"] == "active" and row["link"]
        ]
        return f"{len(busy)} in a transaction, {', '.join(busy[:3])}" if busy else "no client is to blame"

    def _open(self, service: Service) -> None:
        label = f"the gateway of {service.name}"
        self._consoles[service.name] = self._stack.enter_context(Console(service.gateway_control, label))

    def _reopen(self, name: str) -> None:
        self._consoles[name].session.close()
        self._open(self._services[name])

    def _named(self, command: LiteralString, name: str) -> bytes:
        database = sql.Identifier(self._services[name].endpoint.database)
        return (sql.SQL(command) + sql.SQL(" ") + database).as_bytes()

    @staticmethod
    def _require(answers: Mapping[str, Answer], command: str) -> None:
        wrong = {name: answer.error for name, answer in answers.items() if answer.error}
        for name, said in wrong.items():
            raise GatewayFailed(f"the gateway of {name} did not do {command}: {said}; check that it runs")


def _setting(rows: Sequence[Row]) -> str:
    return next(row["value"] for row in rows if row["key"] == "server_login_retry")
