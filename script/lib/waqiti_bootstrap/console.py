"""Progress on standard error: a line that renews itself on a terminal, plain lines off it."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_WIDTH = 120


def duration(seconds: float) -> str:
    """`seconds` as a person says them: "0.4 s", "52 s", "3 min 05 s"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


class Console:
    """Writes steps and how far they are to `stream` (standard error).

    On a terminal one line says so and is renewed five times a second; elsewhere each step is a line when
    it begins, one when it ends, and one every `interval` seconds in between.
    """

    def __init__(self, stream: TextIO | None = None, interval: float = 30.0) -> None:
        self.stream = stream if stream is not None else sys.stderr
        self.live = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        self._interval = 0.2 if self.live else interval
        self._text = ""
        self._shown = False

    def note(self, text: str) -> None:
        """A line that stays."""
        self._clear()
        print(text, file=self.stream, flush=True)

    def progress(self, text: str) -> None:
        """Where the running step is; shown when its turn comes."""
        self._text = text

    @contextmanager
    def step(self, title: str, expectation: str = "") -> Iterator[None]:
        """A step called `title`; `expectation` says how long it takes. Its time is shown when it ends."""
        began = time.monotonic()
        announced = f"{title} ({expectation})" if expectation else title
        self._text = announced
        if not self.live:
            self.note(f"{announced} ...")
        over = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(over, began), daemon=True)
        ticker.start()
        try:
            yield
        finally:
            over.set()
            ticker.join()
            self._clear()
        self.note(f"{title}: done in {duration(time.monotonic() - began)}")

    def _tick(self, over: threading.Event, began: float) -> None:
        while not over.wait(self._interval):
            elapsed = duration(round(time.monotonic() - began))
            line = f"  {elapsed}: {self._text}"
            if self.live:
                self._clear()
                self.stream.write(line[: _columns() - 1])
                self.stream.flush()
                self._shown = True
            else:
                print(line[:_WIDTH], file=self.stream, flush=True)

    def _clear(self) -> None:
        if self._shown:
            self.stream.write("\r\x1b[K")
            self._shown = False


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _WIDTH
    except (OSError, ValueError):
        return _WIDTH
