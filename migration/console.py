"""PgBouncer's admin console: commands with a time-out, answers as rows.

Commands and columns: https://www.pgbouncer.org/usage.html#admin-console.
"""

from __future__ import annotations

import select
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import psycopg
from psycopg import pq, sql

from components.contract import LocalGatewayControl
from migration.errors import GatewayFailed, StepTimeout

CONNECT_TIMEOUT_SECONDS = 3

Row = Mapping[str, str]


class Console:
    """A session with the console, over the unix socket. Use as a context manager."""

    def __init__(self, control: LocalGatewayControl, label: str) -> None:
        """Connect. `label` names the gateway in messages. Raises GatewayFailed."""
        self.label = label
        try:
            self._connection = psycopg.connect(
                host=control.sockets,
                port=control.port,
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def show(self, what: str, timeout: float = 5.0) -> list[Row]:
        """`SHOW what`, one mapping a row, values as text. Raises GatewayFailed, StepTimeout."""
        return self.command(sql.SQL("SHOW {}").format(sql.Identifier(what)), timeout)

    def command(self, statement: sql.Composable, timeout: float = 5.0) -> list[Row]:
        """Send one command and wait at most `timeout` seconds for all of its answer.

        The console knows only the simple protocol, and PAUSE answers when it is done, which may be
        never: after StepTimeout the session is of no more use, and what was asked is still under way.

        Raises GatewayFailed when PgBouncer refuses or goes away, StepTimeout.
        """
        text = statement.as_string(self._connection)
        session = self._connection.pgconn
        deadline = time.monotonic() + timeout
        rows: list[Row] = []
        try:
            session.send_query(text.encode())
            while (result := self._next_result(session, text, deadline)) is not None:
                if result.status == pq.ExecStatus.FATAL_ERROR:
                    said = result.error_message.decode(errors="replace").strip().splitlines()[0]
                    raise GatewayFailed(f"{self.label} refused {text}: {said}")
                rows += _rows(result)
        except psycopg.OperationalError as error:
            said = str(error).strip().splitlines()[0]
            raise GatewayFailed(f"{self.label} went away during {text}: {said}; check that it runs") from None
        return rows

    def _next_result(self, session: pq.abc.PGconn, text: str, deadline: float) -> pq.abc.PGresult | None:
        session.flush()
        while session.is_busy():
            readable, _, _ = select.select([session.socket], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                raise StepTimeout(f"{self.label} did not finish {text} in time")
            session.consume_input()
        return session.get_result()


def _rows(result: pq.abc.PGresult) -> list[Row]:
    names = [(result.fname(i) or b"").decode() for i in range(result.nfields)]
    return [
        {name: (result.get_value(row, i) or b"").decode() for i, name in enumerate(names)}
        for row in range(result.ntuples)
    ]
