"""One worker of the pool: its sessions, and the two ways to copy a piece.

Small tables go through this process, over sessions that stay open, because starting two clients costs
more than the rows do; all others go from client to client (`migration.copy.pair`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from threading import Event, Lock
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.copy import statements
from migration.copy.failure import client_error
from migration.copy.pair import Client, ClientFailed, Halted, transfer
from migration.copy.task import CopySizes, CopyTask, Piece
from migration.copy.throttle import Throttle

query = queries(__package__)

APPLICATION_NAME = "waqiti-copy"
"""Of all sessions of a copy; clients have a number behind it."""

_SAMPLE_SECONDS = 0.25
_SHORTEST_REST_SECONDS = 0.01
_BLOCK_BYTES = 128 * 1024
_COPIED = re.compile(r"^COPY (\d+)$", re.MULTILINE)

Advance = Callable[[int, int], None]
"""Called with more bytes (of the table on the source) and more rows."""


@dataclass(frozen=True)
class Shared:
    """What all workers of a pool share."""

    source: Database
    snapshot: str
    psql: str
    environments: Mapping[Database, Mapping[str, str]]
    halt: Event
    sizes: CopySizes
    throttle: Throttle


class Worker:
    """Copies one piece at a time. Leaving its context closes its sessions."""

    def __init__(self, shared: Shared, number: int) -> None:
        self._shared = shared
        self._number = number
        self._targets: dict[Database, Connection] = {}
        self._replica: dict[Database, bool] = {}
        self._reader: Connection | None = None
        self._sessions = ExitStack()
        self._guard = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            self._targets.clear()
            self._reader = None
        self._sessions.close()

    def cancel(self) -> None:
        """Stop what its sessions are waiting for; called from another thread."""
        with self._guard:
            open_sessions = [*self._targets.values(), *([self._reader] if self._reader else [])]
            for session in open_sessions:
                if not session.closed:
                    _cancel(session)

    def empty(self, task: CopyTask) -> None:
        """Truncate a table that will be copied in ranges."""
        doing = f"emptying {task.name}"
        session = self._target(task, doing)
        with task.target.translated(doing):
            session.execute(statements.truncate(task.table))

    def copy(self, piece: Piece, advance: Advance) -> int:
        """Copy and commit one piece; return its rows.

        Raises MigrationError naming the side and the table, or Halted.
        """
        if piece.whole and piece.task.table.bytes <= self._shared.sizes.in_process:
            return self.copy_together([piece])[0]
        return self._from_client_to_client(piece, advance)

    def copy_together(self, pieces: Sequence[Piece]) -> list[int]:
        """Copy small tables of one target in one transaction; return the rows of each.

        Raises as `copy`; nothing of it is there then.
        """
        task = pieces[0].task
        doing = f"copying {task.name}"
        source = self._source(doing)
        target = self._target(task, doing)
        with task.target.translated(doing):
            target.execute(statements.begin_empty(*(piece.task.table for piece in pieces)))
        rows = [self._through_here(source, target, piece) for piece in pieces]
        with task.target.translated(doing):
            target.execute(statements.COMMIT)
        return rows

    def _through_here(self, source: Connection, target: Connection, piece: Piece) -> int:
        doing = f"copying {piece.task.name}"
        with piece.task.target.translated(doing), target.cursor() as writer:
            with writer.copy(statements.copy_in(piece)) as incoming:
                for block in self._blocks(source, piece, doing):
                    incoming.write(block)
            return writer.rowcount

    def _blocks(self, source: Connection, piece: Piece, doing: str) -> Iterator[bytes]:
        block = bytearray()
        with (
            self._shared.source.translated(doing),
            source.cursor() as reader,
            reader.copy(statements.copy_out(piece)) as outgoing,
        ):
            for row in outgoing:
                block += row
                if len(block) >= _BLOCK_BYTES:
                    self._shared.halt.wait(self._shared.throttle.rest(len(block)))
                    self._stop_if_halted()
                    yield bytes(block)
                    block.clear()
        yield bytes(block)

    def _from_client_to_client(self, piece: Piece, advance: Advance) -> int:
        task = piece.task
        doing = f"copying {task.name}"
        target = self._target(task, doing)
        name = f"{APPLICATION_NAME}-{self._number}"
        reading = [
            statements.source_settings(self._source(doing).info.server_version),
            statements.import_snapshot(self._shared.snapshot),
            statements.copy_out(piece),
        ]
        loading: list[sql.Composable] = [
            statements.target_settings(
                target.info.server_version, task.search_path, replica=self._replica[task.target]
            ),
            statements.BEGIN,
            *([statements.truncate(task.table)] if piece.whole else []),
            statements.copy_in(piece),
            statements.COMMIT,
        ]
        meter = _Meter(piece, advance, self._shared.throttle)
        watch = _Watch(target, task.target, name, doing, meter)
        try:
            said = transfer(
                self._client(self._shared.source, name, reading),
                self._client(task.target, name, loading),
                self._shared.halt,
                watch.look,
            )
        except ClientFailed as failure:
            side = self._shared.source if failure.of_source else task.target
            raise client_error(side, failure.said, doing) from failure
        if not meter.looked_at:
            self._rest(piece.bytes)
        counted = _COPIED.findall(said)
        return int(counted[-1])

    def _rest(self, moved: int) -> None:
        """For a piece that was done before anyone looked: many such would otherwise never be held back."""
        while (seconds := self._shared.throttle.rest(moved)) > _SHORTEST_REST_SECONDS:
            if self._shared.halt.wait(seconds):
                raise Halted
            moved = 0

    def _client(self, database: Database, name: str, script: Sequence[sql.Composable]) -> Client:
        quiet = database == self._shared.source
        return Client(self._shared.psql, self._shared.environments[database], name, script, quiet)

    def _source(self, doing: str) -> Connection:
        if self._reader is None:
            session = self._open(self._shared.source)
            with self._shared.source.translated(doing):
                session.execute(statements.source_settings(session.info.server_version))
                session.execute(statements.import_snapshot(self._shared.snapshot))
            with self._guard:
                self._reader = session
        return self._reader

    def _target(self, task: CopyTask, doing: str) -> Connection:
        target = task.target
        known = self._targets.get(target)
        if known is not None:
            return known
        session = self._open(target)
        with target.translated(doing):
            row = session.execute(query("may_act_as_replica")).fetchone()
            replica = self._replica[target] = bool(row and row[0])
            session.execute(
                statements.target_settings(session.info.server_version, task.search_path, replica=replica)
            )
        with self._guard:
            self._targets[target] = session
        return session

    def _open(self, database: Database) -> Connection:
        self._stop_if_halted()
        session = database.connect(application_name=APPLICATION_NAME)
        self._sessions.callback(session.close)
        return session

    def _stop_if_halted(self) -> None:
        if self._shared.halt.is_set():
            raise Halted


def _cancel(session: Connection) -> None:
    """A server that does not answer is not waited for; its session is given up by `liveness`."""
    with suppress(psycopg.Error):
        session.cancel_safe(timeout=2.0)


class _Meter:
    """Turns what the target's COPY has counted so far into more bytes of the table on the source.

    Bytes of a stream and bytes of a heap differ (compression, alignment), so the share of the expected
    rows is what says how far it is; without an estimate of rows, the stream's bytes do.
    """

    def __init__(self, piece: Piece, advance: Advance, throttle: Throttle) -> None:
        table = piece.task.table
        self._limit = piece.bytes
        self._expected_rows = max(table.estimated_rows, 0) * piece.bytes / max(table.bytes, 1)
        self._advance = advance
        self._throttle = throttle
        self._bytes = self._rows = self._stream_bytes = 0

    @property
    def looked_at(self) -> bool:
        """Whether any of the stream was seen."""
        return self._stream_bytes > 0

    def reached(self, stream_bytes: int, rows: int) -> float:
        """The COPY has taken so many bytes and rows altogether; returns how long it shall rest."""
        estimate = self._limit * rows / self._expected_rows if self._expected_rows else float(stream_bytes)
        done = max(min(int(estimate), self._limit), self._bytes)
        self._advance(done - self._bytes, max(rows - self._rows, 0))
        moved = max(stream_bytes - self._stream_bytes, 0)
        self._bytes, self._rows, self._stream_bytes = done, max(rows, self._rows), stream_bytes
        return self._throttle.rest(moved)


class _Watch:
    """Reads pg_stat_progress_copy on the target now and then, over the worker's own session."""

    def __init__(
        self, session: Connection, target: Database, client_name: str, doing: str, meter: _Meter
    ) -> None:
        self._session, self._target, self._doing = session, target, doing
        self._client_name = client_name
        self._meter = meter
        self._next = time.monotonic() + _SAMPLE_SECONDS

    def look(self) -> float:
        """Report how far the COPY is, unless that was done a moment ago; returns how long it shall rest."""
        if time.monotonic() < self._next:
            return 0.0
        self._next = time.monotonic() + _SAMPLE_SECONDS
        with self._target.translated(self._doing):
            row = self._session.execute(query("progress"), {"application_name": self._client_name}).fetchone()
        return 0.0 if row is None else self._meter.reached(int(row[0]), int(row[1]))
