"""Commits that are answered when the archive has them, too; and never wait for a receiver that does not come.

The server would wait for ever. So the setting is the supervisor's (ALTER SYSTEM): it is made when the
receiver streams and has caught up, and taken back, loudly, when commits have waited for longer than the
policy lets them.
Standard library alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from operations.backup.archive import Archive
from operations.backup.psql import Psql
from operations.backup.receiver import APPLICATION_NAME
from operations.backup.state import SynchronousState

CAUGHT_UP_BYTES = 16 * 2**20
"""A receiver that is further behind would make all commits wait for what it has to fetch."""
AGAIN_SECONDS = 1.0

_LOOK = f"""
SELECT current_setting('synchronous_standby_names'),
       (SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'),
       coalesce(r.flush_lsn::text, ''),
       coalesce(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), r.flush_lsn), 0)
  FROM (SELECT max(flush_lsn) AS flush_lsn FROM pg_stat_replication
         WHERE application_name = '{APPLICATION_NAME}' AND state = 'streaming') AS r
""".replace("\n", " ")  # noqa: S608 (a constant)


class Synchronous:
    """One service's."""

    def __init__(self, archive: Archive, state: SynchronousState, log: Callable[[str], None]) -> None:
        self._wanted = bool(archive.policy.get("synchronous"))
        self._limit = float(archive.policy.get("synchronous_limit", 5))
        self.state = state
        self._log = log
        self._psql = Psql(archive)
        self._flushed = ""
        self._progress = time.monotonic()
        self._not_before = 0.0

    def look(self, why_not: str) -> bool:
        """Make it so, or take it back; returns whether anything changed. `why_not`: why nothing receives."""
        if not self._wanted:
            return self.state.in_force and self.release("services.yaml does not ask for it any more")
        if time.monotonic() < self._not_before:
            return False
        self._not_before = time.monotonic() + AGAIN_SECONDS
        rows = self._psql.ask(_LOOK)
        if not rows or len(rows[0]) != 4:
            return False
        names, waiting, flushed, behind = rows[0]
        now, in_force = time.monotonic(), APPLICATION_NAME in names
        comes_on = flushed != self._flushed
        moves = bool(flushed) and (waiting == "0" or comes_on)
        self._flushed = flushed
        if moves or not in_force:
            self._progress = now
        if in_force and now - self._progress > self._limit:
            return self.release(why_not if not flushed else "the receiver is there, but does not come on")
        if not in_force and flushed and (float(behind) <= CAUGHT_UP_BYTES if comes_on else behind == "0"):
            return self._engage()
        changed = self.state.in_force != in_force
        self.state.in_force = in_force
        return changed

    def release(self, why: str) -> bool:
        """Commits go on without the archive; returns whether they had to wait for it before."""
        if not self.state.in_force and not self._wanted:
            return False
        if not self._set("ALTER SYSTEM RESET synchronous_standby_names"):
            return False
        was, self.state.in_force = self.state.in_force, False
        if was:
            self.state.released, self.state.said = time.time(), why
            self.state.releases += 1
            self._log(f"commits do not wait for the archive any more: {why}")
        return was

    def close(self) -> None:
        """End its session."""
        self._psql.close()

    def _engage(self) -> bool:
        if not self._set(f"ALTER SYSTEM SET synchronous_standby_names = '{APPLICATION_NAME}'"):
            return False
        self.state.in_force, self.state.since, self.state.released = True, time.time(), None
        self._progress = time.monotonic()
        self._log("commits wait for the archive from now on")
        return True

    def _set(self, statement: str) -> bool:
        """ALTER SYSTEM writes no WAL, so it does not wait itself."""
        return self._psql.ask(statement) is not None and self._psql.ask("SELECT pg_reload_conf()") == [["t"]]
