"""Two snapshots of the same instant, of a publisher and of its subscriber, while both go on.

1. On the subscriber, the verifier takes an advisory lock that the next verification heartbeat will ask for.
2. On the publisher, it takes SHARE locks on the tables, so that no writer is in flight; a second session
   commits the heartbeat, a third one opens and exports a snapshot; then the locks are let go.
3. The apply worker commits everything that was committed before the heartbeat, then waits at it. The
   verifier opens and exports a snapshot there, and lets the worker go on.

Writers wait for step 2 only. Each attempt at the locks is short and gives up its place, and the whole of
it has a time-out on the server, so that a writer that does not end is never joined by others for long.
docs/decisions/0032-consistent-snapshots.md compares this with the alternatives.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import sql

from core.errors import StepTimeout
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.tables import TableName
from migration.replicate.flow import Flow

query = queries(__package__)


ATTEMPT_MS = 30
"""How long an attempt may take until it has all locks; with the rest of step 2 it is the longest stall."""
PATIENT_ATTEMPTS = 10
"""After so many in vain, attempts grow: a busy server is held a little longer rather than never verified."""
GROWTH, LONGEST_ATTEMPT_MS = 1.3, 150
TABLES_A_MS = 50
"""Locks that a busy server takes in a millisecond: the time on top that thousands of tables get."""
QUIET_POLLS = 25
"""Before an attempt, so many looks for a moment in which few transactions write."""
PAUSE_FACTOR = 15
"""After an attempt in vain, writers are left alone for so many times its length: 6% of the time is ours."""
DEADLOCK_MS = 5
"""After so long, the server looks whether an autovacuum is in the way (and ends it) or a deadlock is."""
HOLD_SECONDS = 10
"""The server ends the holding session so long after the deadline, should this process hang meanwhile."""
_POLL_SECONDS = 0.0005


@dataclass(frozen=True)
class Snapshots:
    """Exported snapshots of one instant; valid inside the context that made them."""

    publisher: str
    subscriber: str
    stall_ms: float
    """How long the publisher's writers were held in the attempt that succeeded."""
    longest_attempt_ms: float
    """The longest that an attempt, also one in vain, held them."""
    apply_ms: float
    """How long the subscriber's apply worker was held."""
    attempts: int


@contextmanager
def consistent_snapshots(
    flow: Flow, tables: Sequence[TableName], seconds: float = 60.0
) -> Iterator[Snapshots]:
    """Yield snapshots of the same instant of `flow`'s publisher and subscriber.

    `tables` are all that the flow replicates and that will be compared (parents of partitions may be left
    out). The subscription runs. Old snapshots keep vacuum from cleaning up: leave the context soon.

    Raises StepTimeout when writers leave no gap, or the subscriber does not catch up, within `seconds`.
    """
    deadline = time.monotonic() + seconds
    with ExitStack() as stack:
        sessions = [
            stack.enter_context(database.connect(application_name="waqiti-migration-snapshot"))
            for database in (flow.publisher, flow.publisher, flow.subscriber, flow.subscriber)
        ]
        locking, reading, holding, comparing = sessions
        _may_look_for_deadlocks(locking)
        # What is ahead in the queue is applied before anything is held.
        flow.prove(seconds)
        with flow.publisher.translated(f"taking the snapshot of {flow.service} there"):
            beat, taken = _hold_and_take(flow, tables, (locking, reading, holding), deadline)
        with flow.subscriber.translated(f"taking the snapshot of {flow.service} there"):
            applied, apply_ms = _take_applied(flow, holding, comparing, beat, deadline)
        yield Snapshots(taken.snapshot, applied, taken.stall_ms, taken.longest_ms, apply_ms, taken.attempts)


@dataclass(frozen=True)
class _Taken:
    snapshot: str
    stall_ms: float
    longest_ms: float
    attempts: int


class _OvertakenError(Exception):
    """Somebody else's heartbeat took the number that the apply worker is held at."""


def _hold_and_take(
    flow: Flow,
    tables: Sequence[TableName],
    sessions: tuple[Connection, Connection, Connection],
    deadline: float,
) -> tuple[int, _Taken]:
    """Steps 1 and 2, again where another verification (one that was killed, its statement not) got between.

    The worker would be held at its heartbeat, which is older than our snapshot.
    """
    locking, reading, holding = sessions
    while True:
        beat = _next_beat(flow)
        with flow.subscriber.translated(f"holding the apply worker of {flow.service}"):
            _hold(flow, holding, beat, deadline - time.monotonic() + HOLD_SECONDS)
        try:
            return beat, _take(flow, tables, beat, (locking, reading), deadline)
        except _OvertakenError as error:
            holding.execute("ROLLBACK")
            if time.monotonic() > deadline:
                raise StepTimeout(
                    f"another verification of {flow.service} is at work: end its sessions "
                    "(application_name waqiti-migration-snapshot), then verify again"
                ) from error


