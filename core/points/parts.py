"""How long each part of a pause took."""

from __future__ import annotations

import time


class Parts:
    """One part at a time, each begun where the one before ends."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}
        self._name: str | None = None
        self._since = 0.0

    def begin(self, name: str) -> None:
        """End the part before; begin this."""
        self.end()
        self._name, self._since = name, time.monotonic()

    def end(self) -> None:
        """No part is under way any more."""
        if self._name is not None:
            self.ms[self._name] = round((time.monotonic() - self._since) * 1000, 2)
        self._name = None
