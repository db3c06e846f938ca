"""What the supervisor says of itself: a small file, written every few seconds. Standard library alone."""

from __future__ import annotations

import errno
import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from operations.backup import locks
from operations.backup.archive import Archive
from servers import osuser

ROOM = 8192
"""Bytes that the file always has: to write it again it needs none more, when the disk is full."""
BEAT_SECONDS = 15.0
"""The file is never older while the supervisor lives."""


@dataclass
class ReceiverState:
    """Who receives WAL now. Times are seconds since 1970."""

    pid: int | None = None
    since: float | None = None
    restarts: int = 0
    ended: float | None = None
    """When the last one ended by itself."""
    said: str = ""
    """Its last words."""


@dataclass
class SynchronousState:
    """Whether commits wait for the archive. Times are seconds since 1970."""

    in_force: bool = False
    since: float | None = None
    released: float | None = None
    """Since when they do not, although services.yaml wants it; None: they do, or never did."""
    releases: int = 0
    said: str = ""
    """Why they do not."""


@dataclass
class TaskState:
    """How a kind of task went last."""

    begun: float | None = None
    ended: float | None = None
    done: float | None = None
    """When it last went well."""
    failures: int = 0
    """In a row."""
    said: str = ""


@dataclass
class SupervisorState:
    """All of it."""

    pid: int = 0
    started: float = 0.0
    beat: float = 0.0
    slot_made: bool = False
    """The slot was there once. It is never made again by itself: WAL is missing where one was lost."""
    stopped: bool = False
    """Nothing is received or taken until it is told to go on (a restore exchanges the data)."""
    clock_jump: float = 0.0
    """Seconds by which the clock was set since the supervisor started, all together."""
    receiver: ReceiverState = field(default_factory=ReceiverState)
    synchronous: SynchronousState = field(default_factory=SynchronousState)
    tasks: dict[str, TaskState] = field(default_factory=dict)
    running: str | None = None


def _file(archive: Archive) -> Path:
    return archive.state / "supervisor.json"


def lock_file(archive: Archive) -> Path:
    """Held by the supervisor while it lives."""
    return archive.state / "supervisor.lock"


def read_state(archive: Archive) -> SupervisorState:
    """What the last supervisor wrote; all zero where there was none, or what it wrote cannot be read."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        said: dict[str, Any] = json.loads(_file(archive).read_text(encoding="utf-8"))
        receiver = ReceiverState(**said.pop("receiver", {}))
        synchronous = SynchronousState(**said.pop("synchronous", {}))
        tasks = {name: TaskState(**one) for name, one in said.pop("tasks", {}).items()}
        return SupervisorState(**said, receiver=receiver, synchronous=synchronous, tasks=tasks)
    return SupervisorState()


def write_state(archive: Archive, state: SupervisorState) -> None:
    """Keep it: whole or not at all, and over what is there where the disk is full. Raises OSError."""
    state.beat = time.time()
    text = (json.dumps(asdict(state), indent=1) + "\n").ljust(ROOM)
    try:
        osuser.write_private(_file(archive), text)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        with _file(archive).open("r+", encoding="utf-8") as file:
            file.write(text)
            file.truncate()


def supervisor(archive: Archive) -> int | None:
    """The process id of the supervisor that lives; None: there is none."""
    try:
        return locks.holder(lock_file(archive))
    except OSError:
        return None
