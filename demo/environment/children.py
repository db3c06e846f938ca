"""Programs that the demo starts, found again after it was killed: a pid file for each.

The pid file is written by the child itself before it becomes the program, so there is no moment in
which the program runs unknown. A pid file proves nothing by itself: a process is taken for ours only
if its command line names the demo's folder.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import psutil

from demo.environment.home import Home
from servers.postmaster import alive, command_names

_NOTE_AND_BECOME = 'echo $$ > "$1" && shift && exec "$@"'
_ENDED_BY = {
    "postgres": signal.SIGINT,
    "pgbouncer": signal.SIGTERM,
    "initdb": signal.SIGTERM,
    "pg_receivewal": signal.SIGTERM,
    "postgres_exporter": signal.SIGTERM,
    "prometheus": signal.SIGTERM,
}
"""The signal by which each of our servers, and what makes one, ends at once and cleanly."""
TERM_SECONDS = 30.0
"""What a program has to end by itself before it is killed."""


def start(
    home: Home,
    name: str,
    command: Sequence[str],
    *,
    variables: Mapping[str, str],
    output: BinaryIO,
    errors: BinaryIO | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command`, which must name the demo's folder, as the leader of a session of its own.

    Its standard output goes to `output`, its errors to `errors`, or to our own where that is None.
    """
    return subprocess.Popen(
        ["sh", "-c", _NOTE_AND_BECOME, "sh", str(home.pids / f"{name}.pid"), *command],
        env={**os.environ, **variables},
        cwd=home.project,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
    )


def stop(child: subprocess.Popen[bytes], seconds: float = TERM_SECONDS) -> int:
    """Ask a child to end, then make it, with all of its own; returns its exit status."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            _kill_group(child.pid)
    return child.wait()


def running(home: Home) -> dict[str, int]:
    """The demo's programs that still run, by name."""
    found = {}
    for file in sorted(home.pids.glob("*.pid")):
        try:
            pid = int(file.read_text())
        except ValueError:
            continue
        if pid != os.getpid() and alive(pid) and command_names(pid, home.root):
            found[file.stem] = pid
    return found


def stop_all(home: Home, seconds: float = TERM_SECONDS) -> list[str]:
    """End the programs that an earlier demo left running; returns their names."""
    left = running(home)
    for pid in left.values():
        _signal(pid, signal.SIGTERM)
    _wait(list(left.values()), seconds)
    for pid in left.values():
        _kill_group(pid)
    _end_providers(home)
    for file in home.pids.glob("*.pid"):
        file.unlink(missing_ok=True)
    return list(left)


def _end_providers(home: Home) -> None:
    """End Pulumi's helpers of this demo's stack, which outlive an engine that was killed.

    They are in groups of their own, without the folder in their command line; their environment names it.
    """
    backend = home.environment()["PULUMI_BACKEND_URL"]
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("PULUMI_BACKEND_URL") != backend:
                continue
            helper = process.name().startswith("pulumi-") or "pulumi.dynamic" in process.cmdline()
            if helper or any(word.endswith("/pulumi-language-python-exec") for word in process.cmdline()):
                process.kill()


def kill_servers(home: Home) -> int:
    """End every process whose command line names the demo's folder; returns how many there were.

    What is left once Pulumi has destroyed the stack, or when it cannot: PostgreSQL and PgBouncer
    processes, who fills the archives, who watches, and an initdb that a killed Pulumi's provider waits for.
    Nobody but the demo has this folder in a command line.
    """
    listed = subprocess.run(
        ["ps", "-ww", "-A", "-o", "pid=,args="], capture_output=True, text=True, check=True, timeout=10
    ).stdout
    ours: dict[int, signal.Signals] = {}
    for line in listed.splitlines():
        number, _, command = line.strip().partition(" ")
        program = Path(command.split(" ")[0]).name
        if f"{home.root}/" not in command:
            continue
        if program in _ENDED_BY:
            ours[int(number)] = _ENDED_BY[program]
        elif " -m operations.backup." in command or " -m operations.monitoring." in command:
            ours[int(number)] = signal.SIGTERM
    for pid, quickly in ours.items():
        _signal(pid, quickly)
    _wait(list(ours), 10)
    for pid in ours:
        _signal(pid, signal.SIGKILL)
    _wait(list(ours), 10)
    return len(ours)


def _wait(pids: Sequence[int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
