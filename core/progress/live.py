"""Progress as a table that redraws itself, on a terminal, with one bar over all of the phase."""

from __future__ import annotations

import threading
import time
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table as Grid
from rich.text import Text

from core.progress.interface import Closing, Unit
from core.progress.lines import conclusion
from core.progress.tally import Clock, Tally, percent
from core.progress.units import duration, size

REDRAWS_PER_SECOND = 8
_ROWS_AT_MOST = 16
_BAR_WIDTH = 24
_WIDE = 90
"""Narrower terminals see names, shares and times only."""


class LiveProgress(Closing):
    """Redraws one table a phase; when the phase ends, one line of it stays on the screen.

    rich honours NO_COLOR and the terminal's width by itself.
    """

    def __init__(self, stream: TextIO, clock: Clock = time.monotonic, console: Console | None = None) -> None:
        self._console = console or Console(file=stream, highlight=False)
        self._tally = Tally(clock)
        self._lock = threading.RLock()
        self._live: Live | None = None

    def phase(self, name: str, total: int | None = None, unit: Unit = "bytes") -> None:
        """A new table; the one before becomes a line."""
        with self._lock:
            self._tally_end()
            self._tally.begin(self.named(name), total, unit)
        live = Live(
            console=self._console,
            refresh_per_second=REDRAWS_PER_SECOND,
            get_renderable=self.render,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        live.start()
        self._live = live

    def table(self, name: str, total_bytes: int = 0) -> None:
        """A new row."""
        with self._lock:
            self._tally.table(name, total_bytes)

    def advance(self, name: str, bytes: int, rows: int) -> None:
        """Drawn at the next redraw."""
        with self._lock:
            self._tally.advance(name, bytes, rows)

    def done(self, name: str, rows: int, bytes: int, seconds: float) -> None:
        """Drawn at the next redraw."""
        with self._lock:
            self._tally.done(name, rows, bytes, seconds)

    def held(self, why: str | None) -> None:
        """Drawn at the next redraw, under the table."""
        with self._lock:
            self._tally.held = why

    def note(self, text: str) -> None:
        """A line above the table."""
        self._console.print(Text(text), soft_wrap=True)

    def close(self) -> None:
        """The table becomes a line; the cursor is back."""
        with self._lock:
            self._tally_end()
            self._tally.name = ""

    def render(self) -> RenderableType:
        """What is on the screen now."""
        with self._lock:
            rows = min(_ROWS_AT_MOST, max(self._console.height - 5, 1))
            return draw(self._tally, rows, self._console.width)

    def _tally_end(self) -> None:
        if self._live is not None:
            live, self._live = self._live, None
            self._lock.release()  # rich's thread may be drawing, and `stop` waits for it
            try:
                live.stop()
            finally:
                self._lock.acquire()
        if self._tally.name:
            self._console.print(Text(conclusion(self._tally)), soft_wrap=True)


def draw(tally: Tally, rows_at_most: int, width: int) -> RenderableType:
    """A phase as a table: what finished last, what is running, and the sum with the time left."""
    wide = width >= _WIDE
    grid = Grid(box=None, pad_edge=False, show_header=True, header_style="bold")
    grid.add_column(tally.name, no_wrap=True, overflow="ellipsis", ratio=1, min_width=12)
    if wide:
        grid.add_column("", width=_BAR_WIDTH)
    for heading in ("done", "rows", "rate", "time") if wide else ("done", "time"):
        grid.add_column(heading, justify="right", no_wrap=True)
    finished = [item for item in tally.items.values() if not item.running]
    running = tally.running[:rows_at_most]
    room = max(min(rows_at_most - len(running), len(finished)), 0)
    now = tally.clock()
    for item in [*finished[len(finished) - room :], *running]:
        seconds = item.seconds if item.seconds is not None else now - item.started
        name = Text(item.name, style="" if item.running else "dim")
        rate = item.bytes / seconds if seconds > 0 else 0.0
        grid.add_row(*_cells(name, item.fraction, item.rows, rate, seconds, wide=wide))
    name = Text("all", style="bold")
    grid.add_row(*_cells(name, tally.fraction, tally.rows, tally.bytes_per_second, tally.seconds, wide=wide))
    below = [remaining(tally), *([f"held back: {tally.held}"] if tally.held else [])]
    return Group(grid, *(Text(line, no_wrap=True, overflow="ellipsis") for line in below))


def remaining(tally: Tally) -> str:
    """How much of the phase is done, how fast, and how long it may yet take."""
    said = f"{tally.items_done} done"
    if tally.total is not None:
        amount = size if tally.unit == "bytes" else str
        said = f"{amount(tally.units_done)} of {amount(tally.total)}"
    if tally.unit == "bytes" and tally.bytes_per_second:
        said += f", {size(tally.bytes_per_second)}/s"
    left = tally.seconds_left
    return said if left is None else f"{said}, {duration(left)} left"


def _cells(
    name: Text, fraction: float | None, rows: int, rate: float, seconds: float, *, wide: bool
) -> list[RenderableType]:
    share = Text("" if fraction is None else percent(fraction))
    if not wide:
        return [name, share, Text(duration(seconds))]
    bar: RenderableType = Text("…")
    if fraction is not None:
        bar = ProgressBar(total=1.0, completed=fraction, width=_BAR_WIDTH)
    counted = Text(f"{rows:,}" if rows else "")
    return [name, bar, share, counted, Text(f"{size(rate)}/s" if rate else ""), Text(duration(seconds))]
