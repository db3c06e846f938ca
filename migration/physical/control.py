"""What `pg_controldata` says of a data folder whose server is down."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from core.errors import FilesFailed
from servers import osuser

CLEAN = "shut down"


@dataclass(frozen=True)
class Control:
    """Of one data folder; counters are those of its last checkpoint."""

    state: str
    """`shut down`, `in production`, ..."""
    next_epoch: int
    next_xid: int
    next_oid: int
    next_multi: int
    next_offset: int
    oldest_xid: int
    oldest_multi: int
    timeline: int
    checkpoint: int
    """LSN, in bytes."""
    segment_bytes: int
    checksums: bool


def read_control(binaries: Path, data: Path) -> Control:
    """Read it. Raises FilesFailed where the program or the folder says something else."""
    try:
        said = osuser.run([binaries / "pg_controldata", "-D", data], timeout=60).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise FilesFailed(
            f"{data} has no readable control file ({error}); `resume` undoes the start"
        ) from None
    found = dict(re.findall(r"^([^:\n]+): +(.*)$", said, re.MULTILINE))
    try:
        epoch, xid = found["Latest checkpoint's NextXID"].split(":")
        return Control(
            state=found["Database cluster state"],
            next_epoch=int(epoch),
            next_xid=int(xid),
            next_oid=int(found["Latest checkpoint's NextOID"]),
            next_multi=int(found["Latest checkpoint's NextMultiXactId"]),
            next_offset=int(found["Latest checkpoint's NextMultiOffset"]),
            oldest_xid=int(found["Latest checkpoint's oldestXID"]),
            oldest_multi=int(found["Latest checkpoint's oldestMultiXid"]),
            timeline=int(found["Latest checkpoint's TimeLineID"]),
            checkpoint=parse_lsn(found["Latest checkpoint location"]),
            segment_bytes=int(found["Bytes per WAL segment"]),
            checksums=found["Data page checksum version"] != "0",
        )
    except (KeyError, ValueError) as error:
        raise FilesFailed(
            f"pg_controldata of {binaries} says nothing of {error}; use --physical never"
        ) from None


def parse_lsn(text: str) -> int:
    """`0/16B3748` as bytes."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def segment_after(control: Control, own: Control) -> str:
    """The WAL file with which `own` goes on, so that no page of either is newer than its WAL."""
    newest = max(control.checkpoint, own.checkpoint)
    number = newest // own.segment_bytes + 1
    a_log = (1 << 32) // own.segment_bytes
    return f"{own.timeline:08X}{number // a_log:08X}{number % a_log:08X}"
