"""The WAL of an archive: which segments are there, and copies of those that a recovery reads."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import NoSuchBackup
from operations.backup.archive import Archive
from operations.backup.wal import (
    HISTORY,
    SEGMENT,
    SEGMENT_BYTES,
    Segment,
    Switch,
    format_lsn,
    parse_history,
    segments_between,
)
from operations.restore.compressed import copy, read
from servers import osuser

PARTIAL = ".partial"


@dataclass(frozen=True)
class Wal:
    """All WAL of an archive at one moment."""

    files: dict[Segment, Path] = field(default_factory=dict)
    """Whole segments, and the one that is being received where nothing newer of it is whole."""
    partial: frozenset[Segment] = frozenset()
    """Those among them that are not whole."""
    histories: dict[int, Path] = field(default_factory=dict)
    """By time-line."""

    @property
    def timelines(self) -> list[int]:
        """All time-lines of which anything is there."""
        return sorted({segment.timeline for segment in self.files} | set(self.histories) | {1})

    def history(self, timeline: int) -> list[Switch]:
        """Where the time-lines before `timeline` were left. Raises NoSuchBackup without its file."""
        if timeline == 1:
            return []
        if timeline not in self.histories:
            raise NoSuchBackup(
                f"the archive has no {timeline:08X}.history, without which nobody knows where time-line "
                f"{timeline} began"
            )
        return parse_history(read(self.histories[timeline]).decode("ascii"))

    def last(self, timeline: int) -> Segment | None:
        """The newest segment of a time-line."""
        return max((one for one in self.files if one.timeline == timeline), default=None)

    def path(self, begin: int, timeline: int, end: int | None = None) -> tuple[list[Segment], list[Segment]]:
        """The segments from the LSN `begin` to `end` (None: the newest) on `timeline`: those that are there,
        and those that are missing among them."""
        newest = self.last(timeline)
        history = self.history(timeline)
        stop = end if end is not None else (newest.start() + SEGMENT_BYTES if newest else begin + 1)
        wanted = list(segments_between(begin, stop, timeline, history))
        return (
            [one for one in wanted if one in self.files],
            [one for one in wanted if one not in self.files],
        )


def read_wal(archive: Archive) -> Wal:
    """What the archive has now. A segment that is archived meanwhile is seen in either place."""
    files: dict[Segment, Path] = {}
    partial: dict[Segment, Path] = {}
    histories: dict[int, Path] = {}
    for folder in (archive.ended, archive.streaming, archive.wals):
        for file in _files(folder):
            name = file.name
            if SEGMENT.fullmatch(name):
                files[Segment.named(name)] = file
            elif HISTORY.fullmatch(name):
                histories[int(name[:8], 16)] = file
            elif (
                name.endswith(PARTIAL) and SEGMENT.fullmatch(name.removesuffix(PARTIAL)) and _has_bytes(file)
            ):
                partial[Segment.named(name.removesuffix(PARTIAL))] = file
    open_ones = {segment: file for segment, file in partial.items() if segment not in files}
    return Wal({**files, **open_ones}, frozenset(open_ones), histories)


def stage(wal: Wal, segments: Iterable[Segment], timeline: int, folder: Path) -> None:
    """Copy segments, as they were before they were compressed, to where recovery finds them.

    Raises RestoreFailed for a damaged one; one that was archived meanwhile is read from there by the caller's
    next try.
    """
    for segment in segments:
        _copy(wal.files[segment], folder / segment.name())
    for number, file in wal.histories.items():
        if number <= timeline:
            _copy(file, folder / file.name)


def _copy(file: Path, to: Path) -> None:
    if to.exists():
        return
    with to.open("wb") as target:
        copy(file, target)
        if SEGMENT.fullmatch(to.name) and target.tell() < SEGMENT_BYTES:
            # The receiver had no room for all of it; zeros are what is not written yet.
            target.truncate(SEGMENT_BYTES)
    to.chmod(0o600)
    osuser.hand_over(to)


def _files(folder: Path) -> Iterable[Path]:
    for at, _folders, names in os.walk(folder):
        for name in names:
            yield Path(at) / name


def _has_bytes(file: Path) -> bool:
    """A disk that was full leaves one without a byte; one that is archived meanwhile is gone."""
    with suppress(FileNotFoundError):
        return file.stat().st_size > 0
    return False


def missing_line(missing: Iterable[Segment]) -> str:
    """Missing segments for a person: the first ones, and what they would hold."""
    ones = sorted(missing)
    shown = ", ".join(one.name() for one in ones[:3]) + (
        f" and {len(ones) - 3} more" if len(ones) > 3 else ""
    )
    return f"{shown} (WAL from {format_lsn(ones[0].start())})"
