"""`python -m operations.monitoring.supervise FOLDER`: keeps a stack's exporters and its Prometheus running.

What one of them is started with stands in `programs.json`. One that ends is started again within a second,
later and later where it ends at once. `state/supervisor.json` says how they are, `state/disks.json` what
is left where the instances' data is. Standard library alone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from operations.backup import locks
from operations.monitoring import disks
from servers import osuser

LOOK_SECONDS = 0.5
BEAT_SECONDS = 10.0
DISKS_SECONDS = 2.0
LONGEST_PAUSE = 30.0
"""Seconds between two starts of a program that ends at once."""
SETTLED_SECONDS = 60.0
LARGEST_LOG = 5 * 1024**2
STOP_SECONDS = 8.0


@dataclass
class ProgramState:
    """How a program is; what `supervisor.json` keeps of it."""

    pid: int | None = None
    since: float | None = None
    restarts: int = 0
    ended: int | None = None
    """The exit status of the last one that ended by itself."""


@dataclass
class Program:
    """One program."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    log: Path
    becomes: bool = True
    """Whether it runs as the servers' user from its start; our own becomes it when all is imported, because
    root's Python environment may be closed to that user."""
    state: ProgramState = field(default_factory=ProgramState)
    process: subprocess.Popen[bytes] | None = None
    next_start: float = 0.0
    pause: float = 1.0

    def look(self) -> bool:
        """Start it where it does not run; returns whether its state changed."""
        now = time.monotonic()
        if self.process is not None:
            if self.process.poll() is None:
                return False
            self.state.ended, self.state.pid = self.process.returncode, None
            lived = time.time() - (self.state.since or 0.0)
            self.pause = 1.0 if lived > SETTLED_SECONDS else min(self.pause * 2, LONGEST_PAUSE)
            self.process, self.next_start = None, now + (0.0 if lived > SETTLED_SECONDS else self.pause / 2)
            self.state.restarts += 1
            return True
        if now < self.next_start:
            return False
        self._start()
        return True

    def _start(self) -> None:
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > LARGEST_LOG:
                self.log.rename(self.log.with_suffix(".log.1"))
        environment = osuser.clean_environment(self.environment)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                osuser.as_servers_user(self.arguments) if self.becomes else self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=Path(__file__).parents[2],
                start_new_session=True,
            )
        self.state.pid, self.state.since = self.process.pid, time.time()


class Supervisor:
    """All of a folder's programs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        listed: list[dict[str, Any]] = json.loads((folder / "programs.json").read_text(encoding="utf-8"))
        self.programs = [
            Program(
                one["name"],
                one["arguments"],
                one["environment"],
                folder / "log" / f"{one['name']}.log",
                one.get("becomes", True),
            )
            for one in listed
        ]
        control = json.loads((folder / "control.json").read_text(encoding="utf-8"))
        self._data: dict[str, str] = {name: one["data"] for name, one in control["services"].items()}
        self._ending = False

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        kept = looked = 0.0
        while not self._ending:
            if time.monotonic() - looked > DISKS_SECONDS:
                self._look_at_disks()
                looked = time.monotonic()
            changed = [self._look(program) for program in self.programs]
            if any(changed) or time.monotonic() - kept > BEAT_SECONDS:
                self._keep()
                kept = time.monotonic()
            time.sleep(LOOK_SECONDS)
        self._stop()

    def _look_at_disks(self) -> None:
        found = {}
        for name, data in self._data.items():
            with suppress(OSError):
                found[name] = disks.look(data)
        self._write(disks.file_of(self._folder), found)

    def _look(self, program: Program) -> bool:
        try:
            return program.look()
        except OSError as error:
            # A full disk must not end who keeps the others alive.
            sys.stderr.write(f"{program.name}: {error.strerror}\n")
            program.next_start = time.monotonic() + LONGEST_PAUSE
            return False

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._ending = True

    def _stop(self) -> None:
        running = [one.process for one in self.programs if one.process is not None]
        for process in running:
            with suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _keep(self) -> None:
        said = {"beat": time.time(), "programs": {one.name: asdict(one.state) for one in self.programs}}
        self._write(self._folder / "state" / "supervisor.json", said)

    @staticmethod
    def _write(file: Path, said: Mapping[str, Any]) -> None:
        with suppress(OSError):
            osuser.write_private(file, json.dumps(said, indent=1) + "\n")


def main(folder: Path) -> int:
    """Run until told to end; 3 where one runs already."""
    lock = locks.take(folder / "state" / "supervisor.lock")
    if lock is None:
        return 3
    locks.name_holder(lock, os.getpid())
    Supervisor(folder).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
