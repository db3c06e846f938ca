"""Waiting that ends as soon as a child does, or when somebody pokes: nothing is polled for that.

Standard library alone.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from contextlib import suppress
from types import FrameType

POKE = signal.SIGUSR1
"""What a supervisor is sent by who wants it to look now."""


class Wake:
    """A process has one. It handles SIGCHLD and `POKE`."""

    def __init__(self) -> None:
        self._reading, self._writing = socket.socketpair()
        self._reading.setblocking(False)
        self._writing.setblocking(False)
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, POKE):
            signal.signal(number, _heard)

    def wait(self, seconds: float) -> None:
        """Until a signal comes, `seconds` at most."""
        if select.select([self._reading], [], [], max(0.0, seconds))[0]:
            with suppress(BlockingIOError):
                while self._reading.recv(512):
                    pass


def poke(pid: int | None) -> None:
    """Let a supervisor look now; it looks by itself a second later anyway."""
    if pid is not None and pid > 1:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, POKE)


def _heard(_number: int, _frame: FrameType | None) -> None:
    """The wait ends; there is no more to it."""
