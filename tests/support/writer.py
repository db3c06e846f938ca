"""A client that writes through a service's endpoint all the time, and remembers what was acknowledged."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import LiteralString, Self

import psycopg

from core.sessions.connections import Database


class Writer:
    """Inserts users, one a transaction, some tens a second; connects again whenever its session is lost.

    Another `statement` takes one parameter, a text that no other write has.
    """

    def __init__(
        self, endpoint: Database, statement: LiteralString = "INSERT INTO users (email) VALUES (%s)"
    ) -> None:
        self._endpoint = endpoint
        self._statement = statement
        self._stop = threading.Event()
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._number = 0
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        self.acknowledged: list[str] = []
        self.failed: list[str] = []
        """What failed statements were told, in words."""
        self.longest = 0.0
        """Seconds that the slowest write took since somebody set this to 0, failed or not."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(30)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Nothing is written meanwhile."""
        with self._turn:
            yield

    def wait_for_more(self, count: int = 2, seconds: float = 30.0) -> None:
        """Wait until so many more writes were acknowledged: the service is served."""
        wanted = len(self.acknowledged) + count
        deadline = time.monotonic() + seconds
        while len(self.acknowledged) < wanted:
            if time.monotonic() > deadline:
                raise AssertionError(f"no write succeeded in {seconds:g} s; the last said {self.failed[-1:]}")
            time.sleep(0.02)

    def assert_each_write_is_there_once(self) -> None:
        """What was acknowledged by now is in the service's database, wherever its endpoint leads."""
        known = list(self.acknowledged)
        with self._endpoint.connect() as connection:
            rows = connection.execute(
                "SELECT email, count(*) FROM users WHERE email = ANY(%s) GROUP BY 1", (known,)
            ).fetchall()
        assert len(rows) == len(known), "an acknowledged write is gone"
        assert all(count == 1 for _, count in rows), "a write is there twice"

    def _work(self) -> None:
        while not self._stop.is_set():
            self._number += 1
            name = f"writer-{id(self)}-{self._number}@example.org"
            begun = time.monotonic()
            try:
                with self._turn:
                    self._write(self._session(), name)
            except psycopg.Error as error:
                self.longest = max(self.longest, time.monotonic() - begun)
                self.failed.append(str(error))
                self._drop()
                self._stop.wait(0.1)
            else:
                self.longest = max(self.longest, time.monotonic() - begun)
                self.acknowledged.append(name)
                self._stop.wait(0.02)
        self._drop()

    def _write(self, connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
        connection.execute(self._statement, (name,))

    def _session(self) -> psycopg.Connection[tuple[object, ...]]:
        if self._connection is None or self._connection.closed:
            # Not a session of the migration's: those it ends by name, and cuts where they wait too long.
            self._connection = psycopg.connect(
                self._endpoint.conninfo(),
                application_name="an application",
                autocommit=True,
                prepare_threshold=None,
                connect_timeout=30,
            )
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
