"""A service's backups, from the files of its archive: ages, who fills it, what failed, what was proven."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from components.contract import WatchedService
from operations.backup.archive import Archive
from operations.backup.catalogue import backups
from operations.backup.locks import holder
from operations.backup.state import read_state, supervisor
from operations.monitoring.figures.gauges import Families
from operations.proof.results import read_proofs

SETTLED_SECONDS = 3.0


def add(families: Families, name: str, watched: WatchedService) -> None:
    """Its figures; none where it is not backed up, or its archive is gone."""
    if watched.archive is None:
        return
    labels = {"service": name}
    up = receives = False
    with suppress(OSError, ValueError, KeyError):
        archive = Archive.load(Path(watched.archive))
        said = read_state(archive)
        up = supervisor(archive) is not None
        # One that ends as soon as it is started receives nothing.
        lived = time.time() - (said.receiver.since or time.time())
        receives = holder(archive.receiver_lock) is not None and lived > SETTLED_SECONDS
        _ages(families, labels, archive)
        for task, state in said.tasks.items():
            families.gauge(
                "waqiti_backup_task_failures",
                "How often a task failed in a row",
                state.failures,
                {**labels, "task": task},
            )
    families.gauge("waqiti_backup_supervisor_up", "Whether somebody fills the archive", up, labels)
    families.gauge("waqiti_backup_receiver_up", "Whether WAL is received", receives, labels)


def _ages(families: Families, labels: dict[str, str], archive: Archive) -> None:
    now = time.time()
    made = (archive.folder / "barman.conf").stat().st_mtime
    whole = [one for one in backups(archive) if one.is_whole and one.end is not None]
    newest = max((one.end.timestamp() for one in whole if one.end is not None), default=made)
    every = archive.policy["incremental_every"] or archive.policy["full_every"]
    families.gauge("waqiti_backup_age_seconds", "Since the newest backup ended", now - newest, labels)
    families.gauge("waqiti_backup_every_seconds", "How often there should be one", every, labels)
    families.gauge("waqiti_backups", "Backups that are whole", len(whole), labels)
    segments = [file.stat().st_mtime for file in archive.streaming.iterdir()]
    if segments:
        families.gauge("waqiti_backup_wal_age_seconds", "Since WAL was received", now - max(segments), labels)
    proofs = read_proofs(archive)
    asked = archive.policy["proof_every"]
    if asked is not None:
        proven = max((one.at for one in proofs if one.sound), default=made)
        families.gauge("waqiti_backup_proof_age_seconds", "Since a backup was proven", now - proven, labels)
        families.gauge("waqiti_backup_proof_every_seconds", "How often one should be", asked, labels)
    if proofs:
        families.gauge(
            "waqiti_backup_proof_sound", "Whether the last proof succeeded", proofs[-1].sound, labels
        )
