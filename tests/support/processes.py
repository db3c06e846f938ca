"""The processes that a test's own process has started, as the operating system sees them."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.support.absence import absent


@dataclass(frozen=True)
class Child:
    """A running child process."""

    pid: int
    name: str
    command: str
    """Its arguments, joined by spaces."""
    environment: str

    def kill(self) -> None:
        """`kill -9`."""
        os.kill(self.pid, signal.SIGKILL)


def children() -> list[Child]:
    """Children of this process that run, from /proc; without one, the test cannot run."""
    if not Path("/proc/self/task").exists():
        absent("children are found through /proc, which this system does not have")
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text()
            name, fields = (
                status[status.index("(") + 1 : status.rindex(")")],
                status.rsplit(")", 1)[1].split(),
            )
            if int(fields[1]) != os.getpid() or fields[0] == "Z":
                continue
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (folder / "environ").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        found.append(Child(int(folder.name), name, command, environment))
    return found
