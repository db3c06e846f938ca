"""What happens beside a verification, and when: writes, pauses and ends of the apply worker, heartbeats.

A schedule is values only, so that a failing one can be printed, shrunk and run again. `Stage.around` brings
the events about from inside `migration.verify.snapshots`, at the points between its steps.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg import sql

from core.progress.interface import Silent
from core.sessions.session import Connection
from migration.replicate.flow import Flow
from migration.replicate.heartbeat import Heartbeat
from migration.verify import compare as verification
from migration.verify import scan as verification_scan
from migration.verify import snapshots

POINTS = (
    "proven", "holding", "attempt", "locked", "beaten", "exported", "released", "waiting", "held", "taken",
    "comparing",
)  # fmt: skip
"""In order. From `locked` to `exported` writers wait for the verifier's locks."""
BEFORE_THE_WAIT = POINTS[1:7]
LOCKED = POINTS[3:6]

COMMIT, ROLLBACK, LEFT_OPEN = "commit", "rollback", "left open"


@dataclass(frozen=True)
class Write:
    """A transaction on the publisher. One that is left open ends before `Schedule.attempts`."""

    point: str
    statements: tuple[str, ...]
    end: str


@dataclass(frozen=True)
class Schedule:
    """All that happens beside one verification."""

    writes: tuple[Write, ...]
    paused_at: str | None
    """The subscriber stops applying here, until the verifier has waited for it a little."""
    ended_at: str | None
    """The apply worker is ended here, and started again by its server."""
    stray_at: str | None
    """A heartbeat of another verification is committed here."""
    attempts: int
    """Transactions that are left open end before this attempt at the locks."""
    range_bytes: int


