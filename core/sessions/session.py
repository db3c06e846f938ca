"""A session whose statement ends on the server too when Ctrl-C ends it here.

psycopg does so for KeyboardInterrupt; `Interrupted` is none, because command lines and test runners take that
for their own. Without it the server would go on with the statement, with its locks and its work, until it has
something to say to nobody, while what was begun is undone beside it.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from core.errors import Interrupted

Connection = psycopg.Connection[tuple[Any, ...]]
"""A session whose rows are tuples: what every function that is given one takes."""

CANCEL_SECONDS = 5.0


def kind() -> type[Connection]:
    """The class of a new session. Signals arrive in the main thread alone, so that no other thread pays for
    waiting interruptibly: in a COPY, one more call for each row costs half again as much processor time."""
    return Session if threading.current_thread() is threading.main_thread() else psycopg.Connection


class Session(Connection):
    """A psycopg connection of the main thread."""

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        """Waits for the server. Raises what psycopg raises, and Interrupted."""
        try:
            return super().wait(gen, *arguments, **options)
        except Interrupted:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self._end_statement(gen)
            raise

    def _end_statement(self, gen: Any) -> None:
        """Cancels it and waits until it has ended, or closes the session where no cancel gets through."""
        try:
            self.cancel_safe(timeout=CANCEL_SECONDS)
        except psycopg.Error:
            self.close()
            return
        with suppress(psycopg.Error):
            super().wait(gen)
