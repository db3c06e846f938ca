"""The program with faults at chosen points: `python -m tests.support.faulty run user --yes ...`.

`WAQITI_TEST_FAULTS` is a JSON list of `{"point", "step", "act"}`; `act` is `kill` (SIGKILL), `interrupt`
(SIGINT), `terminate` (SIGTERM), `fail` (an error of the migration), `bug` (any other error), `execute`
(run `statement` in `database`, a connection string) or `signal` (SIGKILL to the process `pid`).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from core.errors import CopyFailed
from core.observer import Point
from migration.__main__ import main
from migration.steps.runner import UNDO_PREFIX

_SIGNALS = {"kill": signal.SIGKILL, "interrupt": signal.SIGINT, "terminate": signal.SIGTERM}


class Faults:
    """An observer that brings about what it was told to, each fault once."""

    def __init__(self, faults: list[dict[str, str]]) -> None:
        self._faults = faults

    def reached(self, point: Point, step: str) -> None:
        """Act if a fault is for this point."""
        for fault in self._faults:
            if (fault["point"], fault["step"]) == (point, step):
                self._faults.remove(fault)
                self._act(fault["act"], fault)
                return

    def _act(self, act: str, fault: dict[str, str]) -> None:
        if act == "execute":
            with psycopg.connect(fault["database"], autocommit=True) as connection:
                connection.execute(fault["statement"].encode())
            return
        if act == "signal":
            os.kill(int(fault["pid"]), signal.SIGKILL)
            return
        if act == "fail":
            raise CopyFailed("a fault that the test brought about")
        if act == "bug":
            raise ZeroDivisionError("a bug that the test brought about")
        os.kill(os.getpid(), _SIGNALS[act])


@dataclass
class At:
    """An observer that does something when a step begins to act, and something else when an undo begins."""

    step: str
    act: Callable[[], object]
    undoing: Callable[[], object] = lambda: None

    def reached(self, point: Point, step: str) -> None:
        """Act if this is the step, or an undo."""
        if (point, step) == ("begun", self.step):
            self.act()
        elif step.startswith(UNDO_PREFIX):
            self.undoing()


if __name__ == "__main__":
    sys.exit(main(observer=Faults(json.loads(os.environ["WAQITI_TEST_FAULTS"]))))