@dataclass
class Stage:
    """Brings a schedule about, around verifications of one flow."""

    flow: Flow
    schedule: Schedule
    _stack: ExitStack = field(default_factory=ExitStack)
    _threads: list[threading.Thread] = field(default_factory=list)
    _open: list[Connection] = field(default_factory=list)
    _reached: set[str] = field(default_factory=set)
    _pause: Connection | None = None

    @contextmanager
    def around(self, patch: pytest.MonkeyPatch) -> Iterator[Silent]:
        """Inside, `consistent_snapshots` and `compare` meet the events; yields the progress for `compare`."""
        with self._stack, patch.context() as inside:
            self._patch(inside)
            try:
                yield _Comparing(self)
            finally:
                self._end_open()
                self._apply_again()
                for thread in self._threads:
                    thread.join(30)
                    assert not thread.is_alive(), "a writer was held longer than the verifier holds"

    def reach(self, point: str) -> None:
        """Do what is scheduled for a point, once."""
        if point in self._reached:
            return
        self._reached.add(point)
        schedule = self.schedule
        if schedule.paused_at == point:
            self._pause = self._subscriber()
            self._pause.execute("BEGIN; LOCK TABLE bank.accounts IN SHARE ROW EXCLUSIVE MODE")
        if schedule.ended_at == point:
            self._subscriber().execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_subscription WHERE subname = %s",
                [self.flow.name],
            )
        if schedule.stray_at == point:
            with self.flow.publisher.connect() as connection:
                _BEAT(self.flow.heartbeat, connection, "verify")
        for write in schedule.writes:
            if write.point == point:
                self._write(write)

    def _write(self, write: Write) -> None:
        connection = self._stack.enter_context(self.flow.publisher.connect())
        connection.execute(
            "SET lock_timeout = '10s'" if write.point in LOCKED else "SET lock_timeout = '50ms'"
        )
        if write.point in LOCKED:
            thread = threading.Thread(target=self._transaction, args=[connection, write])
            self._threads.append(thread)
            thread.start()
            return
        self._transaction(connection, write)

    def _transaction(self, connection: Connection, write: Write) -> None:
        # What conflicts with another write is rolled back, as clients' transactions are.
        with suppress(psycopg.errors.IntegrityError, psycopg.errors.OperationalError):
            connection.execute("BEGIN")
            for statement in write.statements:
                connection.execute(statement.encode())
            if write.end == LEFT_OPEN and write.point in POINTS[:3]:
                self._open.append(connection)
                return
            connection.execute("ROLLBACK" if write.end == ROLLBACK else "COMMIT")
            return
        connection.execute("ROLLBACK")

    def _end_open(self) -> None:
        while self._open:
            self._open.pop().execute("COMMIT")

    def _apply_again(self) -> None:
        if self._pause is not None and not self._pause.closed:
            self._pause.execute("ROLLBACK")

    def _subscriber(self) -> Connection:
        return self._stack.enter_context(self.flow.subscriber.connect())

    def _patch(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(snapshots, "PAUSE_FACTOR", 0.1)
        patch.setattr(snapshots, "_next_beat", self._before("proven", snapshots._next_beat))
        patch.setattr(snapshots, "_hold", self._after("holding", snapshots._hold))
        patch.setattr(snapshots._Writers, "wait_for_few", self._attempts())
        patch.setattr(Heartbeat, "beat", self._beats())
        patch.setattr(
            snapshots,
            "_let_go",
            self._before("exported", self._after("released", snapshots._let_go), once=True),
        )
        patch.setattr(snapshots, "_take_applied", self._waiting(snapshots._take_applied))
        patch.setattr(snapshots, "_export", self._export(snapshots._export))
        whole = verification_scan.ranges

        def ranges(side: Any, table: Any, shape: Any, size: int) -> Any:
            return whole(side, table, shape, min(size, self.schedule.range_bytes))

        patch.setattr(verification, "ranges", ranges)

    def _attempts(self) -> Callable[[Any, Connection, int], None]:
        def attempt(_: Any, __: Connection, number: int) -> None:
            self.reach("attempt")
            if number >= self.schedule.attempts:
                self._end_open()

        return attempt

    def _beats(self) -> Callable[[Heartbeat, Connection, Any], int]:
        def beat(heartbeat: Heartbeat, connection: Connection, purpose: Any) -> int:
            if purpose != "verify":
                return _BEAT(heartbeat, connection, purpose)
            self.reach("locked")
            number = _BEAT(heartbeat, connection, purpose)
            self.reach("beaten")
            return number

        return beat

    def _waiting(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def wait(*arguments: Any) -> Any:
            self.reach("waiting")
            again = threading.Timer(0.02, self._apply_again)
            again.start()
            try:
                return act(*arguments)
            finally:
                again.join()

        return wait

    def _export(self, act: Callable[[Connection], str]) -> Callable[[Connection], str]:
        def export(connection: Connection) -> str:
            on_subscriber = "waiting" in self._reached
            if on_subscriber:
                self.reach("held")
            taken = act(connection)
            if on_subscriber:
                self.reach("taken")
            return taken

        return export

    def _before(self, point: str, act: Callable[..., Any], *, once: bool = False) -> Callable[..., Any]:
        def acted(*arguments: Any) -> Any:
            if not once or "beaten" in self._reached:
                self.reach(point)
            return act(*arguments)

        return acted

    def _after(self, point: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def acted(*arguments: Any) -> Any:
            done = act(*arguments)
            if point != "released" or "beaten" in self._reached:
                self.reach(point)
            return done

        return acted


_BEAT = Heartbeat.beat


class _Comparing(Silent):
    """Tells the stage that the comparison has read something."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._lock = threading.Lock()

    def advance(self, name: str, bytes: int, rows: int) -> None:
        with self._lock:
            self._stage.reach("comparing")


def rows_at(flow: Flow, tables: Sequence[str], taken: snapshots.Snapshots) -> tuple[list[str], list[str]]:
    """Every row, with its table, as text: of the publisher and of the subscriber, as of the snapshots."""
    found = []
    for database, snapshot in ((flow.publisher, taken.publisher), (flow.subscriber, taken.subscriber)):
        with database.connect(autocommit=False) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'".encode())
            rows: list[str] = []
            for table in tables:
                listed = connection.execute(
                    sql.SQL("SELECT held::text FROM ONLY {} held").format(sql.Identifier(*table.split(".")))
                )
                rows += [f"{table} {row[0]}" for row in listed]
            found.append(sorted(rows))
    return found[0], found[1]
