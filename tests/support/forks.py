"""Programs of this project run to their end, each in a process of its own, without Python's start.

What most acceptance tests try is what a verb does: its process is forked from one that has imported it
(`fork_server`), one a session of pytest. How a program starts is tried by those that start it themselves.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO

from tests.support.places import REPOSITORY

_DECIDED_AT_START = ("PYTHON", "LC_", "LANG", "LD_")
"""Variables of the environment that Python or its libraries read when they start, by how they begin."""
_FORKED = {"migration", "operations", "tests.support.faulty", "tests.support.plain_program"}
"""Programs that are the same whether a verb was imported before them; one that changes modules is not."""
_SENDING = threading.Lock()


def run(
    entry: str,
    *arguments: str,
    environment: Mapping[str, str],
    timeout: float,
    folder: Path = REPOSITORY,
) -> subprocess.CompletedProcess[str]:
    """`python -m ENTRY ARGUMENTS` to its end, without input; output as text. `timeout` in seconds.

    Raises subprocess.TimeoutExpired, after the program was killed.
    """
    command = [sys.executable, "-m", entry, *arguments]
    if entry not in _FORKED or _at_start(environment) != _at_start(os.environ):
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    with (
        open(os.devnull, "rb") as nothing,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as error,
    ):
        request = {
            "entry": entry,
            "arguments": arguments,
            "environment": dict(environment),
            "folder": str(folder),
        }
        told, tell = os.pipe()
        try:
            with _SENDING:
                streams = [nothing.fileno(), out.fileno(), error.fileno(), tell]
                socket.send_fds(_server(), [json.dumps(request).encode()], streams)
        finally:
            os.close(tell)
        with os.fdopen(told, "rb") as lines:
            ended, late = _ended(lines.fileno(), timeout)
        texts = [_text(stream) for stream in (out, error)]
    if late:
        raise subprocess.TimeoutExpired(command, timeout, *texts)
    return subprocess.CompletedProcess(command, ended, *texts)


def _ended(told: int, timeout: float) -> tuple[int, bool]:
    """The program's exit status as subprocess gives it, and whether it was killed for being late."""
    deadline, said, late = time.monotonic() + timeout, b"", False
    while said.count(b"\n") < 2:
        wait = max(0.0, deadline - time.monotonic()) if not late else None
        ready, _, _ = select.select([told], [], [], wait)
        if ready:
            more = os.read(told, 64)
            assert more, "the server of programs has ended"
            said += more
        elif said:
            late = True
            os.kill(int(said.split()[0]), signal.SIGKILL)
        else:
            deadline += 1  # it has not begun: the machine is busy, and there is nothing to kill yet
    return os.waitstatus_to_exitcode(int(said.split()[1])), late


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="backslashreplace")


@cache
def _server() -> socket.socket:
    """The session's: it ends when this process does, and its end of the socket with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno())],
            cwd=REPOSITORY,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def end_server() -> None:
        ours.close()
        server.wait(10)

    atexit.register(end_server)
    return ours


def _at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_DECIDED_AT_START)}
