"""Turns of work: so many at once over several kinds of it, the largest of what waits first."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK_SECONDS = 0.1


class Turns:
    """What a copy and the builds beside it share, so that both together are no more than the workers."""

    def __init__(self, number: int) -> None:
        """At most `number` at a time."""
        self._free = number
        self._waiting: list[tuple[int, int]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()

    @contextmanager
    def one(self, cost: int, over: Callable[[], bool]) -> Iterator[bool]:
        """A turn for work that reads so many bytes; gives False, and no turn, once `over` says so."""
        taken = self._take(cost, over)
        try:
            yield taken
        finally:
            if taken:
                self._give()

    def _take(self, cost: int, over: Callable[[], bool]) -> bool:
        with self._changed:
            ticket = (-cost, next(self._numbers))
            heapq.heappush(self._waiting, ticket)
            try:
                while not self._free or self._waiting[0] != ticket:
                    if over():
                        return False
                    self._changed.wait(_LOOK_SECONDS)
                if over():
                    return False
                self._free -= 1
                return True
            finally:
                self._waiting.remove(ticket)
                heapq.heapify(self._waiting)
                self._changed.notify_all()

    def _give(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify_all()
