"""A service's data as they were at a target, in a cluster of one instance beside the service's own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime

from core.errors import MigrationError, RestoreFailed, RestoreInTheWay
from core.points.places import backup_database
from core.sessions.connections import Database
from core.sessions.session import Connection
from operations.backup.wal import format_lsn, parse_lsn
from operations.object_store.archive import POLL_SECONDS, StoredBackups
from operations.object_store.check import send_wal
from operations.object_store.recovery import find_way, restored_spec
from operations.restore.restore import Restored
from operations.restore.target import Target

BESIDE = "restored"
"""Behind the name of the service's own cluster."""
RECORD = "waqiti/restored"
"""Annotation of a restored cluster that is whole: what it is."""
_LEFT = """
SELECT pg_catalog.pg_is_in_recovery(),
       (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()),
       (SELECT count(*) FROM pg_catalog.pg_stat_subscription WHERE pid IS NOT NULL)
"""
_HISTORY = """
SELECT pg_catalog.pg_read_file('pg_wal/' || pg_catalog.lpad(pg_catalog.to_hex(%s::int), 8, '0') || '.history')
"""
MISSED = "the WAL in the archive ends before the target"
TRIES = 3
"""Pods of a job that have to fail before it is given up."""
_MISSED = "recovery ended before configured recovery target was reached"

Step = Callable[[str], None]


def beside(archive: StoredBackups) -> str:
    """The name of the cluster that is restored beside the service's own."""
    return f"{archive.stored.cluster}-{BESIDE}"


def read_restored(archive: StoredBackups) -> Restored | None:
    """What was restored; None where nothing is there, or a restore was cut off."""
    found = archive.find("Cluster", beside(archive))
    with suppress(KeyError, ValueError, TypeError):
        return Restored(**json.loads(found["metadata"]["annotations"][RECORD])) if found else None
    return None


def require_restored(archive: StoredBackups) -> Restored:
    """Raises RestoreInTheWay where there is none."""
    found = read_restored(archive)
    if found is None:
        name = archive.service.name
        raise RestoreInTheWay(f"there is no restored instance of {name}: python -m operations restore {name}")
    return found


def make_room(archive: StoredBackups) -> bool:
    """Remove what a restore that was cut off left; returns whether there was something.

    Raises RestoreInTheWay for one that is whole: a person decides what becomes of it.
    """
    whole, name = read_restored(archive), archive.service.name
    if whole is not None:
        raise RestoreInTheWay(
            f"{name} restored to {whole.target} is there already: go on with `python -m operations restore "
            f"{name} --swap`, or `--give-up`"
        )
    return remove(archive, beside(archive))


def remove(archive: StoredBackups, name: str, seconds: float = 180.0) -> bool:
    """Delete a cluster beside the service's own, with its volume; returns whether there was one.

    Raises RestoreFailed where it does not go.
    """
    if archive.find("Cluster", name) is None:
        return False
    archive.delete("Cluster", name)
    deadline = time.monotonic() + seconds
    labels = f"cnpg.io/cluster={name}"
    while archive.find("Cluster", name) or archive.listed("Pod", labels) or _claims(archive, labels):
        if time.monotonic() > deadline:
            raise RestoreFailed(
                f"{archive.stored.namespace}/{name} does not go; see `{archive.kubectl} get cluster,pod,pvc`"
            )
        time.sleep(POLL_SECONDS)
    return True


def _claims(archive: StoredBackups, labels: str) -> bool:
    return bool(archive.listed("PersistentVolumeClaim", labels))