def _take(
    flow: Flow,
    tables: Sequence[TableName],
    beat: int,
    sessions: tuple[Connection, Connection],
    deadline: float,
) -> _Taken:
    """Step 2: locks, heartbeat, snapshot, in as many attempts as it takes. Raises _OvertakenError."""
    locking, reading = sessions
    writers = _Writers(tables)
    longest = 0.0
    attempts = 0
    # Writers do not wait for the disk on our account: `flush` follows when they are let go.
    flow.at_publisher.execute("SET synchronous_commit = off")
    _look_up(locking, writers)
    while True:
        attempts += 1
        limit = _attempt_ms(attempts) + len(tables) // TABLES_A_MS
        writers.wait_for_few(locking, attempts)
        locking.execute("BEGIN")
        locking.execute(
            sql.SQL("SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {}").format(limit, limit)
        )
        begun = time.monotonic()
        try:
            locking.execute(writers.lock())
            if flow.heartbeat.beat(flow.at_publisher, "verify") != beat:
                _let_go(locking)
                raise _OvertakenError
            snapshot = _export(reading)
        except (
            psycopg.errors.LockNotAvailable,
            psycopg.errors.QueryCanceled,
            psycopg.errors.DeadlockDetected,
        ) as error:
            _let_go(locking)
            longest = max(longest, (time.monotonic() - begun) * 1000)
            if time.monotonic() > deadline:
                raise StepTimeout(
                    f"{attempts} attempts found no moment without a long write to {flow.service}'s tables: "
                    "end long transactions (`gates` lists them), then verify again"
                ) from error
            time.sleep(random.uniform(0.5, 1.5) * PAUSE_FACTOR * (time.monotonic() - begun))  # noqa: S311
        else:
            _let_go(locking)
            stall = (time.monotonic() - begun) * 1000
            flow.flush(flow.at_publisher)
            return _Taken(snapshot, stall, max(longest, stall), attempts)


def _look_up(locking: Connection, writers: _Writers) -> None:
    """Let the session look all tables up while nobody waits for it: the locks themselves are then quick."""
    with suppress(psycopg.errors.LockNotAvailable), locking.transaction():
        locking.execute("SET LOCAL lock_timeout = '1s'")
        locking.execute(writers.lock("ACCESS SHARE"))


def _let_go(locking: Connection) -> None:
    """End the transaction with its locks. The statement time-out may strike ROLLBACK, too, and not end it."""
    while locking.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        with suppress(psycopg.errors.QueryCanceled):
            locking.execute("ROLLBACK")


def _attempt_ms(attempt: int) -> int:
    """The limit of the nth attempt, from 1."""
    grown = ATTEMPT_MS * GROWTH ** max(0, attempt - PATIENT_ATTEMPTS)
    return int(min(grown, LONGEST_ATTEMPT_MS))


class _Writers:
    """Who writes to the tables, looked at between attempts; looking holds nobody."""

    def __init__(self, tables: Sequence[TableName]) -> None:
        self._tables = list(tables)
        self._parameters = {"schemas": [t.schema for t in tables], "names": [t.name for t in tables]}
        self._seen: Counter[TableName] = Counter()

    def wait_for_few(self, connection: Connection, attempt: int) -> None:
        """Wait for a moment with few writers, with none before the first attempt; not for long."""
        for _ in range(QUIET_POLLS):
            writers = set()
            for schema, name, transactions in connection.execute(query("snapshot_writers"), self._parameters):
                self._seen[TableName(schema, name)] += len(transactions)
                writers |= set(transactions)
            if len(writers) < attempt:
                return
            time.sleep(_POLL_SECONDS * 4)

    def lock(self, mode: LiteralString = "SHARE") -> sql.Composed:
        """The statement that locks the tables, those first that transactions were seen to write to most.

        A table that transactions take early is held by more of them at any moment than one they take
        late. Locked in the order in which they take them, we wait for their ends; in the reverse order, we
        would stand in their way and they in ours.
        """
        if not self._tables:
            return sql.SQL("SELECT").format()  # a service may have none
        ordered = sorted(self._tables, key=lambda table: -self._seen[table])
        listed = sql.SQL(", ").join(sql.SQL("ONLY {}").format(table.identifier()) for table in ordered)
        return sql.SQL("LOCK TABLE {} IN {} MODE").format(listed, sql.SQL(mode))


def _take_applied(
    flow: Flow, holding: Connection, comparing: Connection, beat: int, deadline: float
) -> tuple[str, float]:
    """Step 3: the snapshot of the subscriber, as (name, milliseconds that apply was held)."""
    parameters = {"lock": flow.heartbeat.lock_class, "beat": beat % 2147483647}
    held_since = None
    try:
        while holding.execute(query("snapshot_held"), parameters).fetchone() is None:
            if time.monotonic() > deadline:
                raise StepTimeout(
                    f"{flow.name} did not apply up to the heartbeat of the verification in time: "
                    "wait until the subscriber has caught up, then verify again"
                )
            time.sleep(_POLL_SECONDS)
        held_since = time.monotonic()
        snapshot = _export(comparing)
    finally:
        if not holding.closed:
            holding.execute("ROLLBACK")
    return snapshot, (time.monotonic() - held_since) * 1000


def _next_beat(flow: Flow) -> int:
    last = flow.heartbeat.last(flow.at_publisher, "verify")
    return 1 if last is None else last[0] + 1


def _hold(flow: Flow, holding: Connection, beat: int, seconds: float) -> None:
    """Step 1."""
    holding.execute("BEGIN")
    holding.execute(
        sql.SQL("SET LOCAL idle_in_transaction_session_timeout = {}; SET LOCAL lock_timeout = '5s'").format(
            int(seconds * 1000)
        )
    )
    holding.execute(
        "SELECT pg_catalog.pg_advisory_xact_lock(%s, %s)", [flow.heartbeat.lock_class, beat % 2147483647]
    )


def _export(connection: Connection) -> str:
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    row = connection.execute("SELECT pg_catalog.pg_export_snapshot()").fetchone()
    if row is None:
        raise AssertionError("a function returns its value")
    return str(row[0])


def _may_look_for_deadlocks(connection: Connection) -> None:
    connection.execute(
        "SELECT pg_catalog.set_config('deadlock_timeout', %s, false)"
        " WHERE pg_catalog.has_parameter_privilege('deadlock_timeout', 'SET')",
        [f"{DEADLOCK_MS}ms"],
    )
