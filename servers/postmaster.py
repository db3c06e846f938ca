"""A server's process: who it is, whether it lives, and what a pid file left behind is worth."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path


def alive(pid: int) -> bool:
    """Whether a process has this id (a zombie counts as dead: it holds nothing any more)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] != "Z"


def born(pid: int) -> int | None:
    """When a process started, in clock ticks since the machine did: an id comes again, the two together do
    not. None where there is no such process, or no /proc (proc(5), field 22 of `stat`)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(status.rpartition(")")[2].split()[19])


def postmaster_pid(data: Path) -> int | None:
    """Id of the postmaster that runs on the data folder, None when none does.

    A pid file alone proves nothing: after a crash or a reboot its id may be another program's, most
    likely that of a sibling PostgreSQL. The process must also work in this very folder.
    """
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if alive(pid) and _works_in(pid, data) else None


def _works_in(pid: int, data: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve()
    except PermissionError:
        return command_names(pid, data)
    except OSError:
        # No /proc (macOS), or gone in this very moment.
        return not Path("/proc/self").exists() and command_names(pid, data)


def command_names(pid: int, path: Path) -> bool:
    """Whether the process was started with this path among its arguments (`postgres -D <data>`)."""
    return str(path) in _ps("-o", "args=", "-p", str(pid))


def remove_stale_pid_file(data: Path) -> bool:
    """Removes postmaster.pid when no postmaster runs on `data`; returns whether there was one.

    PostgreSQL does so itself except when the id belongs to another process of the same user, which is
    what happens to many servers that start in another order after a reboot.
    """
    if postmaster_pid(data) is not None or not (data / "postmaster.pid").exists():
        return False
    (data / "postmaster.pid").unlink(missing_ok=True)
    return True


def remove_stale_socket_lock(sockets: Path, port: int) -> None:
    """The same for the lock file of a unix socket, which names the process and its data folder."""
    lock = sockets / f".s.PGSQL.{port}.lock"
    try:
        data = Path(lock.read_text().splitlines()[1])
    except (OSError, IndexError):
        return
    if postmaster_pid(data) is None:
        lock.unlink(missing_ok=True)


def kill_with_children(pid: int) -> None:
    """SIGKILL to a process and its children at once, as when a machine dies."""
    children = [
        int(child)
        for child, parent in (line.split() for line in _ps("-A", "-o", "pid=,ppid=").splitlines())
        if int(parent) == pid
    ]
    for victim in (pid, *children):
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue


def orphans(data: Path) -> list[int]:
    """Server processes that still work on a data folder whose postmaster is gone.

    Each ends by itself once it waits for anything but another's lock. Empty while a postmaster runs, and
    where the system does not tell a process's folder (macOS).
    """
    if postmaster_pid(data) is not None:
        return []
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            named = (process / "comm").read_text().startswith("postgres")
        except OSError:
            continue
        if named and _works_in(int(process.name), data):
            found.append(int(process.name))
    return found


def end_orphans(data: Path, *, at_once: bool) -> list[int]:
    """Asks what `orphans` finds to exit, as a postmaster does after a crash (SIGQUIT), or kills it.

    Returns their ids.
    """
    ended = []
    for pid in orphans(data):
        try:
            os.kill(pid, signal.SIGKILL if at_once else signal.SIGQUIT)
        except ProcessLookupError:
            continue
        ended.append(pid)
    return ended


def _ps(*arguments: str) -> str:
    # -ww: or a COLUMNS in the environment cuts the arguments off.
    return subprocess.run(
        ["ps", "-ww", *arguments], capture_output=True, text=True, check=False, timeout=10
    ).stdout
