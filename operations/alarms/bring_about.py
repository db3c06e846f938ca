"""A cause for an alarm that harms nobody: two sessions of ours that wait for each other."""

from __future__ import annotations

import secrets
from contextlib import closing, suppress
from threading import Thread

import psycopg

from core.errors import NotMeasured
from core.sessions.connections import Database
from core.sessions.session import Connection

ALARM = "Deadlocks"
_SETTINGS = {"statement_timeout": "30s"}
_KEY = int.from_bytes(b"waqd")


def deadlock(database: Database) -> None:
    """Have the server end one of two transactions of ours, which hold advisory locks and nothing else.

    Raises NotMeasured where it does not, and what connecting raises.
    """
    first, second = secrets.randbelow(1 << 30), (1 << 30) + secrets.randbelow(1 << 30)
    name = "waqiti-alarm"
    with (
        closing(database.connect(autocommit=False, application_name=name, settings=_SETTINGS)) as one,
        closing(database.connect(autocommit=False, application_name=name, settings=_SETTINGS)) as other,
    ):
        ended: list[psycopg.Error] = []
        with database.translated("taking locks that nobody else takes"):
            _lock(one, first)
            _lock(other, second)

        def wait_for_the_other() -> None:
            try:
                _lock(one, second)
            except psycopg.Error as error:
                ended.append(error)
            with suppress(psycopg.Error):
                one.rollback()

        waiting = Thread(target=wait_for_the_other, name="deadlock", daemon=True)
        waiting.start()
        try:
            _lock(other, first)
        except psycopg.Error as error:
            ended.append(error)
        with suppress(psycopg.Error):
            other.rollback()
        waiting.join(35)
    if not any(isinstance(error, psycopg.errors.DeadlockDetected) for error in ended):
        said = str(ended[0]).splitlines()[0] if ended else "it ended neither transaction"
        raise NotMeasured(f"{database.label} found no deadlock where there was one: {said}")


def _lock(session: Connection, number: int) -> None:
    session.execute("SELECT pg_catalog.pg_advisory_xact_lock(%s, %s)", (_KEY, number - (1 << 30)))
