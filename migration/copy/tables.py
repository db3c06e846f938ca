"""Copying tables from one exported snapshot: one pool of workers over all services, largest first.

What a killed copy left is no obstacle: a table is emptied in the transaction that loads it, or before its
first range. So a table that has not been reported as copied is simply copied again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from core.errors import ConnectionLost, Interrupted, MigrationError, ToolMissing
from core.progress.interface import Progress
from core.sessions.connections import Database
from core.sessions.queries import queries
from migration.copy.failure import foremost
from migration.copy.pair import Halted
from migration.copy.task import CopiedTable, CopySizes, CopyTask, Piece, bundle, cut
from migration.copy.throttle import Throttle, Unthrottled
from migration.copy.turns import Turns
from migration.copy.worker import APPLICATION_NAME, Shared, Worker
from servers.binaries import postgres_bin
from servers.errors import ServerError

query = queries(__package__)

__all__ = ["CopiedTable", "CopySizes", "CopyTask", "copy_tables"]

_LOOK_SECONDS = 0.1
_CAUSE_SECONDS = 1.0
"""How long other workers may take to report the cause, when the first report is a lost connection."""


def copy_tables(
    source: Database,
    tasks: Sequence[CopyTask],
    snapshot: str,
    *,
    workers: int,
    progress: Progress,
    stop: threading.Event,
    copied: Callable[[CopiedTable], None] | None = None,
    sizes: CopySizes | None = None,
    throttle: Throttle | None = None,
    turns: Turns | None = None,
) -> list[CopiedTable]:
    """Copy tables of one or several services, each to its own target, and return them in the order done.

    `snapshot` is an exported snapshot of `source` (pg_export_snapshot, or a slot's) whose exporting
    transaction stays open until this returns. Parents of partitions and foreign tables hold no rows and
    are left out. The targets' tables exist, without foreign keys; rows they hold are removed. `copied` is
    called for each table right after its commit, from a worker's thread; what it raises ends the copy.
    `throttle` holds it back (`migration.copy.throttle`). `turns` are shared with other work on the targets.

    Raises Interrupted within a second after `stop` is set; DiskFull, ConnectionLost, CopyFailed, ... for
    the failure that ended it, naming side and table; ToolMissing without a psql. Whatever is raised, all
    clients have ended.
    """
    sizes = sizes or CopySizes()
    held = [task for task in tasks if task.table.holds_rows]
    targets = list(dict.fromkeys(task.target for task in held))
    progress.phase("copy", sum(task.table.bytes for task in held), "bytes")
    with ExitStack() as stack:
        environments = {
            database: stack.enter_context(database.client_environment()) for database in (source, *targets)
        }
        for target in targets:
            _end_orphans(target)
        shared = Shared(
            source, snapshot, _psql(), environments, threading.Event(), sizes, throttle or Unthrottled()
        )
        pieces = deque(cut(held, workers, sizes))
        pool = _Pool(shared, pieces, progress, copied, turns or Turns(max(workers, 1)))
        try:
            return pool.run(workers, stop)
        except BaseException:
            for target in targets:
                # A courtesy that frees the tables at once; the next copy does it in any case.
                with suppress(MigrationError):
                    _end_orphans(target)
            raise


def _psql() -> str:
    try:
        return str(postgres_bin() / "psql")
    except ServerError as error:
        raise ToolMissing(str(error)) from error


def _end_orphans(target: Database) -> None:
    """End sessions of copies that have ended: a server works off what it has received before it notices
    that its client is gone, and a killed run's might still commit."""
    with target.connect(application_name="waqiti-migration") as session, target.translated("starting a copy"):
        session.execute(query("end_orphans"), {"application_name": APPLICATION_NAME})


@dataclass
class _State:
    """A table that is being copied."""

    pieces: int
    started: float | None = None
    rows: int = 0
    emptied: threading.Event = field(default_factory=threading.Event)


class _Pool:
    """Hands pieces to workers and adds up what they did."""

    def __init__(
        self,
        shared: Shared,
        pieces: deque[Piece],
        progress: Progress,
        copied: Callable[[CopiedTable], None] | None,
        turns: Turns,
    ) -> None:
        self._turns = turns
        self._workers = 1
        self._shared = shared
        self._pieces = pieces
        self._progress = progress
        self._copied = copied
        self._lock = threading.Lock()
        self._states: dict[CopyTask, _State] = {}
        self._done: list[CopiedTable] = []
        for piece in pieces:
            self._states.setdefault(piece.task, _State(pieces=0)).pieces += 1

    def run(self, workers: int, stop: threading.Event) -> list[CopiedTable]:
        count = self._workers = max(1, min(workers, len(self._pieces)))
        crew = [Worker(self._shared, number) for number in range(count)]
        with ThreadPoolExecutor(count, thread_name_prefix="copy") as executor:
            futures = [executor.submit(self._work, worker) for worker in crew]
            try:
                failures = _watch(futures, stop)
            finally:
                # Also when this very wait is interrupted: nothing goes on behind the caller's back.
                self._shared.halt.set()
                _end(crew, futures)
        failures += [error for error in _failures(futures) if error not in failures]
        if failures:
            raise foremost(failures)
        if stop.is_set() and self._pieces_left():
            raise Interrupted("stopped while copying; nothing was switched; the same command goes on")
        return self._done

    def _pieces_left(self) -> bool:
        return any(state.pieces for state in self._states.values())

    def _work(self, worker: Worker) -> None:
        with worker:
            while pieces := self._take():
                try:
                    cost = sum(piece.bytes for piece in pieces)
                    with self._turns.one(cost, self._shared.halt.is_set) as taken:
                        if not taken:
                            return
                        together = len(pieces) > 1
                        rows = (
                            self._copy_together(worker, pieces)
                            if together
                            else [self._copy(worker, pieces[0])]
                        )
                    for piece, count in zip(pieces, rows, strict=True):
                        self._finish(piece.task, self._states[piece.task], count)
                except Halted:
                    return
                except MigrationError:
                    # What a cancelled session says is not what went wrong.
                    if self._shared.halt.is_set():
                        return
                    raise

    def _take(self) -> list[Piece]:
        """What one worker does next: a piece, or some small tables; nothing at the end."""
        with self._lock:
            if self._shared.halt.is_set() or not self._pieces:
                return []
            number = bundle(self._pieces, self._workers, self._shared.sizes)
            return [self._pieces.popleft() for _ in range(number)]

    def _copy_together(self, worker: Worker, pieces: list[Piece]) -> list[int]:
        """Tables that are small and copied whole: nobody else has a part of them."""
        for piece in pieces:
            with self._lock:
                self._states[piece.task].started = time.monotonic()
            self._progress.table(piece.task.name, piece.bytes)
        rows = worker.copy_together(pieces)
        for piece, count in zip(pieces, rows, strict=True):
            self._progress.advance(piece.task.name, piece.bytes, count)
        return rows

    def _copy(self, worker: Worker, piece: Piece) -> int:
        task, state = piece.task, self._states[piece.task]
        with self._lock:
            first = state.started is None
            if first:
                state.started = time.monotonic()
        if first:
            self._progress.table(task.name, task.table.bytes)
            if not piece.whole:
                worker.empty(task)
            state.emptied.set()
        while not state.emptied.wait(_LOOK_SECONDS):
            if self._shared.halt.is_set():
                raise Halted
        told = _Told(self._progress, task.name)
        rows = worker.copy(piece, told.advance)
        told.advance(piece.bytes - told.bytes, rows - told.rows)
        return rows

    def _finish(self, task: CopyTask, state: _State, rows: int) -> None:
        with self._lock:
            state.rows += rows
            state.pieces -= 1
            if state.pieces or state.started is None:
                return
            seconds = time.monotonic() - state.started
            done = CopiedTable(task.service, task.table.name, state.rows, task.table.bytes, seconds)
            self._done.append(done)
        if self._copied is not None:
            self._copied(done)
        self._progress.done(task.name, done.rows, done.bytes, done.seconds)


@dataclass
class _Told:
    """What progress has been told about a piece."""

    progress: Progress
    name: str
    bytes: int = 0
    rows: int = 0

    def advance(self, more_bytes: int, more_rows: int) -> None:
        self.bytes += more_bytes
        self.rows += more_rows
        self.progress.advance(self.name, more_bytes, more_rows)


def _watch(futures: list[Future[None]], stop: threading.Event) -> list[MigrationError]:
    """Wait until all are done, one has failed, or `stop` is set; return the failures so far."""
    waiting: set[Future[None]] = set(futures)
    deadline = float("inf")
    while waiting and not stop.is_set() and time.monotonic() < deadline:
        _, waiting = wait(waiting, _LOOK_SECONDS, FIRST_COMPLETED)
        failures = _failures(futures)
        if any(not isinstance(failure, ConnectionLost) for failure in failures):
            return failures
        if failures:
            deadline = min(deadline, time.monotonic() + _CAUSE_SECONDS)
    return _failures(futures)


def _failures(futures: list[Future[None]]) -> list[MigrationError]:
    """What has failed; an error that is no MigrationError is a defect and is raised as it is."""
    failures = []
    for future in futures:
        error = future.exception() if future.done() else None
        if isinstance(error, MigrationError):
            failures.append(error)
        elif error is not None:
            raise error
    return failures


def _end(crew: list[Worker], futures: list[Future[None]]) -> None:
    """Cancel what sessions wait for, until all workers have ended."""
    while wait(futures, _LOOK_SECONDS).not_done:
        for worker in crew:
            worker.cancel()
