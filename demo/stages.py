"""What the demo is at, said as it goes: a line a stage with its seconds, or JSON lines; to stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status


class Stage:
    """One stage at work: what it says now, and what it says in the end."""

    def __init__(self, name: str, status: Status | None) -> None:
        self.name = name
        self.result = ""
        """What came of it; shown when it has ended."""
        self._status = status

    def now(self, text: str) -> None:
        """Say what it is at, on a terminal."""
        if self._status is not None:
            self._status.update(f"{self.name}: {text}")


class Stages:
    """The stages of one run. Lines go to stderr; with `as_json` each is a JSON object."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._started = time.monotonic()
        self.seconds: dict[str, float] = {}
        """By stage."""

    @contextmanager
    def stage(self, name: str, *, quiet: bool = False) -> Iterator[Stage]:
        """Time what is inside; `quiet` leaves the terminal to a program that is run inside."""
        started = time.monotonic()
        self._emit(name, "begins", 0.0, "", shown=quiet)
        if self._console.is_terminal and not self._as_json and not quiet:
            with self._console.status(name) as status:
                stage = Stage(name, status)
                yield stage
        else:
            stage = Stage(name, None)
            yield stage
        took = self.seconds[name] = round(time.monotonic() - started, 2)
        self._emit(name, "done", took, stage.result, shown=True)

    def note(self, text: str) -> None:
        """One more line."""
        self._emit("note", "note", 0.0, text, shown=True)

    def total(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._started

    def _emit(self, name: str, event: str, seconds: float, text: str, *, shown: bool) -> None:
        if self._as_json:
            line = {"stage": name, "event": event, "seconds": seconds, "text": text}
            sys.stderr.write(json.dumps(line) + "\n")
            sys.stderr.flush()
        elif not shown:
            return
        elif event == "note":
            self._console.print(f"  {text}", markup=False)
        elif event == "begins":
            self._console.print(f"» {name}", markup=False)
        else:
            detail = f"  {text}" if text else ""
            self._console.print(f"✓ {name:<24} {seconds:6.1f} s{detail}", markup=False)
