"""How much of the time work goes on that somebody else pays for: less while it harms them. Pure.

The control law is TCP's (additive increase, multiplicative decrease): the share of the time in which workers
are at it is halved with each observation of harm, and grows by a twentieth with each that is none. It never
falls below a tenth, so that the work ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LONGEST_REST_SECONDS = 20.0
"""In one go; whoever rests can be woken. A worker that is looked at four times a second may have moved in
between what a low rate allows in many seconds."""
SMALLEST_SHARE = 0.1
STEP = 0.05

Clock = Callable[[], float]


class Share:
    """A share of the time, and how long each thread rests to keep to it."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.value = 1.0
        """From a tenth to 1: all of the time."""
        self._clock = clock
        self._busy_since = threading.local()

    @property
    def whole(self) -> bool:
        """Whether nobody has to rest."""
        return self.value >= 1

    def halve(self) -> None:
        """Harm was seen."""
        self.value = max(self.value / 2, SMALLEST_SHARE)

    def grow(self) -> None:
        """None was seen."""
        self.value = min(self.value + STEP, 1.0)

    def shrink(self) -> None:
        """Nothing can be seen any more: be careful."""
        self.value = SMALLEST_SHARE

    def rest(self) -> float:
        """Seconds that make the time since this thread's last rest its share of the whole; at most 20."""
        now = self._clock()
        busy = now - getattr(self._busy_since, "value", now)
        rest = min(busy * (1 - self.value) / self.value, LONGEST_REST_SECONDS)
        self._busy_since.value = now + rest
        return rest
