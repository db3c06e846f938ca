"""Who keeps programs running for a stack: a process of ours per folder, found by the lock that it holds.

Its program takes the lock `FOLDER/state/supervisor.lock`, writes its process id into it, and ends with
`ALREADY` where another one holds it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from servers.errors import ServerError

ALREADY = 3
"""A supervisor's exit status where one runs."""
START_SECONDS = 30.0
_ENVIRONMENT = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "LD_LIBRARY_PATH",
    "WAQITI_STATE_DIR", "WAQITI_CACHE_DIR", "WAQITI_OS_USER",
})  # fmt: skip

_children: list[subprocess.Popen[bytes]] = []
"""Kept, so that Python does not complain of processes that outlive it."""


def start(module: str, folder: Path, what: str) -> int:
    """Start `python -m MODULE FOLDER` for as long as this machine is up; returns its process id.

    One that runs already goes on, and ours ends at once. Nothing of this process's environment, which may
    hold passwords, goes with it but what says where things are. Raises ServerError where it does not come up.
    """
    with (folder / "log" / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=Path(__file__).parents[1],
            env={name: value for name, value in os.environ.items() if name in _ENVIRONMENT},
        )
    _children.append(process)
    deadline = time.monotonic() + START_SECONDS
    while running(folder) is None:
        if process.poll() not in (None, ALREADY) or time.monotonic() > deadline:
            raise ServerError(
                f"the supervisor of {what} did not start",
                where=str(folder / "log" / "supervisor.log"),
                to_do="read it; then `pulumi up` again",
            )
        time.sleep(0.02)
    return process.pid


def running(folder: Path) -> int | None:
    """The process id of the folder's supervisor that runs; None: there is none."""
    lock = folder / "state" / "supervisor.lock"
    try:
        with lock.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        said = lock.read_text(encoding="ascii").strip()
        return int(said) if said.isdigit() else None
    return None


def stop(folder: Path, seconds: float = 30.0) -> None:
    """End it with what it started, and wait at most `seconds`. Raises ServerError."""
    deadline = time.monotonic() + seconds
    while (pid := running(folder)) is not None:
        if time.monotonic() > deadline:
            raise ServerError("does not end", where=f"the supervisor {pid} of {folder}", to_do="end it")
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        time.sleep(0.1)
