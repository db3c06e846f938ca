"""Ending a gateway's server sessions between their transactions, where it pools by session.

A client of such a gateway keeps its server connection for as long as it stays, so that PAUSE would wait until
the last one leaves. What ends here is a session that is in no transaction; its client loses the connection,
as it does when a server fails over, and comes back through the gateway, where it waits for the other side.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from core.errors import MigrationError
from core.sessions.connections import Database
from core.sessions.queries import queries

query = queries(__package__)

POLL_SECONDS = 0.01
IDLE_SECONDS = 0.02
"""A session that has just ended a statement may be about to get the next one: one that has been idle for this
long goes first, any that is idle only in the second half of the time."""


@contextmanager
def ending_sessions(where: Database, pids: Callable[[], Sequence[int]], deadline: float) -> Iterator[None]:
    """While the block runs, end those sessions of `pids` on `where` that are in no transaction.

    `deadline` is of time.monotonic(). Raises what connecting raises; what fails later shows in the block,
    which then waits in vain.
    """
    over, half = threading.Event(), (time.monotonic() + deadline) / 2
    with where.connect(application_name="waqiti-migration-pause") as connection:

        def end() -> None:
            while not over.wait(POLL_SECONDS):
                idle = IDLE_SECONDS if time.monotonic() < half else 0.0
                try:
                    with where.translated("ending sessions"):
                        connection.execute(query("end_idle"), {"pids": list(pids()), "idle": idle})
                except MigrationError:
                    return

        ender = threading.Thread(target=end, name="end-sessions", daemon=True)
        ender.start()
        try:
            yield
        finally:
            over.set()
            ender.join()
