"""Holds a copy back while its service is out of its band: a throttle beside the one that watches commits.

The law is the same (core.pacing): the share of the time in which workers copy is halved with each look that
is out of the band, and grows by a twentieth with each that is not; never below a tenth, so that a copy ends
whatever else is wrong.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from core.pacing import Clock, Share
from migration.slo.band import Band, Figures, Look, figures
from migration.slo.before import EVERY_SECONDS, measured
from migration.slo.look import Eyes

WINDOW = 3
"""Looks, a second apart, that a figure is over."""


class Hold:
    """The throttle (`migration.copy.throttle.Throttle`), fed by a thread that looks each second."""

    def __init__(self, eyes: Eyes, band: Band, clock: Clock = time.monotonic) -> None:
        self.band = band
        self.share = Share(clock)
        self.out = 0
        """Looks that were out of the band."""
        self.worst: str | None = None
        """Why the first of them was."""
        self._eyes = eyes
        self._looks: deque[Look] = deque(maxlen=WINDOW + 1)
        self._reason: str | None = None
        self._stop = threading.Event()

    def observe(self, look: Look) -> None:
        """Take one look."""
        self._looks.append(look)
        if len(self._looks) < 2:
            return
        found: Figures = figures(list(self._looks))
        self._reason = self.band.left(found)
        if self._reason is None:
            self.share.grow()
            return
        self.out += 1
        self.worst = self.worst or self._reason
        self.share.halve()

    def rest(self, moved: int) -> float:
        """As long as keeps this worker to the share."""
        return self.share.rest()

    def why(self) -> str | None:
        """While the share is not the whole."""
        if self.share.whole:
            return None
        return f"{self._reason or 'it was out of its band'}; working {self.share.value:.0%} of the time"

    def figures(self) -> dict[str, Any]:
        """For the journal: what was before, and how often and why the service was out of that."""
        return {"before": self.band.before.as_json(), "looks_out": self.out, "first": self.worst}

    def watch(self) -> None:
        """Look until `stop`."""
        while not self._stop.wait(EVERY_SECONDS):
            self.observe(self._eyes.look())

    def stop(self) -> None:
        """End `watch`."""
        self._stop.set()


@contextmanager
def holding(eyes: Eyes, check: Callable[[], None]) -> Iterator[Hold]:
    """Measure what the service does now, then watch it while the context lasts.

    `check` raises where somebody wants to stop. Raises NotMeasured.
    """
    with eyes:
        hold = Hold(eyes, measured(eyes, check))
        thread = threading.Thread(target=hold.watch, name="slo", daemon=True)
        thread.start()
        try:
            yield hold
        finally:
            hold.stop()
            thread.join()
