"""The words of state in the journal: what a move is, how it is made, and which verb switches it."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Mode = Literal["offline", "online"]
Verb = Literal["cutover", "rollback"]


class State(StrEnum):
    """Where a move is; the journal has the word itself."""

    RUNNING = "running"
    """An offline move is under way, or was cut off."""
    UNDONE = "undone"
    """It failed, nothing was switched, and the next run starts over."""
    STARTING = "starting"
    FOLLOWING = "following"
    CUTTING_OVER = "cutting over"
    MOVED = "moved"
    ROLLING_BACK = "rolling back"
    FALLING = "falling back"
    """A quick rollback to the shared database, without its own, is under way or was cut off."""
    FALLEN = "fallen back"
    """The shared database serves it, and its own is lost."""
    RECOVERING = "recovering"
    """A quick rollback to its own database, as it was restored, is under way or was cut off."""
    FINISHING = "finishing"
    FINISHED = "finished"


SWITCHING: dict[str, Verb] = {State.CUTTING_OVER: "cutover", State.ROLLING_BACK: "rollback"}
"""States in which a switch is under way or was cut off."""
