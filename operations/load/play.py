"""Plays a load: several sessions that send drawn units at a rate, or each as soon as its last is answered.

At a rate every unit has a time at which it is due, whatever became of those before it; its latency counts
from then, so that a server that stalls is not spared what it kept waiting ("coordinated omission", Gil Tene).
Latencies are kept one by one, so percentiles are exact.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import pq

from core.errors import LoadRefused, MigrationError
from core.sessions.session import Connection
from operations.load.places import Place
from operations.load.stretch import Unit

WOULD_WRITE = "25006"
"""read_only_sql_transaction: it reads by its form, and writes by a function."""
LOST = "08006"
_PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)
_DRAWN = 256


@dataclass
class Played:
    """What came of it."""

    seconds: float
    clients: int
    rate: float | None
    """Units a second that were wanted; None: as many as were answered."""
    latencies: array[float] = field(default_factory=lambda: array("d"))
    """Seconds from when each unit was due to its answer; sorted."""
    served: float = 0.0
    """Seconds from sending units to their answers, of all together."""
    errors: Counter[str] = field(default_factory=Counter)
    """By SQLSTATE."""
    offered: int = 0
    """Units that were due."""

    @property
    def done(self) -> int:
        """Units that were answered."""
        return len(self.latencies)

    @property
    def throughput(self) -> float:
        """Units answered a second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def mean(self) -> float | None:
        """Seconds that a unit took from being sent."""
        return self.served / self.done if self.done else None

    @property
    def failed(self) -> float:
        """Part of the units that failed."""
        every = self.done + sum(self.errors.values())
        return sum(self.errors.values()) / every if every else 0.0

    def percentile(self, part: float) -> float | None:
        """Seconds within which `part` percent were answered, by the nearest rank; None where none was."""
        if not self.latencies:
            return None
        rank = max(1, -(-len(self.latencies) * part // 100))
        return self.latencies[int(rank) - 1]

    def as_json(self) -> dict[str, Any]:
        """JSON types only, times in milliseconds."""
        return {
            "seconds": round(self.seconds, 2),
            "clients": self.clients,
            "rate": self.rate,
            "offered": self.offered,
            "done": self.done,
            "per_second": round(self.throughput, 2),
            "mean_ms": _ms(self.mean),
            "percentiles_ms": {f"p{part:g}": _ms(self.percentile(part)) for part in _PERCENTILES},
            "longest_ms": _ms(self.latencies[-1] if self.latencies else None),
            "errors": dict(self.errors),
        }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def play(
    place: Place,
    units: Sequence[Unit],
    *,
    clients: int,
    seconds: float,
    rate: float | None = None,
    seed: int = 1,
    check: Callable[[], None] = lambda: None,
) -> Played:
    """Play `units` for `seconds`, in `clients` sessions. `check` raises where somebody wants to stop.

    Raises LoadRefused for units that write where nothing may, or where none could be played; what
    connecting raises.
    """
    if not units:
        raise LoadRefused("nothing that was recorded may be played there: it all writes")
    if not place.may_write and any(unit.writes for unit in units):
        raise LoadRefused(f"{place.database.label} is in use: nothing that writes is played there")
    stage = _Stage(place, units, seconds, rate, seed)
    sessions: list[Connection] = []
    try:
        sessions += (place.connect() for _ in range(clients))
        threads = [
            threading.Thread(target=stage.work, args=(number, session), daemon=True)
            for number, session in enumerate(sessions)
        ]
        stage.begin()
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                check()
                time.sleep(0.05)
        finally:
            stage.stop.set()
            for thread in threads:
                thread.join()
        for session in sessions:
            place.require_unwritten(session)
    finally:
        for session in sessions:
            session.close()
    return stage.played(clients)


class _Stage:
    """What the threads of one play share."""

    def __init__(
        self, place: Place, units: Sequence[Unit], seconds: float, rate: float | None, seed: int
    ) -> None:
        self._place = place
        self._units = units
        self._weights = list(itertools.accumulate(unit.weight for unit in units))
        self._seconds, self._rate, self._seed = seconds, rate, seed
        self._lock = threading.Lock()
        self._next = 0
        self._begun = self._last = 0.0
        self._latencies: array[float] = array("d")
        self._served = 0.0
        self._errors: Counter[str] = Counter()
        self._more: list[Connection] = []
        """Sessions in place of those that were lost."""
        self.stop = threading.Event()

    def begin(self) -> None:
        """The first unit is due now."""
        self._begun = self._last = time.monotonic()

    def work(self, number: int, session: Connection) -> None:
        """One client."""
        drawing = random.Random(self._seed * 1009 + number)  # noqa: S311 (a load, no secret)
        latencies: array[float] = array("d")
        errors: Counter[str] = Counter()
        served = 0.0
        drawn: list[Unit] = []
        while (due := self._due()) is not None:
            if not drawn:
                drawn = drawing.choices(self._units, cum_weights=self._weights, k=_DRAWN)
            unit = drawn.pop()
            sent = time.monotonic()
            failed = _send(session, unit, may_write=self._place.may_write)
            now = time.monotonic()
            if failed is None:
                latencies.append(now - due)
                served += now - sent
            else:
                errors[failed] += 1
                if session.pgconn.status != pq.ConnStatus.OK:
                    session.close()
                    try:
                        session = self._place.connect()
                    except MigrationError:
                        break
                    self._more.append(session)
        with self._lock:
            self._latencies.extend(latencies)
            self._errors += errors
            self._served += served
            self._last = max(self._last, time.monotonic())

    def _due(self) -> float | None:
        """When the next unit is due, once that has come; None: the time is over."""
        with self._lock:
            now = time.monotonic()
            if self.stop.is_set() or now - self._begun >= self._seconds:
                return None
            if self._rate is None:
                self._next += 1
                return now
            due = self._begun + self._next / self._rate
            if due - self._begun >= self._seconds:
                return None
            self._next += 1
        if due > now and self.stop.wait(due - now):
            return None
        return due

    def played(self, clients: int) -> Played:
        """After all threads have ended."""
        for session in self._more:
            session.close()
        # What was due and not sent, because every client was waiting, was wanted all the same.
        offered = self._next if self._rate is None else max(self._next, int(self._rate * self._seconds))
        return Played(
            max(self._last - self._begun, 1e-6), clients, self._rate, array("d", sorted(self._latencies)),
            self._served, self._errors, offered,
        )  # fmt: skip


def _send(session: Connection, unit: Unit, *, may_write: bool) -> str | None:
    """Send a unit and wait for its answers; returns the SQLSTATE with which it failed."""
    wire = session.pgconn
    try:
        begin = b"BEGIN" if may_write else b"BEGIN READ ONLY"
        if unit.transaction and (failed := _failure(wire.exec_(begin))):
            return failed
        for call in unit.calls:
            values = [None if value is None else value.encode() for value in call.values]
            if failed := _failure(wire.exec_params(call.text.encode(), values)):
                if unit.transaction:
                    wire.exec_(b"ROLLBACK")
                return failed
        if unit.transaction:
            return _failure(wire.exec_(b"COMMIT" if unit.ends_well else b"ROLLBACK"))
    except psycopg.OperationalError:
        return LOST
    return None


def _failure(result: pq.abc.PGresult) -> str | None:
    if result.status in {pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.EMPTY_QUERY}:
        return None
    return (result.error_field(pq.DiagnosticField.SQLSTATE) or LOST.encode()).decode()
