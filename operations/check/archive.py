"""What the archive alone tells: who fills it, what is in it, whether it can be read."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from core.errors import KeyMissing, NoSuchBackup, RestoreFailed
from operations.backup import catalogue, locks
from operations.backup.archive import Archive
from operations.backup.catalogue import Backup
from operations.backup.due import BEHIND_SECONDS
from operations.backup.state import BEAT_SECONDS, read_state, supervisor
from operations.backup.sums import damaged_files
from operations.backup.wal import Segment
from operations.check.model import Found, Read
from operations.restore.compressed import is_sealed
from operations.restore.records import read_records
from operations.restore.segments import Wal, missing_line, read_wal, stage
from servers import osuser, paths

AT_ONCE = 64
"""Segments that are unpacked side by side while they are read: 1 GiB."""
LATE = 2.0
"""A backup is stale after so many of its intervals."""
CLOCK_SECONDS = 60.0


def check_supervisor(archive: Archive, found: Found) -> None:
    """Whether somebody fills it."""
    state = read_state(archive)
    if supervisor(archive) is None:
        found("supervisor", "no supervisor runs, so nothing is received and nothing taken", "run `pulumi up`")
        return
    if time.time() - state.beat > 6 * BEAT_SECONDS:
        found("supervisor", f"the supervisor {state.pid} is silent", _log_of(archive))
    if state.stopped:
        found(
            "receiver",
            "a restore was cut off while it exchanged the data, and nothing is received",
            f"go on with `python -m operations restore {archive.service} --swap --yes`",
        )
    elif locks.holder(archive.receiver_lock) is None:
        said = state.receiver.said or "it never came up"
        found("receiver", f"nothing receives the WAL ({said})", _receiver_remedy(archive, said))
    if archive.policy.get("synchronous") and not state.synchronous.in_force:
        found(
            "synchronous",
            "commits do not wait for the archive, as services.yaml wants: "
            f"{state.synchronous.said or 'the receiver has not caught up yet'}",
            "bring the receiver back; they wait again as soon as it has caught up",
        )
    if abs(state.clock_jump) > CLOCK_SECONDS:
        found(
            "clock",
            f"this machine's clock was set by {state.clock_jump:+.0f} s under the supervisor",
            "see that it is right; a new supervisor (end it, `pulumi up`) forgets it",
        )
    for name, task in state.tasks.items():
        if task.failures:
            found("task", f"{name} failed {task.failures} times, last: {task.said}", "see its line")


def _log_of(archive: Archive) -> str:
    if archive.container is not None:
        return f"see docker logs {archive.container.name}"
    return f"see {archive.log}/supervisor.log"


def _receiver_remedy(archive: Archive, said: str) -> str:
    if "does not exist" in said and "slot" in said:
        return (
            f"WAL is missing from now on: `python -m operations backup {archive.service} --new-slot` makes a "
            "new one and a new base backup"
        )
    if "No space left" in said:
        return f"make room at {archive.folder}"
    return "it is tried again every second"


def check_backups(archive: Archive, found: Found) -> None:
    """Whether there are backups, whole and young enough, and of this order."""
    all_of_them, now = catalogue.backups(archive), time.time()
    usable, policy = catalogue.whole(all_of_them), archive.policy
    take = f"`python -m operations backup {archive.service}`"
    if not usable:
        found("none", "there is no whole backup", take)
    busy = locks.holder(archive.backup_lock) is not None
    for one in all_of_them:
        if one.status in ("EMPTY", "STARTED") and not busy:
            found(
                "killed",
                f"backup {one.id} says {one.status} for ever, but nobody takes it",
                f"{take} removes it",
            )
        elif one.status == "FAILED":
            found("failed", f"backup {one.id} failed: {one.error or 'no reason kept'}", f"{take} removes it")
    fulls = [one for one in usable if one.kind == "full"]
    if fulls and fulls[-1].end is not None:
        age = now - fulls[-1].end.timestamp()
        if age > LATE * policy["full_every"]:
            found("stale", f"the newest full backup is {age / 3600:.0f} h old", take)
    _check_order(usable, now, found)
    free = shutil.disk_usage(archive.folder).free
    need = 2 * max((one.bytes for one in fulls), default=0)
    if free < need:
        found(
            "space",
            f"{free / 1e9:.1f} GB are free at {archive.folder}, less than two full backups need",
            "make room, or lower `keep`",
        )


def _check_order(usable: list[Backup], now: float, found: Found) -> None:
    """By LSN they are in the order in which they were taken; a clock that was set shows in their times."""
    latest: Backup | None = None
    for one in usable:
        if one.end is None:
            continue
        if one.end.timestamp() > now + BEHIND_SECONDS:
            found(
                "clock",
                f"backup {one.id} ended in the future",
                "set the clock of this machine or the server's",
            )
        elif latest is not None and latest.end is not None and one.end < latest.end:
            found(
                "clock",
                f"backup {one.id} was taken after {latest.id} but by a clock that was behind",
                "see that the clocks are right, then take a new one",
            )
        latest = one


def check_wal(archive: Archive, found: Found, *, everything: bool) -> Read:
    """Whether whole WAL leads from the oldest whole backup to now; returns how much of it was read.

    Segments that were read before and have not changed since are left out, unless `everything`: also those
    that were encrypted since, which only the private key could open.
    """
    usable = [one for one in catalogue.whole(catalogue.backups(archive)) if one.begin_lsn is not None]
    wal = read_wal(archive)
    if not usable:
        return Read()
    read = Read()
    for timeline in wal.timelines:
        mine = [one for one in usable if one.timeline == timeline]
        if not mine:
            continue
        begin = mine[0].begin_lsn or 0
        try:
            segments, missing = wal.path(begin, timeline)
        except NoSuchBackup as error:
            found("history", str(error), "put the file back, or take a new full backup")
            continue
        if missing:
            found(
                "hole",
                f"a hole is in the WAL: {missing_line(missing)} is missing; nothing after it can be "
                f"reached from backup {mine[0].id}",
                f"take a new full backup: python -m operations backup {archive.service}",
            )
            segments = [one for one in segments if one < missing[0]]
        more = _read(archive, wal, segments, begin, found, everything=everything)
        read = Read(read.segments + more.segments, read.sealed + more.sealed)
    return read


def _read(
    archive: Archive, wal: Wal, segments: list[Segment], begin: int, found: Found, *, everything: bool
) -> Read:
    known = {} if everything else _known(archive)
    fresh = [i for i, one in enumerate(segments) if not _was_read(known, one, wal)]
    if not fresh:
        return Read()
    # A record may begin in the segment before the first new one.
    rest = segments[max(0, fresh[0] - 1) :]
    read = 0
    folder = Path(tempfile.mkdtemp(prefix="read-", dir=archive.state))
    paths.make_private(folder)
    try:
        for at in range(0, len(rest), AT_ONCE):
            some = rest[max(0, at - 1) : at + AT_ONCE]
            start = max(begin, some[0].start())
            stage(wal, some, some[-1].timeline, folder)
            records = read_records(archive, folder, some, start, quiet=True)
            if records.damaged is not None:
                found(
                    "damaged",
                    f"WAL segment {records.damaged}; nothing after it can be reached",
                    f"take a new full backup: python -m operations backup {archive.service}",
                )
                return Read(read)
            read += len(some)
            for one in some:
                if one not in wal.partial:
                    known[one.name()] = _mark(wal.files[one])
                (folder / one.name()).unlink(missing_ok=True)
    except KeyMissing:
        return Read(read, len(fresh))
    except RestoreFailed as error:
        found("damaged", str(error), f"take a new full backup: python -m operations backup {archive.service}")
        return Read(read)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    osuser.write_private(_known_file(archive), json.dumps(known))
    return Read(read)


def _was_read(known: dict[str, list[int]], segment: Segment, wal: Wal) -> bool:
    """Whether it was read as it is, or before it was encrypted."""
    mark = known.get(segment.name())
    return mark is not None and (mark == _mark(wal.files[segment]) or is_sealed(wal.files[segment]))


def _known_file(archive: Archive) -> Path:
    return archive.state / "segments-read.json"


def _known(archive: Archive) -> dict[str, list[int]]:
    with suppress(OSError, ValueError):
        said: dict[str, list[int]] = json.loads(_known_file(archive).read_text(encoding="utf-8"))
        return said
    return {}


def _mark(file: Path) -> list[int]:
    status = file.stat()
    return [status.st_size, status.st_mtime_ns]


def check_files(archive: Archive, found: Found) -> None:
    """Whether every byte of every base backup is as it was when it was taken."""
    for backup in catalogue.whole(catalogue.backups(archive)):
        for file, why in damaged_files(archive, backup):
            found(
                "damaged",
                f"{file} of backup {backup.id} {why}",
                f"take a new one: python -m operations backup {archive.service}",
            )
