"""What the server tells, seen as the backup role: slot, lag, archiver, clock, and whether it is the one."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

import psycopg

from components.contract import Service
from core.errors import MigrationError
from core.sessions.connections import Database
from operations.backup import catalogue
from operations.backup.archive import Archive
from operations.backup.receiver import APPLICATION_NAME
from operations.backup.wal import format_lsn, parse_lsn
from operations.check.archive import CLOCK_SECONDS
from operations.check.model import Found
from operations.restore.segments import read_wal

_FACTS = """
SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system()),
       (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()),
       pg_catalog.pg_current_wal_flush_lsn()::text,
       extract(epoch FROM pg_catalog.clock_timestamp())::float8,
       (SELECT active FROM pg_catalog.pg_replication_slots WHERE slot_name = %(slot)s),
       (SELECT wal_status FROM pg_catalog.pg_replication_slots WHERE slot_name = %(slot)s),
       pg_catalog.current_setting('archive_mode'),
       (SELECT failed_count FROM pg_catalog.pg_stat_archiver),
       (SELECT last_failed_time IS NOT NULL AND last_failed_time > coalesce(last_archived_time, '-infinity')
          FROM pg_catalog.pg_stat_archiver),
       (SELECT last_failed_wal FROM pg_catalog.pg_stat_archiver)
"""

_RECEIVED = """
SELECT max(write_lsn)::text FROM pg_catalog.pg_stat_replication WHERE application_name = %s
"""


def check_server(service: Service, archive: Archive, found: Found) -> float | None:
    """Look at the server that is at the address; returns the seconds until its WAL was received."""
    database = Database(f"{service.name}'s own database", "target", service.instance, service.backup)
    try:
        with (
            closing(database.connect(application_name="waqiti-backups-check")) as session,
            database.translated("checking its backups"),
        ):
            row = session.execute(_FACTS.encode(), {"slot": archive.slot}).fetchone()
            if row is None:
                return None
            now = time.time()
            _check_identity(row, archive, found)
            _check_rest(row, archive, now, found)
            return _lag(session, archive, row[2], found)
    except MigrationError as error:
        found("server", f"the server could not be asked: {error}", "see that it runs")
        return None


def _check_identity(row: tuple[Any, ...], archive: Archive, found: Found) -> None:
    usable = catalogue.whole(catalogue.backups(archive))
    if not usable:
        return
    system, timeline, lsn = str(row[0]), int(row[1]), parse_lsn(row[2])
    newest = usable[-1]
    if newest.system is not None and newest.system != system:
        found(
            "stranger",
            f"the server at its address has the system identifier {system}, the archive is of "
            f"{newest.system}",
            "find out whose server that is; a new instance needs an archive of its own",
        )
        return
    wal = read_wal(archive)
    archived = wal.timelines[-1]
    if timeline < archived:
        found(
            "stranger",
            f"the server is on time-line {timeline}, the archive has been on {archived}: an old "
            "copy of it is at its address",
            "stop that copy, start the real one",
        )
        return
    end = newest.end_lsn or 0
    if timeline == newest.timeline and lsn < end:
        found(
            "stranger",
            f"the server is at {format_lsn(lsn)}, its newest backup ends at {format_lsn(end)}: "
            "an old copy of it is at its address",
            "stop that copy, start the real one",
        )
    if newest.timeline is not None and timeline > newest.timeline:
        found(
            "time-line",
            f"the server is on time-line {timeline}, its newest backup on {newest.timeline}",
            f"take one: python -m operations backup {archive.service}",
        )


def _check_rest(row: tuple[Any, ...], archive: Archive, now: float, found: Found) -> None:
    clock, active, status, archive_mode, failed, failing, segment = row[3:10]
    if abs(clock - now) > CLOCK_SECONDS:
        found(
            "clock", f"the server's clock and this machine's are {abs(clock - now):.0f} s apart", "set them"
        )
    if active is None:
        found(
            "slot",
            f"the slot {archive.slot} is gone: WAL that is not received yet is lost",
            f"run `python -m operations backup {archive.service} --new-slot`: a new one, a new backup",
        )
    elif status in ("lost", "unreserved"):
        found(
            "slot",
            f"the slot {archive.slot} is {status}: the server gives up WAL that was not received",
            "bring the receiver back, or take a new full backup",
        )
    if archive_mode != "off" and failing:
        found(
            "archive_command",
            f"archive_command has failed {failed} times, last for {segment}: the server "
            "keeps that WAL until its disk is full",
            "mend it, or set archive_mode off: WAL is streamed",
        )


def _lag(session: psycopg.Connection[Any], archive: Archive, target: str, found: Found) -> float | None:
    limit, begun = float(archive.policy["lag_limit"]), time.monotonic()
    wanted = parse_lsn(target)
    while True:
        row = session.execute(_RECEIVED.encode(), [APPLICATION_NAME]).fetchone()
        received = None if row is None or row[0] is None else parse_lsn(row[0])
        waited = time.monotonic() - begun
        if received is not None and received >= wanted:
            return round(waited, 2)
        if waited > limit:
            behind = "all of it" if received is None else f"{(wanted - received) / 1e6:.1f} MB"
            found(
                "lag",
                f"what the server had written {limit:.0f} s ago has not been received ({behind})",
                "see the receiver; a server that is lost now loses that",
            )
            return None
        time.sleep(0.1)