def restore(
    archive: StoredBackups,
    target: Target,
    name: str,
    begun: Step,
    *,
    timeline: int | None = None,
    timeout: float,
) -> Restored:
    """Bring the service back to `target` as the cluster `name`, which must not be there, and leave it running
    alone. The service's own instance is asked for one segment of WAL, where it answers, and no more.

    Raises NoSuchBackup (nothing leads there), RestoreFailed (what the server said).
    """
    seconds: dict[str, float] = {}
    way = find_way(archive.service.name, archive.backups(), target, timeline, datetime.now(UTC))
    own = archive.cluster()
    since = time.monotonic()
    begun("the last WAL")
    _send_wal(archive)
    seconds["the last WAL"] = round(time.monotonic() - since, 2)
    since = time.monotonic()
    begun("base backup and recovery")
    archive.apply("Cluster", name, restored_spec(own, way, archive.stored.source))
    _wait(archive, name, timeout)
    reached, at_timeline = _look(archive, name, timeout)
    seconds["base backup and recovery"] = round(time.monotonic() - since, 2)
    done = Restored(
        archive.service.name,
        way.backup.id,
        str(target),
        at_timeline,
        format_lsn(reached),
        None if target.lsn is None else format_lsn(target.lsn),
        seconds,
        time.time(),
    )
    record = {"metadata": {"annotations": {RECORD: json.dumps(done.as_json())}}}
    archive.change("Cluster", name, record)
    return done


def _send_wal(archive: StoredBackups) -> None:
    """A commit after the target, in the archive: without one a time target on an idle service is missed."""
    database = backup_database(archive.service)
    with suppress(MigrationError), closing(database.connect(application_name="waqiti-restore")) as session:
        send_wal(session)


def _wait(archive: StoredBackups, name: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        found = archive.find("Cluster", name)
        conditions = ((found or {}).get("status") or {}).get("conditions") or ()
        if any(one["type"] == "Ready" and one["status"] == "True" for one in conditions):
            return
        why = _failed(archive, name)
        if why is not None:
            raise RestoreFailed(f"the restored instance of {archive.service.name} did not come up: {why}")
        if time.monotonic() > deadline:
            phase = ((found or {}).get("status") or {}).get("phase", "not begun")
            raise RestoreFailed(
                f"the restored instance of {archive.service.name} is not ready after {timeout:.0f} s "
                f"({phase}); see `{archive.kubectl} describe cluster {name}`, or give it longer (--timeout)"
            )
        time.sleep(2 * POLL_SECONDS)


def _failed(archive: StoredBackups, name: str) -> str | None:
    """Why the job that recovers ended in vain; None while it may come right: a pod is tried again, and one
    that begins before its policies are in force reaches nothing."""
    pods = archive.listed("Pod", f"cnpg.io/cluster={name}")
    failed = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Failed"]
    if not failed:
        return None
    newest = max(failed, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    why = reason(archive.log(newest["metadata"]["name"], "full-recovery"))
    return why if why == MISSED or len(failed) >= TRIES else None


def reason(log: str) -> str:
    """The last error in a job's log, a JSON object a line."""
    said = "its job failed and left no reason"
    for line in log.splitlines():
        with suppress(ValueError):
            entry = json.loads(line)
            record = entry.get("record") or {}
            if record.get("error_severity") in {"FATAL", "PANIC"}:
                said = str(record.get("message", ""))
            elif entry.get("level") == "error":
                said = str(entry.get("error") or entry.get("msg") or said)
            if _MISSED in said:
                return MISSED
    return " ".join(said.split())[:300]


def _look(archive: StoredBackups, name: str, timeout: float) -> tuple[int, int]:
    """LSN up to which it was recovered, and its time-line; and that it follows nobody."""
    database = archive.database(name, "postgres")
    with (
        closing(_connected(database, timeout)) as session,
        database.translated("looking at what was restored"),
    ):
        row = session.execute(_LEFT.encode()).fetchone()
        if row is None or row[0] or row[2]:
            raise RestoreFailed(f"the restored instance is not alone, or not out of recovery: {row}")
        timeline = int(row[1])
        history = session.execute(_HISTORY.encode(), [timeline]).fetchone()
    return switch_point(str(history[0]) if history else ""), timeline


def _connected(database: Database, timeout: float) -> Connection:
    """A server that has just become ready is reached a moment later: policies lag their pods."""
    deadline = time.monotonic() + min(timeout, 60.0)
    while True:
        try:
            return database.connect(application_name="waqiti-restore")
        except MigrationError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)


def switch_point(history: str) -> int:
    """The LSN at which a time-line began: the second column of its history's last line."""
    lines = [line.split("\t") for line in history.splitlines() if line and not line.startswith("#")]
    return parse_lsn(lines[-1][1].strip()) if lines else 0
