"""What stands in WAL: commits with their times, restore points, and where it ends. By pg_waldump."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from core.errors import RestoreFailed
from operations.backup.archive import Archive
from operations.backup.wal import SEGMENT_BYTES, Segment, format_lsn, parse_lsn
from servers import osuser

_LINE = re.compile(r"lsn: ([0-9A-F]+/[0-9A-F]+), prev [0-9A-F]+/[0-9A-F]+, desc: (\w+) ?(.*)")
_COMMIT_TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC")
_END = re.compile(r"error in WAL record at ([0-9A-F]+/[0-9A-F]+): (.*)")
_LSN = re.compile(r"\b([0-9A-F]{1,8}/[0-9A-F]{1,8})\b")
_FATAL = re.compile(r"(?:error|fatal): (.*)")


@dataclass(frozen=True)
class Commit:
    """A transaction's end, committed or not."""

    lsn: int
    """Of its record's begin."""
    at: datetime


@dataclass
class Records:
    """What was found, in the order of the WAL."""

    commits: list[Commit] = field(default_factory=list)
    points: list[tuple[str, int]] = field(default_factory=list)
    """Restore points: name, LSN of the record's begin."""
    end: int | None = None
    """The last record's begin, where WAL ends before its last segment does."""
    damaged: str | None = None
    """What pg_waldump says of a record in the middle; None: all of it can be read."""


def read_records(
    archive: Archive, folder: Path, segments: Sequence[Segment], begin: int, *, quiet: bool = False
) -> Records:
    """Read the segments in `folder`, from the LSN `begin` on. `quiet`: only whether they can be read.

    What ends in the last segment just ends; anywhere else it is damaged.
    """
    found = Records()
    for timeline in sorted({one.timeline for one in segments}):
        mine = [one for one in segments if one.timeline == timeline]
        start = max(begin, mine[0].start())
        is_last = mine[-1] == segments[-1]
        _read(archive, folder, mine, start, found, quiet=quiet, may_end=is_last)
        if found.damaged:
            break
    return found


def _read(
    archive: Archive,
    folder: Path,
    segments: Sequence[Segment],
    begin: int,
    found: Records,
    *,
    quiet: bool,
    may_end: bool,
) -> None:
    timeline, last = segments[0].timeline, segments[-1]
    argv: list[str | Path] = [
        archive.binaries / "pg_waldump", "--path", folder, "--timeline", str(timeline),
        "--start", format_lsn(begin), "--end", format_lsn(last.start() + SEGMENT_BYTES),
    ]  # fmt: skip
    argv += ["--quiet"] if quiet else ["--rmgr", "Transaction", "--rmgr", "XLOG"]
    done = osuser.run(argv, check=False, env={"TZ": "UTC", "PGTZ": "UTC"})
    for line in done.stdout.splitlines():
        _note(line, found)
    if done.returncode == 0:
        return
    where = _place(done.stderr)
    next_one = Segment(timeline, last.number + 1)
    at_the_end = (where is not None and where >= last.start()) or any(
        one.name() in done.stderr for one in (last, next_one)
    )
    if may_end and at_the_end:
        found.end = where if where is not None else last.start() + SEGMENT_BYTES
        return
    segment = Segment.at(timeline, where) if where is not None else segments[0]
    found.damaged = f"{segment.name()}: {_first(done.stderr)}"


def _place(text: str) -> int | None:
    """Where pg_waldump could not read on; its first LSN is the last record that it could."""
    match = _END.search(text)
    if match is None:
        return None
    inside = _LSN.search(match[2])
    return parse_lsn(inside[1] if inside else match[1])


def _note(line: str, found: Records) -> None:
    match = _LINE.search(line)
    if match is None:
        return
    lsn, kind, rest = parse_lsn(match[1]), match[2], match[3]
    if kind in ("COMMIT", "COMMIT_PREPARED"):
        time = _COMMIT_TIME.search(rest)
        if time is None:
            raise RestoreFailed(f"pg_waldump gives no time for the commit at {match[1]}: {rest[:60]}")
        found.commits.append(Commit(lsn, datetime.fromisoformat(time[1]).replace(tzinfo=UTC)))
    elif kind == "RESTORE_POINT":
        found.points.append((rest.strip(), lsn))


def _first(text: str) -> str:
    match = _FATAL.search(text)
    return match[1] if match else (text.strip().splitlines() or ["pg_waldump failed"])[0]
