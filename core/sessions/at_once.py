"""One statement in many sessions at the same time, of servers and of gateways' consoles alike.

All are sent before the first answer is waited for, so that it takes as long as the slowest. Text only,
in the simple protocol, which is all that PgBouncer's console knows.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import psycopg
from psycopg import pq

from core.sessions.session import Connection

Key = TypeVar("Key")
Asked = tuple[Connection, bytes]
"""A session, and the statement (or several, divided by semicolons) that it is to run."""
Row = Mapping[str, str]

LATE = "no answer in time"


@dataclass
class Answer:
    """What one session said. A session that was `late` or `lost` is of no more use."""

    rows: list[Row] = field(default_factory=list)
    error: str | None = None
    """The first line of what went wrong; None: all is well."""
    sqlstate: str | None = None
    late: bool = False
    lost: bool = False
    seconds: float = 0.0
    """From the sending until it was whole."""


def at_once(asked: Mapping[Key, Asked], seconds: float) -> dict[Key, Answer]:
    """Send each session its statement and gather all answers.

    Returns after `seconds` at the latest: who has not answered by then is `late`. Raises nothing of the
    servers: what went wrong is in each answer.
    """
    begun = time.monotonic()
    answers = {key: Answer() for key in asked}
    with selectors.DefaultSelector() as waiting:
        for key, (session, statement) in asked.items():
            try:
                session.pgconn.send_query(statement)
                session.pgconn.flush()
                waiting.register(session.pgconn.socket, selectors.EVENT_READ, (key, session.pgconn))
            except psycopg.Error as error:
                _lose(answers[key], error)
        while waiting.get_map() and (left := begun + seconds - time.monotonic()) > 0:
            for found, _ in waiting.select(left):
                key, session_now = found.data
                if _gather(session_now, answers[key]):
                    answers[key].seconds = time.monotonic() - begun
                    waiting.unregister(found.fileobj)
        for found in list(waiting.get_map().values()):
            late = answers[found.data[0]]
            late.late, late.error, late.seconds = True, LATE, seconds
    return answers


def _gather(session: pq.abc.PGconn, answer: Answer) -> bool:
    """Take what has arrived; returns whether that was all."""
    try:
        session.consume_input()
        while not session.is_busy():
            result = session.get_result()
            if result is None:
                return True
            if result.status == pq.ExecStatus.FATAL_ERROR:
                said = result.error_message.decode(errors="replace").strip().splitlines()
                answer.error = said[0] if said else "an error without words"
                state = result.error_field(pq.DiagnosticField.SQLSTATE)
                answer.sqlstate = state.decode() if state else None
            else:
                answer.rows += _rows(result)
    except psycopg.Error as error:
        _lose(answer, error)
        return True
    return False


def _lose(answer: Answer, error: psycopg.Error) -> None:
    said = str(error).strip().splitlines()
    answer.lost, answer.error = True, said[0] if said else type(error).__name__


def _rows(result: pq.abc.PGresult) -> list[Row]:
    names = [(result.fname(i) or b"").decode() for i in range(result.nfields)]
    return [
        {name: (result.get_value(row, i) or b"").decode() for i, name in enumerate(names)}
        for row in range(result.ntuples)
    ]
