"""Ctrl-C and SIGTERM: end what is under way, undo it once, and let nobody break the undo."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from core.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Turns the first signal into `Interrupted` in the main thread, and into a set `stop` for workers.

    Inside `shield()` nothing is raised: the signal is remembered, and raised when the shield ends
    (or never, if what ends is an undo). Later signals only say that the undo goes on.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        """Set by the first signal; workers look at it between pieces of work."""
        self._shields = 0
        self._raised = False

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the signals while the context lasts. Only in the main thread."""
        before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Let the block run to its end whatever signals come."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1

    def check(self) -> None:
        """Raise Interrupted if a signal came and was not raised yet."""
        if self.stop.is_set() and not self._raised:
            self._raise()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.stop.is_set():
            sys.stderr.write("already ending: what was begun is being undone, please wait\n")
            return
        self.stop.set()
        if not self._shields:
            self._raise()

    def _raise(self) -> None:
        self._raised = True
        raise Interrupted("interrupted; what was begun is undone and nothing was switched")
