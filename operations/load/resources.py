"""What a load costs: processor of the machine, of the server and of the load itself; blocks, rows."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

from operations.load.places import Place, counters

T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """Of one play."""

    seconds: float
    cores: int
    machine: float
    """Seconds of processor that the whole machine spent, everybody's."""
    load: float
    """That the load itself spent, of those."""
    server: float | None
    """That the server's processes spent; None: it does not run on this machine, or may not be looked at."""
    counted: dict[str, int]

    @property
    def busy(self) -> float:
        """Part of the machine that was busy."""
        return self.machine / (self.seconds * self.cores)

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "machine_busy": round(self.busy, 4),
            "load_cpu_seconds": round(self.load, 3),
            "server_cpu_seconds": None if self.server is None else round(self.server, 3),
            **self.counted,
        }


def costing(place: Place, act: Callable[[], T]) -> tuple[T, Cost]:
    """Do `act` and return what it gave, with what was spent meanwhile."""
    before = dict(counters(place))
    server = _ServerTime(place.data)
    begun, machine, ours = time.monotonic(), _machine(), time.process_time()
    result = act()
    seconds = max(time.monotonic() - begun, 1e-6)
    spent, load = _machine() - machine, time.process_time() - ours
    at_server = server.spent()
    after = dict(counters(place))
    counted = {name: int(after[name]) - int(before.get(name, 0)) for name in after}
    return result, Cost(seconds, psutil.cpu_count() or 1, spent, load, at_server, counted)


def _machine() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "nice", 0.0))


class _ServerTime:
    """Processor of a server and its sessions, those that begin and end meanwhile included."""

    def __init__(self, data: Path | None) -> None:
        self._pid: int | None = None
        with contextlib.suppress(OSError, ValueError, IndexError):
            if data is not None:
                self._pid = int((data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        self._before = self._times()

    def spent(self) -> float | None:
        """Seconds since it was made."""
        if self._pid is None:
            return None
        # What a session that has ended had spent is its parent's by now.
        return sum(self._times().values()) - sum(self._before.values())

    def _times(self) -> dict[int, float]:
        found: dict[int, float] = {}
        if self._pid is None:
            return found
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(self._pid)
            for process in (parent, *parent.children()):
                with contextlib.suppress(psutil.Error):
                    times = process.cpu_times()
                    found[process.pid] = times.user + times.system
                    if process.pid == self._pid:
                        found[process.pid] += times.children_user + times.children_system
        return found
