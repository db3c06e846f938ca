"""A service as its database sees it: a connection pool at its endpoint, and transactions that are retried.

Sessions are used the way a transaction pooler allows: nothing is prepared on the server, nothing is
left in a session between transactions. Every statement's latency and outcome goes to the log.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from components.contract import Endpoint, Login
from demo.connecting import conninfo
from demo.workload.statement_log import CONNECTION, OK, RETRIED, Statement, StatementLog

T = TypeVar("T")
Row = tuple[Any, ...]

RETRIES = 200
"""Of one transaction after serialization failures and deadlocks."""
CONNECT_SECONDS = 10.0
"""A session is waited for this long, then its transaction has failed."""


class StatementFailed(Exception):
    """A statement ended badly and was logged so; whether its transaction was committed is not known."""


class Session:
    """One service's session, inside one transaction or about to run a single statement."""

    def __init__(self, service: str, connection: psycopg.Connection[Row], log: StatementLog) -> None:
        self._service = service
        self._connection = connection
        self._log = log

    def execute(self, name: str, query: LiteralString, values: Sequence[object] = ()) -> list[Row]:
        """Run one statement and return its rows (none if it returns no rows); `name` is for the log."""
        return self._timed(name, lambda: self._rows(self._connection.execute(query, values or None)))

    def count(self, name: str, query: LiteralString, values: Sequence[object] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        return self._timed(name, lambda: self._connection.execute(query, values or None).rowcount)

    @staticmethod
    def _rows(cursor: psycopg.Cursor[Row]) -> list[Row]:
        return cursor.fetchall() if cursor.description is not None else []

    def _timed(self, name: str, run: Callable[[], T]) -> T:
        at, started = time.time(), time.perf_counter()
        outcome, message = OK, ""
        try:
            return run()
        except psycopg.Error as error:
            outcome, message = error.sqlstate or CONNECTION, str(error).partition("\n")[0]
            raise
        finally:
            took = (time.perf_counter() - started) * 1000
            self._log.record(Statement(at, self._service, name, took, outcome), message)


class ServiceClient:
    """One service's pool."""

    def __init__(self, service: str, endpoint: Endpoint, login: Login, size: int, log: StatementLog) -> None:
        self.service = service
        self._log = log
        self._stopping = threading.Event()
        self._pool: ConnectionPool[psycopg.Connection[Row]] = ConnectionPool(
            conninfo(endpoint, login, application=f"waqiti-{service}"),
            kwargs={"autocommit": True, "prepare_threshold": None},
            min_size=1,
            max_size=size,
            timeout=CONNECT_SECONDS,
            reconnect_timeout=CONNECT_SECONDS,
            name=service,
            open=True,
        )

    def single(self, name: str, query: LiteralString, values: Sequence[object] = ()) -> list[Row]:
        """One statement, a transaction of its own. Raises StatementFailed."""
        return self._retried(lambda session: session.execute(name, query, values))

    def transaction(self, work: Callable[[Session], T]) -> T:
        """Run `work` between BEGIN and COMMIT; again from the start where a service would try again.

        Raises StatementFailed; then the transaction may have been committed or not.
        """

        def once(session: Session) -> T:
            session.execute("begin", "BEGIN")
            result = work(session)
            session.execute("commit", "COMMIT")
            return result

        return self._retried(once)

    def close(self) -> None:
        """Close the pool; sessions in use end with their transaction."""
        self._stopping.set()
        self._pool.close(timeout=5)

    def _retried(self, once: Callable[[Session], T]) -> T:
        for attempt in range(RETRIES):
            at, started = time.time(), time.perf_counter()
            try:
                with self._pool.connection() as connection:
                    session = Session(self.service, connection, self._log)
                    try:
                        return once(session)
                    finally:
                        _leave_transaction(connection)
            except (PoolTimeout, PoolClosed) as error:
                took = (time.perf_counter() - started) * 1000
                self._log.record(Statement(at, self.service, "connect", took, CONNECTION), str(error))
                raise StatementFailed(f"{self.service}: no session within {CONNECT_SECONDS:.0f} s") from None
            except psycopg.Error as error:
                if error.sqlstate not in RETRIED:
                    raise StatementFailed(f"{self.service}: {str(error).partition(chr(10))[0]}") from error
                time.sleep(random.uniform(0, min(0.05, 0.002 * 2 ** min(attempt, 5))))
        raise StatementFailed(f"{self.service}: given up after {RETRIES} serialization failures or deadlocks")


def _leave_transaction(connection: psycopg.Connection[Row]) -> None:
    """End a transaction that a failed statement left open, so that the session can serve again."""
    if connection.info.transaction_status in (
        psycopg.pq.TransactionStatus.INTRANS,
        psycopg.pq.TransactionStatus.INERROR,
    ):
        try:
            connection.rollback()
        except psycopg.Error:
            connection.close()  # the pool replaces it; the statement's own error is the one to see
