"""What is left where an instance's data is.

A container's volume is root's alone to look at, and no exporter runs as root. So who keeps the exporters
running looks for them, and leaves what it saw in `state/disks.json` of its folder. Standard library alone.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TypedDict


class Disk(TypedDict):
    """One look."""

    free: int
    """Bytes."""
    size: int
    """Bytes."""
    made: float | None
    """When the data's cluster was made: PG_VERSION is written once. Seconds since 1970; None: it has none."""


def look(data: str) -> Disk:
    """The disk of the data folder `data`. Raises OSError."""
    disk, made = os.statvfs(data), None
    with suppress(OSError):
        made = os.stat(f"{data}/PG_VERSION").st_mtime
    return Disk(
        free=disk.f_bavail * disk.f_frsize,
        size=disk.f_blocks * disk.f_frsize,
        made=made,
    )


def disk_of(service: str, data: str, folder: str | None) -> Disk | None:
    """As we see it ourselves, or else as it was seen by who keeps `folder` running; None where nobody can."""
    with suppress(OSError):
        return look(data)
    if folder is not None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            found: Disk = json.loads(file_of(folder).read_text(encoding="utf-8"))[service]
            return found
    return None


def file_of(folder: str | Path) -> Path:
    """Where the last look of all services is kept."""
    return Path(folder) / "state" / "disks.json"
