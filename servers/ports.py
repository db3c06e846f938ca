"""TCP ports of loopback: a free one, and who holds one that is not."""

from __future__ import annotations

import secrets
import socket
import subprocess
import time
from pathlib import Path

LOOPBACK = "127.0.0.1"
QUIET_PORTS = (18000, 32000)
"""Above the well-known and most registered ports, below Linux's and macOS's ranges for outgoing ones."""


def free_port(address: str = LOOPBACK) -> int:
    """A port that nobody listens on now, drawn at random from those that systems do not hand out by
    themselves, so that no outgoing connection takes it before a server does."""
    for _ in range(100):
        port = secrets.choice(range(*QUIET_PORTS))
        if not is_taken(port, address):
            return port
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def is_taken(port: int, address: str = LOOPBACK) -> bool:
    """Whether somebody listens on `address`:`port` (found by trying to, as a server would)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return True
        return False


def becomes_free(port: int, address: str, seconds: float) -> bool:
    """Whether nobody listens there, at the latest after `seconds`: a killed server lets go a moment later."""
    deadline = time.monotonic() + seconds
    while is_taken(port, address):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def holder(port: int) -> str:
    """Who listens on `port`, for example `postgres (pid 4711)`; `another program` when the OS won't say."""
    return _from_proc(port) or _from_lsof(port) or "another program"


def _from_proc(port: int) -> str | None:
    listening = "0A"
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == listening and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(link.readlink()) in inodes for link in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:
            continue
    return None


def _from_lsof(port: int) -> str | None:
    """Where there is no /proc (macOS)."""
    try:
        listed = subprocess.run(
            ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    fields = {line[0]: line[1:] for line in listed.splitlines() if line}
    return f"{fields['c']} (pid {fields['p']})" if {"p", "c"} <= fields.keys() else None
