"""Progress as JSON, one object a line, for scripts and for the web pages that watch them."""

from __future__ import annotations

import json
import threading
import time
from typing import Any, TextIO

from core.progress.interface import Closing, Unit
from core.progress.tally import Clock, Tally

INTERVAL_SECONDS = 1.0
"""`advance` events are folded: one line a second for the phase. All other events are printed."""


class JsonProgress(Closing):
    """Writes events `phase`, `table`, `advance`, `done`, `held`, `note` and `end`.

    Every object has `event` and `seconds` (since the phase began). Bytes are counts, rates are bytes
    a second, `seconds_left` is null while nothing can be said.
    """

    def __init__(self, stream: TextIO, clock: Clock = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._tally = Tally(clock)
        self._lock = threading.Lock()
        self._next = self._next_held = 0.0

    def phase(self, name: str, total: int | None = None, unit: Unit = "bytes") -> None:
        """`{"event": "phase", "phase": ..., "total": ..., "unit": ...}`."""
        with self._lock:
            self._end()
            self._tally.begin(self.named(name), total, unit)
            self._next = self._clock() + INTERVAL_SECONDS
            self._write("phase", total=total, unit=unit)

    def table(self, name: str, total_bytes: int = 0) -> None:
        """`{"event": "table", "table": ..., "total_bytes": ...}`."""
        with self._lock:
            self._tally.table(name, total_bytes)
            self._write("table", table=name, total_bytes=total_bytes)

    def advance(self, name: str, bytes: int, rows: int) -> None:
        """At most once a second, the whole phase: units, rows, rate, time left, the running tables."""
        with self._lock:
            self._tally.advance(name, bytes, rows)
            if self._clock() >= self._next:
                self._next = self._clock() + INTERVAL_SECONDS
                self._write("advance", **self._state())

    def done(self, name: str, rows: int, bytes: int, seconds: float) -> None:
        """`{"event": "done", "table": ..., "rows": ..., "bytes": ..., "took": ...}`."""
        with self._lock:
            self._tally.done(name, rows, bytes, seconds)
            self._write("done", table=name, rows=rows, bytes=bytes, took=round(seconds, 3))

    def held(self, why: str | None) -> None:
        """`{"event": "held", "why": ...}`, at most once a second, and `held_back` of every `advance`."""
        with self._lock:
            self._tally.held = why
            if why is not None and self._clock() >= self._next_held:
                self._next_held = self._clock() + INTERVAL_SECONDS
                self._write("held", why=why)

    def note(self, text: str) -> None:
        """`{"event": "note", "text": ...}`."""
        with self._lock:
            self._write("note", text=text)

    def close(self) -> None:
        """The end of the last phase."""
        with self._lock:
            self._end()
            self._tally.name = ""

    def _end(self) -> None:
        if self._tally.name:
            self._write("end", **self._state())

    def _state(self) -> dict[str, Any]:
        tally = self._tally
        left = tally.seconds_left
        return {
            "done": tally.units_done,
            "total": tally.total,
            "unit": tally.unit,
            "items_done": tally.items_done,
            "rows": tally.rows,
            "bytes": tally.bytes,
            "bytes_per_second": round(tally.bytes_per_second),
            "seconds_left": None if left is None else round(left, 1),
            "held_back": tally.held,
            "running": {
                item.name: {"bytes": item.bytes, "total_bytes": item.total_bytes, "rows": item.rows}
                for item in tally.running
            },
        }

    def _write(self, event: str, **fields: Any) -> None:
        known = {"event": event, "phase": self._tally.name, "seconds": round(self._tally.seconds, 3)}
        self._stream.write(json.dumps(known | fields) + "\n")
        self._stream.flush()
