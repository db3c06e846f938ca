"""Many gateways paused and resumed at the same time, each on its console, or on those of all its pods."""

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
from core.gateway import logins, pods
from core.gateway.console import Console
from core.sessions.at_once import Answer, Asked, Row, at_once
from core.sessions.session import Connection

COMMAND_SECONDS = 2.0
"""What a console answers in at most, PAUSE aside: it does nothing else meanwhile."""
RESUME_ATTEMPTS = 3

End = tuple[str, str]
"""A service and one of its gateway's pods; the pod's name is empty where the gateway is on this machine."""


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
            self._retry = {end: _setting(rows) for end, rows in self._show("config").items()}
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
        """Whether each one's clients wait now, at one pod at least. Raises GatewayFailed."""
        waiting = {name for (name, _), row in self._entries().items() if row["paused"] != "0"}
        return {name: name in waiting for name in self._services}

    def questions(self) -> dict[End, Asked]:
        """What is asked of each console to know whether its clients wait, for who asks others meanwhile."""
        statement = sql.SQL("SHOW {}").format(sql.Identifier("databases")).as_bytes()
        return {end: (session, statement) for end, session in self._ends().items()}

    def gone_on(self, answers: Mapping[End, Answer]) -> list[str]:
        """Those whose clients do not all wait, from the answers to `questions`. Raises GatewayFailed."""
        self._require(answers, "SHOW databases")
        found = [end for end, answer in answers.items() if self._entry(end, answer.rows)["paused"] == "0"]
        return list(dict.fromkeys(name for name, _ in found))

    def others(self) -> list[str]:
        """Those that have other pods by now than those with a session here. Raises GatewayFailed."""
        return [
            name
            for name, service in self._services.items()
            if self._consoles[name].names != pods.places(service.gateway_control, _label(name)).keys()
        ]

    def routes(self) -> dict[str, Route]:
        """Where each one leads. Raises GatewayFailed, also where its pods lead to several places."""
        found: dict[str, Route] = {}
        for (name, _), row in self._entries().items():
            route = Route(row["host"], int(row["port"]), row["database"])
            if found.setdefault(name, route) != route:
                raise GatewayFailed(
                    f"the pods of {_label(name)} lead to several places: a switch was cut off; run `python -m"
                    f" migration resume {name}`"
                )
        return found

    def pause(self, seconds: float) -> dict[str, float]:
        """Let all running transactions end and all others wait; returns the milliseconds each took.

        Raises StepTimeout, which names the clients of those that did not manage it in `seconds`, and
        GatewayFailed. Some are paused then: the caller calls `resume`, whatever happens.
        """
        logins.wait_for_none(self._logins)
        answers = at_once(
            {end: (session, self._named("PAUSE", end[0])) for end, session in self._ends().items()},
            seconds,
        )
        late = list(dict.fromkeys(name for (name, _), answer in answers.items() if answer.late))
        if late:
            for name in late:
                self._reopen(name)
            said = "; ".join(f"{name}: {self._busy(name)}" for name in late)
            raise StepTimeout(f"not all gateways could pause within {seconds:g} s ({said})")
        self._require(answers, "PAUSE")
        waited: dict[str, float] = {}
        for (name, _), answer in answers.items():
            waited[name] = max(waited.get(name, 0.0), round(answer.seconds * 1000, 1))
        return waited

    def _logins(self) -> int:
        return sum(
            logins.under_way(rows, self._services[name].endpoint.database)
            for (name, _), rows in self._show("pools").items()
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
                for (name, _), answer in answers.items()
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
        self._retry = {end: _setting(rows) for end, rows in self._show("config").items()}

    def _all(self, command: LiteralString, names: Sequence[str]) -> dict[End, Answer]:
        asked = {}
        for end, session in self._ends().items():
            if end[0] not in names:
                continue
            # A pod that came later has what its files say, as all of them do.
            retry = self._retry.get(end) or next(iter(self._retry.values()))
            composed = sql.SQL(command).format(retry=sql.Literal(retry)).as_bytes()
            asked[end] = (session, self._named("RESUME", end[0]) if command == "RESUME" else composed)
        return at_once(asked, COMMAND_SECONDS)

    def _ends(self) -> dict[End, Connection]:
        return {
            (name, pod): session
            for name, console in self._consoles.items()
            for pod, session in console.sessions.items()
        }

    def _entries(self) -> dict[End, Row]:
        return {end: self._entry(end, rows) for end, rows in self._show("databases").items()}

    def _entry(self, end: End, rows: Sequence[Row]) -> Row:
        name, _ = end
        database = self._services[name].endpoint.database
        entry = next((row for row in rows if row["name"] == database), None)
        if entry is None:
            raise GatewayFailed(f"the gateway of {name} serves no database {database}; run `pulumi up`")
        return entry

    def _show(self, what: str) -> Mapping[End, list[Row]]:
        statement = sql.SQL("SHOW {}").format(sql.Identifier(what)).as_bytes()
        answers = at_once(
            {end: (session, statement) for end, session in self._ends().items()}, COMMAND_SECONDS
        )
        self._require(answers, f"SHOW {what}")
        return {end: answer.rows for end, answer in answers.items()}

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
        console = Console(service.gateway_control, _label(service.name))
        self._consoles[service.name] = self._stack.enter_context(console)

    def _reopen(self, name: str) -> None:
        for session in self._consoles[name].sessions.values():
            session.close()
        self._open(self._services[name])

    def _named(self, command: LiteralString, name: str) -> bytes:
        database = sql.Identifier(self._services[name].endpoint.database)
        return (sql.SQL(command) + sql.SQL(" ") + database).as_bytes()

    @staticmethod
    def _require(answers: Mapping[End, Answer], command: str) -> None:
        wrong = {end: answer.error for end, answer in answers.items() if answer.error}
        for (name, pod), said in wrong.items():
            which = f"{_label(name)}{f' ({pod})' if pod else ''}"
            raise GatewayFailed(f"{which} did not do {command}: {said}; check that it runs")


def _label(name: str) -> str:
    return f"the gateway of {name}"


def _setting(rows: Sequence[Row]) -> str:
    return next(row["value"] for row in rows if row["key"] == "server_login_retry")
