"""Progress as plain lines at a bounded rate, for logs and for terminals that cannot redraw."""

from __future__ import annotations

import threading
import time
from typing import TextIO

from core.progress.interface import Closing, Unit
from core.progress.tally import Clock, Item, Tally, percent
from core.progress.units import duration, size

INTERVAL_SECONDS = 5.0
"""Within a phase there is at most one line each so often, however many tables finish in between."""

_NAMED_AT_MOST = 3


class LineProgress(Closing):
    """One line when a phase begins, one every five seconds while it runs, one when it ends."""

    def __init__(
        self, stream: TextIO, clock: Clock = time.monotonic, interval: float = INTERVAL_SECONDS
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._interval = interval
        self._tally = Tally(clock)
        self._lock = threading.Lock()
        self._next = 0.0

    def phase(self, name: str, total: int | None = None, unit: Unit = "bytes") -> None:
        """`copy: 755 MB to go`."""
        with self._lock:
            self._end()
            name = self.named(name)
            self._tally.begin(name, total, unit)
            self._next = self._clock() + self._interval
            self._write(f"{name}: {_amount(total, unit)} to go" if total else f"{name}: started")

    def table(self, name: str, total_bytes: int = 0) -> None:
        """Shown by the next line."""
        with self._lock:
            self._tally.table(name, total_bytes)
            self._tick()

    def advance(self, name: str, bytes: int, rows: int) -> None:
        """Shown by the next line."""
        with self._lock:
            self._tally.advance(name, bytes, rows)
            self._tick()

    def done(self, name: str, rows: int, bytes: int, seconds: float) -> None:
        """Counted by the next line."""
        with self._lock:
            self._tally.done(name, rows, bytes, seconds)
            self._tick()

    def held(self, why: str | None) -> None:
        """Shown by the next line."""
        with self._lock:
            self._tally.held = why
            if why is not None:
                self._tick()

    def note(self, text: str) -> None:
        """At once."""
        with self._lock:
            self._write(text)

    def close(self) -> None:
        """The line that ends the phase."""
        with self._lock:
            self._end()
            self._tally.name = ""

    def _tick(self) -> None:
        if self._clock() < self._next:
            return
        self._next = self._clock() + self._interval
        self._write(summary(self._tally))

    def _end(self) -> None:
        if self._tally.name:
            self._write(conclusion(self._tally))

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


def summary(tally: Tally) -> str:
    """A running phase in one line: how far, how fast, how long yet, what is being worked on."""
    parts = []
    if tally.total is not None and tally.fraction is not None:
        amount = f"{_amount(tally.units_done, tally.unit)} of {_amount(tally.total, tally.unit)}"
        parts.append(f"{percent(tally.fraction)}, {amount}")
    else:
        parts.append(f"{tally.items_done} done")
    if tally.unit == "bytes" and tally.bytes_per_second:
        parts.append(f"{size(tally.bytes_per_second)}/s")
    if tally.seconds_left is not None:
        parts.append(f"{duration(tally.seconds_left)} left")
    running = tally.running
    if running:
        named = ", ".join(_item(item) for item in running[:_NAMED_AT_MOST])
        more = f" and {len(running) - _NAMED_AT_MOST} more" if len(running) > _NAMED_AT_MOST else ""
        parts.append(f"now {named}{more}")
    if tally.held:
        parts.append(f"held back: {tally.held}")
    return f"{tally.name}: " + ", ".join(parts)


def conclusion(tally: Tally) -> str:
    """A finished (or abandoned) phase in one line."""
    items = f"{tally.items_done} of {len(tally.items)}" if tally.running else f"{tally.items_done}"
    parts = [f"{items} done"]
    if tally.rows:
        parts.append(f"{tally.rows:,} rows")
    if tally.bytes:
        parts.append(size(tally.bytes))
        if tally.seconds > 0:
            parts.append(f"{size(tally.bytes / tally.seconds)}/s")
    return f"{tally.name}: " + ", ".join(parts) + f" in {duration(tally.seconds)}"


def _item(item: Item) -> str:
    fraction = item.fraction
    return item.name if fraction is None else f"{item.name} {percent(fraction)}"


def _amount(count: int, unit: Unit) -> str:
    return size(count) if unit == "bytes" else f"{count}"
