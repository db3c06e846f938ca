"""Runs what comes after the rows: indexes and keys in parallel, then the rest in its order.

Tasks of one phase run on several connections at once, the largest first. A task says which tables it locks
and how; tasks whose locks conflict are never started together, so no worker waits for another and no
deadlock can arise. A throttle holds workers back ahead of a task. Every statement is noted in its own
transaction: a run that was cut off goes on.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from core.errors import CopyFailed, Interrupted
from core.progress.interface import Progress
from core.sessions.connections import Database
from core.sessions.session import Connection
from migration.catalog.ddl_statement import Statement
from migration.copy.throttle import Throttle, Unthrottled
from migration.copy.turns import Turns
from migration.plan.late_checks import VALIDATED
from migration.schema.target import ddl_session, in_one_trip, note_done, run_and_note

_MANY = 1_000


@dataclass(frozen=True)
class Task:
    """One statement, and what it locks."""

    statement: Statement
    cost: int = 0
    """What it reads, in bytes, more for what is slow besides; the largest starts first."""
    shares: frozenset[int] = frozenset()
    """OIDs (on the source) of tables it locks against writers only, as CREATE INDEX does."""
    excludes: frozenset[int] = frozenset()
    """OIDs of tables that no other task may work on meanwhile."""

    def conflicts(self, other: Task) -> bool:
        """Whether one of the two would wait for the other."""
        mine, theirs = self.shares | self.excludes, other.shares | other.excludes
        return bool(self.excludes & theirs or other.excludes & mine)


@dataclass(frozen=True)
class Phase:
    """Tasks that do not depend on each other; the next phase starts when all are done."""

    name: str
    tasks: tuple[Task, ...]
    parallel: bool = True


class Board:
    """What is still to be done in a phase, handed out so that nothing waits for a lock."""

    def __init__(self, tasks: Sequence[Task], ready: Collection[int] | None = None) -> None:
        """`ready` has the OIDs of the tables whose tasks may be handed out; None: of all."""
        self._waiting = list(tasks)
        self._ready = None if ready is None else set(ready)
        self._running: list[Task] = []
        self._changed = threading.Condition()
        self._closed = threading.Event()

    def take(self) -> Task | None:
        """The first task that conflicts with none under way; blocks until there is one, None at the end."""
        with self._changed:
            while self._waiting:
                for task in self._waiting:
                    if self._may_begin(task) and not any(task.conflicts(other) for other in self._running):
                        self._waiting.remove(task)
                        self._running.append(task)
                        return task
                self._changed.wait()
            return None

    def _may_begin(self, task: Task) -> bool:
        return self._ready is None or task.shares | task.excludes <= self._ready

    def ready(self, table: int) -> None:
        """The tasks of this table may begin."""
        with self._changed:
            if self._ready is not None:
                self._ready.add(table)
            self._changed.notify_all()

    def all_ready(self) -> None:
        """All tasks may begin."""
        with self._changed:
            self._ready = None
            self._changed.notify_all()

    def finish(self, task: Task) -> None:
        """The task is done or has failed."""
        with self._changed:
            self._running.remove(task)
            self._changed.notify_all()

    @property
    def empty(self) -> bool:
        """Whether there is nothing left to hand out."""
        return not self._waiting

    @property
    def closed(self) -> bool:
        """Whether nothing more is to be done."""
        return self._closed.is_set()

    def rest(self, seconds: float) -> bool:
        """Do nothing for so long, or until nothing more is to be done; returns whether that is so."""
        return self._closed.wait(seconds) if seconds > 0 else self._closed.is_set()

    def close(self) -> None:
        """Hand out no more."""
        self._closed.set()
        with self._changed:
            self._waiting.clear()
            self._changed.notify_all()


@dataclass
class Builder:
    """Runs phases against one service's database."""

    target: Database
    service: str
    owner: str
    workers: int
    progress: Progress
    stop: threading.Event
    done: frozenset[str]
    """Fingerprints of what an earlier run did."""
    memory_kilobytes: int
    """maintenance_work_mem of each worker."""
    throttle: Throttle = field(default_factory=Unthrottled)
    turns: Turns = field(default_factory=lambda: Turns(_MANY))
    """Shared with a copy; by default there is none."""
    path: tuple[str, ...] = ()
    """The search_path of the service's sessions."""
    seconds: dict[str, float] = field(default_factory=dict)
    """What each phase took that had something to do."""
    _open: set[Connection] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, phases: Sequence[Phase]) -> None:
        """Run all phases. Raises CopyFailed, DiskFull, ConnectionLost, ..., and Interrupted on `stop`."""
        for phase in phases:
            tasks = [task for task in phase.tasks if task.statement.fingerprint not in self.done]
            if tasks:
                self.progress.phase(f"{self.service}: {phase.name}", len(tasks), "steps")
                workers = min(self.workers if phase.parallel else 1, len(tasks))
                begun = time.monotonic()
                ordered = sorted(tasks, key=lambda task: -task.cost) if phase.parallel else tasks
                with self.working(
                    Board(ordered), workers, sum(task.cost for task in tasks) / workers
                ) as crew:
                    crew.end()
                self.seconds[phase.name] = time.monotonic() - begun

    @contextlib.contextmanager
    def working(self, board: Board, workers: int, share: float) -> Iterator[Crew]:
        """Workers that do what the board hands out, beside what the context does; who leaves it without an
        exception has called `Crew.end`. `share`: bytes from which on a task gets helpers. Whatever is raised
        inside, they have ended when the context is left."""
        with ThreadPoolExecutor(workers, thread_name_prefix="build") as pool:
            try:
                yield Crew([pool.submit(self._work, board, share) for _ in range(workers)], self)
            except BaseException:
                board.close()
                self._cancel()
                raise

    def _work(self, board: Board, share: float) -> None:
        with ddl_session(self.target) as connection, self._registered(connection):
            memory = sql.Literal(f"{self.memory_kilobytes}kB")
            connection.execute(sql.SQL("SET maintenance_work_mem = {}").format(memory))
            has = None
            while (task := board.take()) is not None:
                try:
                    with self.turns.one(task.cost, lambda: board.closed, beside=True) as taken:
                        if not taken or board.rest(self.throttle.rest(0)):
                            return
                        # Builds side by side use the processors; one that all others would wait for, helpers,
                        # and so does the last: who is done before it has nothing else to do.
                        helpers = b"2" if task.cost >= share else b"1" if board.empty else b"0"
                        if helpers != has:
                            connection.execute(b"SET max_parallel_maintenance_workers = " + helpers)
                            has = helpers
                        self._do(connection, task)
                finally:
                    board.finish(task)

    def _do(self, connection: Connection, task: Task) -> None:
        statement = task.statement
        begun = time.monotonic()
        self.progress.table(statement.name, 0)
        try:
            with (
                self.target.translated(f"creating {statement.name}"),
                contextlib.nullcontext() if in_one_trip(statement) else connection.transaction(),
            ):
                run_and_note(connection, self.service, self.owner, statement, self.path)
        except CopyFailed as error:
            if statement.kind != VALIDATED:
                raise
            # The shared database calls it valid and it is not: it binds what is written, as it does there.
            note_done(connection, self.service, statement.fingerprint, statement.name)
            self.progress.note(
                f"{statement.name.removeprefix('validity of ')} stays NOT VALID in {self.service}'s own"
                f" database, where it binds what is written, as it does in the shared one: {_said(error)}"
            )
        self.progress.done(statement.name, 0, 0, time.monotonic() - begun)

    @contextlib.contextmanager
    def _registered(self, connection: Connection) -> Iterator[None]:
        with self._lock:
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)

    def _cancel(self) -> None:
        """Ask the servers to end what the workers are running; their threads then end by themselves."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            # A connection that is lost, or that finishes right now, needs no cancelling.
            with contextlib.suppress(psycopg.Error):
                connection.cancel_safe(timeout=5)


@dataclass(frozen=True)
class Crew:
    """Workers at a board."""

    _futures: Sequence[Future[None]]
    _builder: Builder

    def check(self) -> None:
        """Raise what one of them has raised so far; from any thread."""
        for future in self._futures:
            if future.done():
                future.result()

    def end(self) -> None:
        """Wait until the board is empty. Raises what one of them raised, and Interrupted on `stop`."""
        pending = set(self._futures)
        while pending:
            _, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
            self.check()
            if self._builder.stop.is_set() and pending:
                raise Interrupted(
                    f"interrupted while building the indexes of {self._builder.service};"
                    " run it again to go on"
                )


def _said(error: CopyFailed) -> str:
    cause = error.__cause__
    said = cause.diag.message_primary if isinstance(cause, psycopg.Error) else None
    return said or "a row violates it"
