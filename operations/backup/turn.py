"""One task at a time over all archives beside each other: eight backups at once would take the machine.

The lock is inherited by the task, so an orphan still has its turn. Who has waited long goes on without it: a
backup that hangs must not keep all others from theirs. Standard library alone.
"""

from __future__ import annotations

import time
from pathlib import Path

from operations.backup import locks
from operations.backup.due import Task

PATIENCE = {"wal": 120.0}
"""Seconds that a kind of task waits for its turn at most."""
PATIENCE_OF_OTHERS = 3600.0


class Turn:
    """One supervisor's place in the queue. `lock`: a file that all of them share."""

    def __init__(self, lock: Path) -> None:
        self._lock = lock
        self._since: float | None = None

    def take(self, task: Task) -> tuple[bool, int | None]:
        """Whether the task may begin now, and the lock for it as an open descriptor (None: without)."""
        try:
            descriptor = locks.take(self._lock)
        except OSError:
            return True, None
        now = time.monotonic()
        if descriptor is None:
            self._since = now if self._since is None else self._since
            if now - self._since < PATIENCE.get(task, PATIENCE_OF_OTHERS):
                return False, None
        self._since = None
        return True, descriptor
