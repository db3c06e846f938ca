"""A backup into the object store now, beside the scheduled ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress

from core.errors import BackupFailed, MigrationError
from core.sessions.connections import Database
from operations.backup.catalogue import Backup
from operations.object_store.archive import POLL_SECONDS, StoredBackups, as_backup
from servers.kubernetes_api import Object
from servers.kubernetes_archiving import barmans_word

SECONDS = 6 * 3600.0
"""So long one may take."""
_BEGINNING = """
SELECT count(*) FROM pg_catalog.pg_stat_activity
 WHERE state = 'active' AND query ILIKE '%%pg_backup_start%%' AND pid <> pg_catalog.pg_backend_pid()
"""

Line = Callable[[str], None]


def take(archive: StoredBackups, *, at_once: bool, each_line: Line | None = None) -> Backup:
    """Take a full backup and wait for it. `at_once`: with a checkpoint at full speed.

    Raises BackupFailed with the operator's own word.
    """
    name = f"by-hand-{time.strftime('%Y%m%dt%H%M%S', time.gmtime())}"
    spec = {**archive.stored.backup, "cluster": {"name": archive.stored.cluster}}
    archive.apply("Backup", name, spec)
    phase, deadline = "", time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = archive.find("Backup", name) or {"metadata": {"name": name}}
        status = found.get("status") or {}
        if status.get("phase", "") != phase:
            phase = status.get("phase", "")
            if each_line is not None:
                each_line(f"{name}: {phase}")
        if phase == "completed":
            return as_backup(found, archive.kept.folder)
        if phase in ("failed", "walArchivingFailing"):
            raise BackupFailed(f"the backup {name} of {archive.service.name} failed: {_why(archive, status)}")
        if at_once and phase in ("started", "running"):
            hurry(archive)
        time.sleep(POLL_SECONDS)
    raise BackupFailed(
        f"the backup {name} of {archive.service.name} is {phase or 'not begun'} after {SECONDS:g} s"
    )


def hurry(archive: StoredBackups) -> None:
    """Where a backup waits for a spread checkpoint, which takes minutes, ask for one at full speed."""
    own = archive.service
    database = Database(f"{own.name}'s own database", "target", own.instance, own.backup)
    with suppress(MigrationError), closing(database.connect(application_name="waqiti-backup")) as session:
        row = session.execute(_BEGINNING.encode()).fetchone()
        if row is not None and row[0]:
            session.execute("CHECKPOINT")


def _why(archive: StoredBackups, status: Object) -> str:
    pod = (status.get("instanceID") or {}).get("podName")
    log = "" if pod is None else archive.log(pod, "postgres")
    said = barmans_word(log) or " ".join(str(status.get("error") or "").split())
    return said or "the operator gives no reason; see its log, and the instance's"
