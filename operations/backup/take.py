"""Taking a backup: what must be so before, Barman's run, what is left of those that were killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from core.errors import BackupFailed
from operations.backup import barman, catalogue, locks
from operations.backup.archive import Archive
from operations.backup.catalogue import Backup
from operations.backup.due import BEHIND_SECONDS
from operations.backup.state import read_state, supervisor
from operations.backup.sums import keep_sums, remove_sums

WAIT_SECONDS = 120
"""How long the backup's last segment may take into the archive."""

Line = Callable[[str], None]


def take(
    archive: Archive,
    kind: catalogue.Kind,
    *,
    at_once: bool = False,
    wait_for_receiver: float = 0.0,
    each_line: Line | None = None,
) -> Backup:
    """Take a full backup, or an incremental one on the newest whole full one; returns it.

    `at_once`: with a checkpoint at full speed, instead of one that spares the service and takes minutes.
    `wait_for_receiver`: so many seconds for one that is just being started.

    Raises BackupFailed: nothing receives the WAL that it would need, another one is being taken, the clock
    is behind the newest backup, no full one is there to build on, what Barman refuses.
    """
    deadline = time.monotonic() + wait_for_receiver
    while locks.holder(archive.receiver_lock) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    _require_receiver(archive)
    _require_clock(archive)
    remove_dead(archive)
    before = {one.id for one in catalogue.backups(archive)}
    options = ["--wait", f"--wait-timeout={WAIT_SECONDS}"]
    if kind == "incremental":
        options.append(f"--incremental={_parent(archive).id}")
    if at_once or not before:
        options.append("--immediate-checkpoint")
    barman.run(archive, "backup", archive.service, *options, each_line=each_line)
    made = [one for one in catalogue.backups(archive) if one.id not in before]
    if not made or not made[-1].is_whole:
        state = made[-1].status if made else "not there"
        raise BackupFailed(
            f"the backup of {archive.service} is {state} after Barman's run; see {archive.log}/barman.log"
        )
    keep_sums(archive, made[-1])
    remove_sums(archive, {one.id for one in catalogue.backups(archive)})
    return made[-1]


def remove_dead(archive: Archive, each_line: Line | None = None) -> Sequence[str]:
    """Delete what killed backups left, which Barman shows as STARTED for ever; returns their names.

    Nothing, while a backup is being taken.
    """
    if locks.holder(archive.backup_lock) is not None:
        return ()
    dead = [one.id for one in catalogue.backups(archive) if one.status in ("EMPTY", "STARTED", "FAILED")]
    for one in dead:
        barman.run(archive, "delete", archive.service, one, each_line=each_line)
    return dead


def _require_receiver(archive: Archive) -> None:
    if locks.holder(archive.receiver_lock) is not None:
        return
    if supervisor(archive) is None:
        why = "its supervisor does not run; start it with `pulumi up`"
    else:
        said = read_state(archive).receiver.said or "it has not begun yet"
        why = f"the receiver is not there ({said}); try again when `operations backups check` is content"
    raise BackupFailed(f"nothing receives the WAL of {archive.service}: {why}")


def _require_clock(archive: Archive) -> None:
    newest = max((one.end for one in catalogue.backups(archive) if one.end is not None), default=None)
    if newest is not None and newest.timestamp() > time.time() + BEHIND_SECONDS:
        raise BackupFailed(
            f"this machine's clock is behind the newest backup of {archive.service} (ended "
            f"{newest:%Y-%m-%d %H:%M:%S} UTC); by such a clock WAL is deleted that a backup needs: set it"
        )


def _parent(archive: Archive) -> Backup:
    fulls = [one for one in catalogue.whole(catalogue.backups(archive)) if one.kind == "full"]
    if not fulls:
        raise BackupFailed(
            f"{archive.service} has no full backup that an incremental one could build on; take one without "
            "--incremental"
        )
    return fulls[-1]
