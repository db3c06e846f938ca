"""What every statement of the workload took and how it ended: a CSV file, and figures over it."""

from __future__ import annotations

import csv
import math
import threading
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TextIO

OK = "ok"
RETRIED = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: a service repeats the transaction, and no customer notices."""
CONNECTION = "connection"
"""The outcome of a statement whose session ended before the server could give an SQLSTATE."""

FIELDS = ("time", "service", "statement", "ms", "outcome")
KEPT_FAILURES = 20


class Statement(NamedTuple):
    """One line of the log."""

    time: float
    """When it was sent, seconds since 1970."""
    service: str
    statement: str
    ms: float
    outcome: str
    """`ok`, an SQLSTATE, or `connection`."""

    @property
    def failed(self) -> bool:
        """Whether a customer would have seen it, had the service not tried again."""
        return self.outcome != OK and self.outcome not in RETRIED


@dataclass(frozen=True)
class ServiceFigures:
    """Latencies of one service's statements, in milliseconds, and how many ended badly."""

    statements: int
    failed: int
    retried: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of values in ascending order; 0 if there are none."""
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass
class _Tally:
    latencies: array[float] = field(default_factory=lambda: array("d"))
    failed: int = 0
    retried: int = 0

    def figures(self) -> ServiceFigures:
        ordered = sorted(self.latencies)
        return ServiceFigures(
            len(ordered),
            self.failed,
            self.retried,
            *(round(percentile(ordered, share), 3) for share in (0.50, 0.95, 0.99, 1.0)),
        )


class StatementLog:
    """Collects statements from many threads; writes them to `path`, if there is one."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._tallies: dict[str, _Tally] = {}
        self._failures: list[tuple[Statement, str]] = []
        self.outcomes: Counter[str] = Counter()
        self._file: TextIO | None = None
        self._flushed = time.monotonic()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8", buffering=1 << 16)
            self._file.write(",".join(FIELDS) + "\n")

    def record(self, statement: Statement, message: str = "") -> None:
        """Note one statement; `message` is the server's, for those that failed."""
        with self._lock:
            tally = self._tallies.setdefault(statement.service, _Tally())
            tally.latencies.append(statement.ms)
            self.outcomes[statement.outcome] += 1
            if statement.failed:
                tally.failed += 1
                if len(self._failures) < KEPT_FAILURES:
                    self._failures.append((statement, message))
            elif statement.outcome != OK:
                tally.retried += 1
            if self._file is not None:
                self._file.write(
                    f"{statement.time:.6f},{statement.service},{statement.statement},"
                    f"{statement.ms:.3f},{statement.outcome}\n"
                )
                if time.monotonic() - self._flushed > 1:
                    self._file.flush()
                    self._flushed = time.monotonic()

    def figures(self) -> dict[str, ServiceFigures]:
        """Figures of each service so far."""
        with self._lock:
            return {service: tally.figures() for service, tally in sorted(self._tallies.items())}

    def failures(self) -> list[tuple[Statement, str]]:
        """The first failed statements with the server's message."""
        with self._lock:
            return list(self._failures)

    def flush(self) -> None:
        """Write out what is buffered."""
        with self._lock:
            if self._file is not None:
                self._file.flush()

    def close(self) -> None:
        """Close the file; nothing is recorded to it after that."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def read_log(path: Path, *, since: float = 0.0, until: float = math.inf) -> Iterator[Statement]:
    """The statements of a log that were sent in `since <= time < until` (seconds since 1970)."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["outcome"] is None:
                return  # the last line of a workload that was killed while it wrote
            at = float(row["time"])
            if since <= at < until:
                yield Statement(at, row["service"], row["statement"], float(row["ms"]), row["outcome"])
