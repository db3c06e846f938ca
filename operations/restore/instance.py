"""An instance beside the service's own, that nobody reaches and that reaches nobody.

The worst trap of a restore: an instance that is started as it was backed up logs in where the real one does,
takes over its replication slots and acknowledges what the real one has not seen. So: no TCP, a socket in a
folder of the servers' user's, no subscription worker, no archiving, no standby, no preloaded library.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress

import psycopg

from core.errors import RestoreFailed
from operations.backup.archive import Archive
from operations.backup.wal import format_lsn, parse_lsn
from operations.restore.configuration import CONFIGURED
from operations.restore.scratch import ORIGINALS, Scratch
from operations.restore.target import Stop
from servers import osuser
from servers.errors import ServerError

KEPT = (
    "max_connections",
    "max_worker_processes",
    "max_wal_senders",
    "max_prepared_transactions",
    "max_locks_per_transaction",
    "wal_level",
)
"""Recovery needs at least what the WAL was written with."""
CONTROLLED = {
    **{name: name for name in KEPT},
    "max_prepared_transactions": "max_prepared_xacts",
    "max_locks_per_transaction": "max_locks_per_xact",
}
"""What pg_controldata calls them."""

ISOLATED: Mapping[str, str] = {
    "listen_addresses": "",
    "max_logical_replication_workers": "0",
    "max_sync_workers_per_subscription": "0",
    "archive_mode": "off",
    "archive_library": "",
    "primary_conninfo": "",
    "primary_slot_name": "",
    "synchronous_standby_names": "",
    "shared_preload_libraries": "",
    "session_preload_libraries": "",
    "local_preload_libraries": "",
    "logging_collector": "off",
    "log_statement": "none",
    "log_destination": "stderr",
    "event_triggers": "off",
    "autovacuum": "off",
    "shared_buffers": "128MB",
    "ssl": "off",
    "summarize_wal": "off",
    "default_transaction_read_only": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "lc_messages": "C",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
HBA = ("local all all peer map=waqiti", "host all all all reject", "host replication all all reject")

_TARGET_MISSED = "recovery ended before configured recovery target was reached"
_SAID = re.compile(r"(?:FATAL|PANIC): +(.*)")


def isolate(scratch: Scratch) -> None:
    """Give the data folder a configuration by which it reaches nobody; the backup's own is kept beside it.

    What ALTER SYSTEM had set is put aside, too: it would win.
    """
    server = scratch.server
    kept = {name: value for name, value in server.configured().items() if name in KEPT} or _of_primary(
        scratch
    )
    for name in CONFIGURED:
        file = scratch.data / name
        original = scratch.data / f"{name}.{ORIGINALS}"
        if file.exists() and not original.exists():
            file.rename(original)
    for signal in ("recovery.signal", "standby.signal"):
        (scratch.data / signal).unlink(missing_ok=True)
    osuser.write_private(scratch.data / "postgresql.conf", "")
    server.allow_administrators(scratch.administrator(), scratch.admitted)
    unquoted = {name: value.strip("'").replace("''", "'") for name, value in kept.items()}
    server.configure({**unquoted, **ISOLATED}, HBA)


def _of_primary(scratch: Scratch) -> dict[str, str]:
    """The same from the control file, for a server whose configuration is not in its data folder."""
    done = osuser.run([scratch.binaries / "pg_controldata", scratch.data], check=False)
    lines = [line.partition(" setting:") for line in done.stdout.splitlines()]
    said = {name: value.strip() for name, found, value in lines if found}
    return {name: said[shown] for name, shown in CONTROLLED.items() if shown in said}


def recover(scratch: Scratch, archive: Archive, stop: Stop, timeline: int, seconds: float) -> int:
    """Start it, replay the staged WAL up to `stop` and let it become a server of its own.

    Returns the LSN that was replayed. Raises RestoreFailed with the server's own word.
    """
    settings = {
        "restore_command": f'cp "{scratch.staging}/%f" "%p"',
        "recovery_target_timeline": str(timeline),
        "recovery_target_action": "pause",
    }
    if stop.lsn is not None:
        settings["recovery_target_lsn"] = format_lsn(stop.lsn)
        settings["recovery_target_inclusive"] = "on" if stop.inclusive else "off"
    text = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
    osuser.write_private(scratch.data / "postgresql.auto.conf", text)
    osuser.write_private(scratch.data / "recovery.signal", "")
    try:
        scratch.server.start(timeout=seconds)
    except ServerError as error:
        raise _failed(scratch, str(error)) from None
    replayed = _promoted(scratch, seconds)
    osuser.write_private(scratch.data / "postgresql.auto.conf", "")
    return replayed


def _promoted(scratch: Scratch, seconds: float) -> int:
    deadline = time.monotonic() + seconds
    replayed, resumed = 0, False
    while time.monotonic() < deadline:
        if not scratch.server.is_running():
            raise _failed(scratch, "it ended during recovery")
        with _starting(scratch), closing(_session(scratch)) as session:
            row = session.execute(
                "SELECT pg_is_in_recovery(), coalesce(pg_last_wal_replay_lsn()::text, '0/0'),"
                " pg_is_in_recovery() AND pg_get_wal_replay_pause_state() = 'paused'"
            ).fetchone()
            if row is not None:
                replayed = max(replayed, parse_lsn(str(row[1])))
                if not row[0]:
                    return replayed
                if row[2] and not resumed:
                    session.execute("SELECT pg_wal_replay_resume()")
                    resumed = True
        time.sleep(0.05)
    raise RestoreFailed(
        f"the restored instance did not reach its target in {seconds:.0f} s (it is at "
        f"{format_lsn(replayed)}); see {scratch.log}, or give it longer with --timeout"
    )


@contextmanager
def _starting(scratch: Scratch) -> Iterator[None]:
    """A server that starts, or becomes one of its own, refuses sessions for a moment."""
    try:
        yield
    except psycopg.Error as error:
        said = str(error)
        if "does not exist" in said or "authentication failed" in said:
            scratch.server.stop("immediate")
            raise RestoreFailed(f"the restored instance does not let us in: {said.strip()}") from None


def _session(scratch: Scratch) -> psycopg.Connection[tuple[object, ...]]:
    database = scratch.database("postgres")
    return psycopg.connect(
        host=database.endpoint.host,
        port=database.endpoint.port,
        dbname="postgres",
        user=database.login.name,
        autocommit=True,
        connect_timeout=5,
    )


def _failed(scratch: Scratch, otherwise: str) -> RestoreFailed:
    said: list[str] = []
    with suppress(OSError):
        said = _SAID.findall(scratch.log.read_text(encoding="utf-8", errors="replace"))
    why = said[-1] if said else otherwise
    if _TARGET_MISSED in why:
        why = "the WAL ends before the target"
    return RestoreFailed(f"the restored instance did not come up: {why} (see {scratch.log})")


def require_alone(scratch: Scratch) -> None:
    """Look that it follows nobody. Raises RestoreFailed, after stopping it."""
    with closing(_session(scratch)) as session:
        row = session.execute(
            "SELECT (SELECT count(*) FROM pg_stat_subscription WHERE pid IS NOT NULL),"
            " (SELECT count(*) FROM pg_stat_wal_receiver), current_setting('listen_addresses')"
        ).fetchone()
    if row is None or tuple(row) != (0, 0, ""):
        scratch.server.stop("immediate")
        raise RestoreFailed(
            f"the restored instance is not alone (subscription workers, WAL receivers, addresses: {row}); "
            "it was stopped"
        )
