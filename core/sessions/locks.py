"""Taking locks on a live database: short waits, repeated, so that nobody queues behind us for long.

A waiting lock request lets everyone who comes later wait, too. So each attempt waits a few
milliseconds at most, gives up its place, and tries again until the deadline.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import psycopg

from core.errors import StepTimeout
from core.sessions.session import Connection

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How long an attempt waits for its locks, how long to let others go first, and when to give up."""

    wait_ms: int = 20
    pause_ms: int = 30
    seconds: float = 30.0


def patiently(connection: Connection, what: str, act: Callable[[], T], patience: Patience | None = None) -> T:
    """Run `act` in a transaction of its own until it gets its locks; returns what it returned.

    `connection` is in autocommit mode and in no transaction; `what` completes "could not ...". Deadlocks
    count as a lock not got. Raises StepTimeout when `patience.seconds` are over.
    """
    patience = patience or Patience()
    deadline = time.monotonic() + patience.seconds
    attempts = 0
    while True:
        attempts += 1
        try:
            with connection.transaction():
                set_lock_timeout(connection, patience.wait_ms)
                return act()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            if time.monotonic() >= deadline:
                raise StepTimeout(
                    f"could not {what} in {patience.seconds:g} s and {attempts} attempts: other sessions "
                    "hold locks there; end long transactions (`gates` lists them), then run it again"
                ) from error
        time.sleep(patience.pause_ms / 1000 * random.uniform(0.5, 1.5))  # noqa: S311 (only spreads attempts)


def set_lock_timeout(connection: Connection, milliseconds: int) -> None:
    """For the current transaction."""
    connection.execute("SELECT pg_catalog.set_config('lock_timeout', %s, true)", [f"{milliseconds}ms"])
