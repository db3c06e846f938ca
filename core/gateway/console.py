"""PgBouncer's admin console: commands with a time-out, answers as rows.

A gateway of several pods has as many; what is asked of it is asked of all of them at the same time. Commands
and columns: https://www.pgbouncer.org/usage.html#admin-console.
"""

from __future__ import annotations

import select
import time
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import pq, sql

from components.contract import LocalGatewayControl
from core.errors import GatewayFailed, StepTimeout
from core.gateway import pods
from core.sessions.session import Connection

CONNECT_TIMEOUT_SECONDS = 3

Row = Mapping[str, str]


class Console:
    """A session with the console over the unix socket, or one with each pod's. Use as a context manager."""

    def __init__(self, control: LocalGatewayControl, label: str) -> None:
        """Connect. `label` names the gateway in messages. Raises GatewayFailed."""
        self.label = label
        self._sessions: dict[str, Connection] = {}
        try:
            for name, place in pods.places(control, label).items():
                self._sessions[name] = _connected(control, place, f"{label}{f' ({name})' if name else ''}")
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    @property
    def names(self) -> frozenset[str]:
        """The pods that it has a session with; one empty name where the gateway is on this machine."""
        return frozenset(self._sessions)

    @property
    def sessions(self) -> Mapping[str, Connection]:
        """The sessions themselves by pod, for what is asked of several gateways at once."""
        return dict(self._sessions)

    def show(self, what: str, timeout: float = 5.0) -> list[Row]:
        """`SHOW what`, one mapping a row, values as text. Raises GatewayFailed, StepTimeout."""
        return self.command(sql.SQL("SHOW {}").format(sql.Identifier(what)), timeout)

    def command(
        self, statement: sql.Composable, timeout: float = 5.0, only: Collection[str] | None = None
    ) -> list[Row]:
        """Send one command and wait at most `timeout` seconds for all of its answer.

        Of several pods each row says which it is of, as `pod`; `only` names those that are asked. The console
        knows only the simple protocol, and PAUSE answers when it is done, which may be never: after
        StepTimeout the session is of no more use, and what was asked is still under way.

        Raises GatewayFailed when PgBouncer refuses or goes away, StepTimeout.
        """
        asked = {name: one for name, one in self._sessions.items() if only is None or name in only}
        deadline = time.monotonic() + timeout
        rows: list[Row] = []
        failed: list[GatewayFailed | StepTimeout] = []
        texts = {name: statement.as_string(one) for name, one in asked.items()}
        for name, one in asked.items():
            try:
                self._send(one, texts[name])
            except GatewayFailed as error:
                failed.append(error)
        for name, one in asked.items() if not failed else ():
            try:
                answer = self._answer(one.pgconn, texts[name], deadline)
            except (GatewayFailed, StepTimeout) as error:
                failed.append(error)
            else:
                rows += [{**row, "pod": name} for row in answer] if name else answer
        if failed:
            raise failed[0]
        return rows

    def _send(self, session: Connection, text: str) -> None:
        try:
            session.pgconn.send_query(text.encode())
        except psycopg.OperationalError as error:
            raise self._gone(text, error) from None

    def _answer(self, session: pq.abc.PGconn, text: str, deadline: float) -> list[Row]:
        rows: list[Row] = []
        try:
            while (result := self._next_result(session, text, deadline)) is not None:
                if result.status == pq.ExecStatus.FATAL_ERROR:
                    said = result.error_message.decode(errors="replace").strip().splitlines()[0]
                    raise GatewayFailed(f"{self.label} refused {text}: {said}")
                rows += _rows(result)
        except psycopg.OperationalError as error:
            raise self._gone(text, error) from None
        return rows

    def _gone(self, text: str, error: Exception) -> GatewayFailed:
        said = str(error).strip().splitlines()[0]
        return GatewayFailed(f"{self.label} went away during {text}: {said}; check that it runs")

    def _close(self) -> None:
        for session in self._sessions.values():
            session.close()

    def _next_result(self, session: pq.abc.PGconn, text: str, deadline: float) -> pq.abc.PGresult | None:
        session.flush()
        while session.is_busy():
            readable, _, _ = select.select([session.socket], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                raise StepTimeout(f"{self.label} did not finish {text} in time")
            session.consume_input()
        return session.get_result()


def _connected(control: LocalGatewayControl, place: Mapping[str, Any], label: str) -> Connection:
    try:
        return psycopg.connect(
            **place,
            dbname="pgbouncer",
            user=control.administrator.name,
            password=control.administrator.password.get_secret_value(),
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            autocommit=True,
        )
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[0].removeprefix("connection failed: ")
        raise GatewayFailed(
            f"{label} does not answer its console: {said}; start it with `pulumi up`"
        ) from None


def _rows(result: pq.abc.PGresult) -> list[Row]:
    names = [(result.fname(i) or b"").decode() for i in range(result.nfields)]
    return [
        {name: (result.get_value(row, i) or b"").decode() for i, name in enumerate(names)}
        for row in range(result.ntuples)
    ]
