"""A service's data as they were at a target, in an instance of their own beside the service's."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.errors import NoSuchBackup, RestoreFailed
from operations.backup import catalogue
from operations.backup.archive import Archive
from operations.backup.catalogue import Backup
from operations.backup.wal import SEGMENT_BYTES, Segment, format_lsn
from operations.restore.instance import isolate, recover, require_alone
from operations.restore.records import Records, read_records
from operations.restore.scratch import Scratch, scratch_of
from operations.restore.segments import Wal, missing_line, read_wal, stage
from operations.restore.target import Stop, Target, stop_at_point, stop_at_time
from operations.restore.unpack import unpack
from servers import osuser, paths

RECORD = "restore.json"
TIMEOUT_SECONDS = 3600.0

Step = Callable[[str], None]


@dataclass(frozen=True)
class Restored:
    """What was brought back, kept beside it."""

    service: str
    backup: str
    target: str
    timeline: int
    reached: str
    """LSN."""
    stop: str | None
    seconds: dict[str, float]
    """By phase."""
    at: float
    """When it was done, seconds since 1970."""

    def as_json(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class Way:
    """How a target is reached."""

    backup: Backup
    chain: Sequence[Backup]
    timeline: int
    stop: Stop
    segments: Sequence[Segment]


def restore(
    archive: Archive,
    target: Target,
    folder: Path,
    begun: Step,
    *,
    timeline: int | None = None,
    verify: bool = True,
    timeout: float = TIMEOUT_SECONDS,
) -> Restored:
    """Bring the service back to `target` into `folder`, which must not be there, and leave it running alone.

    The service's own instance is not touched, and not asked. `timeline`: None is the newest. Raises
    NoSuchBackup (nothing leads there), RestoreFailed (what is damaged; what the server said).
    """
    scratch = scratch_of(archive, folder)
    return restore_into(scratch, archive, target, begun, timeline=timeline, verify=verify, timeout=timeout)


def restore_into(
    scratch: Scratch,
    archive: Archive,
    target: Target,
    begun: Step,
    *,
    timeline: int | None,
    verify: bool,
    timeout: float,
) -> Restored:
    """`restore`, into the folder of `scratch`."""
    clock, folder = _Clock(begun), scratch.folder
    paths.make_private(folder)
    paths.make_private(scratch.staging)
    try:
        clock.begin("finding the way")
        way = find_way(archive, target, scratch.staging, timeline)
        clock.begin("base backup")
        unpack(archive, way.chain, scratch.data, begun, verify=verify)
        clock.begin("recovery")
        isolate(scratch)
        reached = recover(scratch, archive, way.stop, way.timeline, timeout)
        require_alone(scratch)
    except BaseException:
        scratch.server.stop("immediate")
        raise
    clock.end()
    shutil.rmtree(scratch.staging, ignore_errors=True)
    done = Restored(
        archive.service,
        way.backup.id,
        str(target),
        way.timeline,
        format_lsn(reached),
        None if way.stop.lsn is None else format_lsn(way.stop.lsn),
        clock.seconds,
        time.time(),
    )
    osuser.write_private(folder / RECORD, json.dumps(done.as_json(), indent=2) + "\n")
    return done


def find_way(archive: Archive, target: Target, staging: Path, timeline: int | None) -> Way:
    """The newest backup from which whole WAL leads to the target; that WAL is in `staging` then."""
    found = catalogue.backups(archive)
    usable = [one for one in catalogue.whole(found) if one.begin_lsn is not None]
    if not usable:
        raise NoSuchBackup(
            f"{archive.service} has no backup that is whole; take one: python -m operations backup "
            f"{archive.service}"
        )
    wal = read_wal(archive)
    line = timeline if timeline is not None else wal.timelines[-1]
    if line not in wal.timelines:
        raise NoSuchBackup(
            f"the archive of {archive.service} has no time-line {line}; it has "
            f"{', '.join(map(str, wal.timelines))}"
        )
    candidates = [one for one in usable if _is_on(one, line, wal)]
    why = f"no backup is on time-line {line}"
    for backup in reversed(candidates):
        if not _may_lead(backup, target):
            why = f"the oldest backup, {backup.id}, ends after it"
            continue
        stop, segments, records = _follow(archive, backup, target, wal, timeline=line, staging=staging)
        if stop is None:
            why = f"no WAL since {backup.id} has it"
            continue
        if stop.lsn is not None and backup.end_lsn is not None and stop.lsn < backup.end_lsn:
            why = f"the oldest backup, {backup.id}, ends at {format_lsn(backup.end_lsn)}, after it"
            continue
        if target.lsn is not None and records.end is not None and target.lsn > records.end:
            raise NoSuchBackup(
                f"the archive of {archive.service} ends at {format_lsn(records.end)} on time-line {line}, "
                f"before {target}"
            )
        return Way(backup, catalogue.chain(backup, found), line, stop, segments)
    raise NoSuchBackup(f"nothing in the archive of {archive.service} leads to {target}: {why}")


def _follow(
    archive: Archive, backup: Backup, target: Target, wal: Wal, *, timeline: int, staging: Path
) -> tuple[Stop | None, Sequence[Segment], Records]:
    begin = backup.begin_lsn or 0
    segments, missing = wal.path(begin, timeline, target.end)
    newest = wal.last(timeline)
    if missing and newest is not None and min(missing) > newest:
        raise NoSuchBackup(
            f"the archive of {archive.service} ends in segment {newest.name()} on time-line {timeline}, "
            f"before {target}"
        )
    if missing:
        raise NoSuchBackup(
            f"a hole is in the WAL of {archive.service} after backup {backup.id}: {missing_line(missing)} is "
            f"missing; what comes after it cannot be reached from this backup"
        )
    if not segments:
        raise NoSuchBackup(f"the WAL of {archive.service} that backup {backup.id} needs is not there")
    stage(wal, segments, timeline, staging)
    quiet = target.time is None and target.point is None
    records = read_records(archive, staging, segments, begin, quiet=quiet)
    if records.damaged is not None:
        raise RestoreFailed(
            f"the WAL of {archive.service} is damaged in segment {records.damaged}; it can be restored to a "
            "time before that, or from a newer backup"
        )
    if target.time is not None:
        return stop_at_time(records, target.time), segments, records
    if target.point is not None:
        return stop_at_point(records, target.point), segments, records
    if target.lsn is None or records.end == target.lsn or target.lsn % SEGMENT_BYTES == 0:
        # Nothing after it is there, or was staged: the end is the target.
        return Stop(None), segments, records
    return Stop(target.lsn, inclusive=False), segments, records


def _may_lead(backup: Backup, target: Target) -> bool:
    if target.time is not None:
        return backup.end is not None and backup.end <= target.time
    return target.end is None or (backup.end_lsn is not None and backup.end_lsn <= target.end)


def _is_on(backup: Backup, timeline: int, wal: Wal) -> bool:
    """Whether a backup was taken on the history of a time-line, before it was left."""
    if backup.timeline == timeline:
        return True
    return any(
        switch.timeline == backup.timeline and (backup.end_lsn or 0) <= switch.lsn
        for switch in wal.history(timeline)
    )


class _Clock:
    """Says what begins, and how long it took."""

    def __init__(self, begun: Step) -> None:
        self._begun = begun
        self.seconds: dict[str, float] = {}
        self._name: str | None = None
        self._since = 0.0

    def begin(self, name: str) -> None:
        self.end()
        self._name, self._since = name, time.monotonic()
        self._begun(name)

    def end(self) -> None:
        if self._name is not None:
            self.seconds[self._name] = round(time.monotonic() - self._since, 2)
        self._name = None
