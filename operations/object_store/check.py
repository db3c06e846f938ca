"""What would keep a service from coming back from its object store: what its cluster and its server tell.

What is in the store is not read here, which would cost as much as a restore: `proof` does that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from core.errors import MigrationError
from core.points.places import backup_database
from core.sessions.session import Connection
from operations.backup.catalogue import Backup
from operations.check.archive import CLOCK_SECONDS, LATE
from operations.check.model import Checked, Finding, Found
from operations.object_store.archive import StoredBackups
from servers.kubernetes_api import Object
from servers.kubernetes_archiving import not_archived

GRACE_SECONDS = 20
"""What the archiver needs for a segment, beside the limit of services.yaml."""
OVERDUE_SECONDS = 600
_FACTS = """
SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system())::text,
       extract(epoch FROM pg_catalog.clock_timestamp())::float8,
       (SELECT failed_count FROM pg_catalog.pg_stat_archiver),
       (SELECT last_failed_time IS NOT NULL AND last_failed_time > coalesce(last_archived_time, '-infinity')
          FROM pg_catalog.pg_stat_archiver),
       (SELECT last_failed_wal FROM pg_catalog.pg_stat_archiver)
"""
_COMMIT = "SELECT pg_catalog.pg_logical_emit_message(true, 'waqiti', 'archive')"
_SWITCHED = "SELECT pg_catalog.pg_walfile_name(pg_catalog.pg_switch_wal())"
_ARCHIVED = """
SELECT last_archived_wal FROM pg_catalog.pg_stat_archiver
 WHERE pg_catalog.left(last_archived_wal, 24) >= %s
"""


def check(archive: StoredBackups, begun: Callable[[str], None]) -> Checked:
    """What is wrong with a service's backups. Sends the segment that is being written to the archive."""
    findings: list[Finding] = []
    seconds: dict[str, float] = {}
    lag: list[float | None] = [None]

    def found(name: str, problem: str, remedy: str) -> None:
        findings.append(Finding(name, problem, remedy))

    def look(phase: str, act: Callable[[], None]) -> None:
        begun(phase)
        since = time.monotonic()
        try:
            act()
        except MigrationError as error:
            found(phase, f"{phase} could not be looked at: {error}", "see that it runs, then check again")
        seconds[phase] = round(time.monotonic() - since, 2)

    look("cluster", lambda: check_cluster(archive.cluster(), archive.kubectl, found))
    look("backups", lambda: _backups(archive, found))
    look("server", lambda: lag.__setitem__(0, _server(archive, found)))
    return Checked(archive.service.name, tuple(findings), lag[0], seconds=seconds, stored=True)


def check_cluster(cluster: Object, kubectl: str, found: Found) -> None:
    """What the operator says of archiving."""
    said = not_archived(cluster)
    if said is not None:
        found("archiving", said, _remedy(said, kubectl))


def _remedy(said: str, kubectl: str) -> str:
    if "Expected empty archive" in said:
        return "the place has another database's archive: give the service another (kubernetes.backups.place)"
    return f"check the key, the store's address and its space; `{kubectl} logs` of the primary has all of it"


def _backups(archive: StoredBackups, found: Found) -> None:
    take = f"`python -m operations backup {archive.service.name}`"
    schedule = archive.find("ScheduledBackup", archive.stored.schedule)
    now = time.time()
    if schedule is None or schedule["spec"].get("suspend"):
        what = "is not there" if schedule is None else "is suspended"
        found("schedule", f"the schedule of its backups {what}", "run `pulumi up`")
    else:
        due = (schedule.get("status") or {}).get("nextScheduleTime")
        if (
            due is not None
            and now - datetime.fromisoformat(due).astimezone(UTC).timestamp() > OVERDUE_SECONDS
        ):
            found("schedule", f"a backup has been due since {due}", "see that the operator runs")
    backups = archive.backups()
    whole = [one for one in backups if one.is_whole and one.end is not None]
    if not whole:
        found("none", "there is no whole backup", take)
    for one in backups:
        if one.status == "FAILED" and _is_newer(one, whole):
            found("failed", f"backup {one.name} failed: {one.error or 'no reason kept'}", take)
    every = archive.kept.policy["full_every"]
    if whole and whole[-1].end is not None and now - whole[-1].end.timestamp() > LATE * every:
        age = (now - whole[-1].end.timestamp()) / 3600
        found("stale", f"the newest full backup is {age:.0f} h old", take)


def _is_newer(failed: Backup, whole: Sequence[Backup]) -> bool:
    """Whether nothing came of it since."""
    ends = [one.end for one in whole if one.end is not None]
    return not ends or failed.begin is None or failed.begin > max(ends)


def _server(archive: StoredBackups, found: Found) -> float | None:
    database = backup_database(archive.service)
    limit = max(archive.kept.policy["lag_limit"], 1) + GRACE_SECONDS
    with (
        closing(database.connect(application_name="waqiti-backups-check")) as session,
        database.translated("checking its backups"),
    ):
        facts = session.execute(_FACTS.encode()).fetchone()
        if facts is None:
            raise AssertionError("functions give a row")
        _facts(facts, archive.cluster(), found)
        since = time.monotonic()
        missing = send_wal(session, limit)
    if missing is None:
        return round(time.monotonic() - since, 2)
    found(
        "lag",
        f"segment {missing} is not in the object store after {limit:.0f} s",
        "see what the cluster says; a server that is lost with its volumes now loses that",
    )
    return None


def send_wal(session: Connection, seconds: float = 30.0) -> str | None:
    """A commit, then the segment that it is in to the archive; returns the segment that did not arrive in so
    many seconds, None where it did."""
    session.execute(_COMMIT)
    row = session.execute(_SWITCHED).fetchone()
    segment, deadline = str(row[0]) if row else "", time.monotonic() + seconds
    while session.execute(_ARCHIVED.encode(), [segment]).fetchone() is None:
        if time.monotonic() > deadline:
            return segment
        time.sleep(0.2)
    return None


def _facts(facts: tuple[Any, ...], cluster: Object, found: Found) -> None:
    system, clock, failed, failing, segment = facts
    if abs(float(clock) - time.time()) > CLOCK_SECONDS:
        apart = abs(float(clock) - time.time())
        found("clock", f"the server's clock and this machine's are {apart:.0f} s apart", "set them")
    known = (cluster.get("status") or {}).get("systemID")
    if known and known != system:
        found(
            "stranger",
            f"the server at its address has the system identifier {system}, its cluster {known}",
            "find out whose server that is",
        )
    if failing:
        found(
            "archive_command",
            f"archiving has failed {failed} times, last for {segment}: the server keeps that WAL until its "
            "volume is full",
            "mend what the cluster says of archiving",
        )
