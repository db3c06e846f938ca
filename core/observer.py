"""Who is told where a run of steps is. Pure."""

from __future__ import annotations

from typing import Literal, Protocol

Point = Literal["begin", "begun", "acted", "ended"]
"""Where a process can die around a step: before its record, before its act, after it, after its record."""


class Observer(Protocol):
    """Sees where a run is. Tests use one that kills the process at a chosen point."""

    def reached(self, point: Point, step: str) -> None:
        """The run is at `point` of `step`."""


class Unobserved:
    """Nobody looks."""

    def reached(self, point: Point, step: str) -> None:
        """Ignored."""
