"""How far a phase is: the sums, rates and times left that every way of showing progress shares.

A tally is not thread-safe by itself: whoever shows it holds a lock around each call.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from core.progress.interface import Unit

Clock = Callable[[], float]

_SAMPLE_SECONDS = 0.1

RATE_WINDOW_SECONDS = 10.0
"""Rates are of the last seconds, so that a slow start does not haunt the time left."""


@dataclass
class Item:
    """One table (or index, or check) of the phase."""

    name: str
    total_bytes: int
    started: float
    bytes: int = 0
    rows: int = 0
    seconds: float | None = None
    """From begin to end; None while it runs."""

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.seconds is None

    @property
    def fraction(self) -> float | None:
        """0 to 1; None when the total is not known. An estimate that was too low stays below 1."""
        if not self.running:
            return 1.0
        if self.total_bytes <= 0:
            return None
        return min(self.bytes / self.total_bytes, 0.99)

    @property
    def credit(self) -> int:
        """Its bytes towards the phase's total: never more than were announced, all of them at its end."""
        if self.total_bytes <= 0:
            return self.bytes
        return min(self.bytes, self.total_bytes) if self.running else self.total_bytes


@dataclass
class Tally:
    """The state of the current phase. Sums are kept as they change: a phase may have very many items."""

    clock: Clock = time.monotonic
    name: str = ""
    total: int | None = None
    unit: Unit = "bytes"
    started: float = 0.0
    items: dict[str, Item] = field(default_factory=dict)
    bytes: int = 0
    rows: int = 0
    items_done: int = 0
    held: str | None = None
    """Why the work is held back now."""
    _credit: int = 0
    _unfinished: dict[str, Item] = field(default_factory=dict)
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def begin(self, name: str, total: int | None, unit: Unit) -> None:
        """Forget the phase before and start this one."""
        self.name, self.total, self.unit = name, total, unit
        self.started = self.clock()
        self.items, self._unfinished = {}, {}
        self.bytes = self.rows = self.items_done = self._credit = 0
        self.held = None
        self._samples = deque([(self.started, 0)])

    def table(self, name: str, total_bytes: int) -> Item:
        """Start an item, or start it again."""
        with self._changed(name, total_bytes) as item:
            item.total_bytes, item.started, item.seconds = total_bytes, self.clock(), None
            item.bytes = item.rows = 0
        return item

    def advance(self, name: str, bytes_: int, rows: int) -> None:
        """Add to an item; one that nobody announced is started now."""
        with self._changed(name) as item:
            item.bytes += bytes_
            item.rows += rows
        self._sample()

    def done(self, name: str, rows: int, bytes_: int, seconds: float) -> Item:
        """End an item with its exact figures."""
        with self._changed(name) as item:
            item.rows, item.bytes, item.seconds = rows, bytes_, seconds
        self._sample()
        return item

    @contextmanager
    def _changed(self, name: str, total_bytes: int = 0) -> Iterator[Item]:
        item = self.items.get(name)
        if item is None:
            item = self.items[name] = Item(name, total_bytes, self.clock())
            self._unfinished[name] = item
        self._add(item, -1)
        yield item
        self._add(item, 1)
        if item.running:
            self._unfinished[name] = item
        else:
            self._unfinished.pop(name, None)

    def _add(self, item: Item, sign: int) -> None:
        self.bytes += sign * item.bytes
        self.rows += sign * item.rows
        self.items_done += 0 if item.running else sign
        self._credit += sign * item.credit

    @property
    def units_done(self) -> int:
        """What counts towards `total`: bytes, or finished items."""
        return self.items_done if self.unit == "steps" else self._credit

    @property
    def running(self) -> list[Item]:
        """Unfinished items, in the order they began."""
        return list(self._unfinished.values())

    @property
    def seconds(self) -> float:
        """Since the phase began."""
        return self.clock() - self.started

    @property
    def fraction(self) -> float | None:
        """0 to 1 of the phase; None when its total is not known."""
        return min(self.units_done / self.total, 1.0) if self.total else None

    @property
    def bytes_per_second(self) -> float:
        """Over the last `RATE_WINDOW_SECONDS`; 0 before anything moved."""
        return self._rate()

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the fraction and the recent rate; None when nothing can be said."""
        fraction = self.fraction
        if fraction is None or fraction <= 0 or self.seconds <= 0:
            return None
        if self.unit == "bytes" and self._rate() > 0 and self.total is not None:
            return max(self.total - self.units_done, 0) / self._rate()
        return self.seconds * (1 - fraction) / fraction

    def _sample(self) -> None:
        now = self.clock()
        if self._samples and now - self._samples[-1][0] < _SAMPLE_SECONDS:
            return
        self._samples.append((now, self.bytes))
        while len(self._samples) > 2 and self._samples[1][0] < now - RATE_WINDOW_SECONDS:
            self._samples.popleft()

    def _rate(self) -> float:
        if not self._samples:
            return 0.0
        began, before = self._samples[0]
        elapsed = self.clock() - began
        return max(self.bytes - before, 0) / elapsed if elapsed > 0 else 0.0


def percent(fraction: float) -> str:
    """`41%`; rounded down, so that 100% means done."""
    return f"{int(fraction * 100)}%"
