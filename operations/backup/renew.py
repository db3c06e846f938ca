"""The receiver begins anew: the slot was lost, or what it received belongs to a time-line that has ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import BackupFailed, StepTimeout
from operations.backup import barman, locks, slot
from operations.backup.archive import Archive
from operations.backup.state import supervisor
from operations.backup.supervise import STOP_FILE
from operations.backup.wake import poke
from operations.inside.call import call
from servers import osuser

RECEIVER_SECONDS = 15.0


@contextmanager
def held(archive: Archive) -> Iterator[None]:
    """Nothing is received or taken while the context lasts; whole segments are in the archive then.

    Raises StepTimeout where the receiver does not end.
    """
    stopped = archive.state / STOP_FILE
    osuser.write_private(stopped, "")
    _poke(archive)
    try:
        deadline = time.monotonic() + RECEIVER_SECONDS
        while locks.holder(archive.receiver_lock) is not None:
            if time.monotonic() > deadline:
                raise StepTimeout(
                    f"the receiver of {archive.service} does not end; see `operations backups check`"
                )
            time.sleep(0.02)
        if any(len(file.name) == 24 for file in archive.streaming.iterdir()):
            _archive_wal(archive)
        yield
    finally:
        stopped.unlink(missing_ok=True)
        _poke(archive)


def begin_anew(archive: Archive) -> None:
    """Keep the unfinished segment, but never go on with it; make the slot. Raises BackupFailed."""
    for file in archive.streaming.iterdir():
        if file.name.endswith(".partial"):
            file.rename(archive.ended / file.name)
    if not _make_slot(archive):
        raise BackupFailed(
            f"no slot could be made for {archive.service}: does its server answer? Run it again"
        )


def renew_slot(archive: Archive) -> None:
    """Make the slot anew. Raises StepTimeout, BackupFailed."""
    with held(archive):
        begin_anew(archive)


def _poke(archive: Archive) -> None:
    """In a container its supervisor has another number than here, and looks by itself a second later."""
    if archive.container is None:
        poke(supervisor(archive))


def _archive_wal(archive: Archive) -> None:
    if archive.container is None:
        barman.run(archive, "archive-wal", archive.service)
    else:
        call(archive, "archive_wal")


def _make_slot(archive: Archive) -> bool:
    return slot.ensure(archive) if archive.container is None else bool(call(archive, "make_slot"))
