"""Turns of work: so many at once over a copy and the builds beside it, the largest of what waits first.

While the copy goes on builds have half of the turns at most: its snapshot keeps vacuum of the shared database
from rows that are gone, so it must not last as long as all indexes do.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_LOOK_SECONDS = 0.1


@dataclass(frozen=True, order=True)
class _Ticket:
    """Of who waits: the smallest is next."""

    less: int
    number: int
    beside: bool


class Turns:
    """What a copy and the builds beside it share, so that both together are no more than the workers."""

    def __init__(self, number: int) -> None:
        """At most `number` at a time."""
        self._free = number
        self._free_beside = number // 2
        self._kept = number - self._free_beside
        self._waiting: list[_Ticket] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()

    @contextmanager
    def one(self, cost: int, over: Callable[[], bool], *, beside: bool = False) -> Iterator[bool]:
        """A turn for work that reads so many bytes; gives False, and no turn, once `over` says so.

        `beside`: for a build, not for the copy.
        """
        taken = self._take(cost, over, beside)
        try:
            yield taken
        finally:
            if taken:
                self._give(beside)

    def copied(self) -> None:
        """The copy has ended: builds have all turns."""
        with self._changed:
            self._free_beside += self._kept
            self._kept = 0
            self._changed.notify_all()

    def _take(self, cost: int, over: Callable[[], bool], beside: bool) -> bool:
        with self._changed:
            ticket = _Ticket(-cost, next(self._numbers), beside)
            self._waiting.append(ticket)
            try:
                while not self._is_next(ticket):
                    if over():
                        return False
                    self._changed.wait(_LOOK_SECONDS)
                if over():
                    return False
                self._free -= 1
                self._free_beside -= beside
                return True
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _is_next(self, ticket: _Ticket) -> bool:
        able = (one for one in self._waiting if not one.beside or self._free_beside > 0)
        return self._free > 0 and min(able, default=None) == ticket

    def _give(self, beside: bool) -> None:
        with self._changed:
            self._free += 1
            self._free_beside += beside
            self._changed.notify_all()
