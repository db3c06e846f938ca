"""Barman's locks: a file, flock, the holder's process id inside. Standard library alone."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from servers import osuser


def take(path: Path) -> int | None:
    """The lock as an open descriptor; None while another process holds it. Raises OSError."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    osuser.hand_over(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def release(descriptor: int) -> None:
    """Give it back."""
    os.close(descriptor)


def name_holder(descriptor: int, pid: int) -> None:
    """Write who holds a lock into it."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{pid}\n".encode(), 0)


def holder(path: Path) -> int | None:
    """The process id in a lock that is held; None: nobody holds it. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        said = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        return int(said) if said.isdigit() else -1
    else:
        return None
    finally:
        os.close(descriptor)
