"""One operator at a time: an advisory lock in the shared database, held by the journal's session."""

from __future__ import annotations

import getpass
import os
import socket
import time

from core.errors import AnotherOperator
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection

query = queries(__package__)

_KEY = int.from_bytes(b"waqt")
_NUMBER = 1
_PATIENCE_SECONDS = 2.0
"""How long a server may take to notice that a killed operator's session is gone."""


def operator_name() -> str:
    """Who runs this: `name@host pid 123`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()} pid {os.getpid()}"


def session_name() -> str:
    """The application name of the session that holds the lock; servers keep 63 bytes of it."""
    return f"waqiti-migration operator {operator_name()}"


def take_operator_lock(connection: Connection, database: Database) -> None:
    """Hold the lock until the session ends. Raises AnotherOperator, which names the holder."""
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while not _try(connection):
        if time.monotonic() > give_up:
            raise AnotherOperator(
                f"another run is at work on {database.where}: {_holder(connection)}; wait for it or end it"
            )
        time.sleep(0.1)


def _try(connection: Connection) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (_KEY, _NUMBER)).fetchone()
    return row is not None and row[0]


def _holder(connection: Connection) -> str:
    row = connection.execute(query("operator"), {"key": _KEY, "number": _NUMBER}).fetchone()
    if row is None:
        return "it has just ended"
    pid, name, since, address = row
    who = name.removeprefix("waqiti-migration operator ") or "an unnamed session"
    return f"{who}, from {address} (server process {pid}), since {since:%Y-%m-%d %H:%M:%S%z}"
