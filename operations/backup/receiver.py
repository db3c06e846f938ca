"""pg_receivewal, kept alive: started again within a second whenever it ends. Standard library alone."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import suppress

from operations.backup import locks
from operations.backup.archive import Archive
from operations.backup.state import ReceiverState
from operations.backup.wal import SEGMENT_BYTES
from servers import osuser

APPLICATION_NAME = "barman_receive_wal"
AGAIN_SECONDS = (0.0, 0.25, 0.5, 1.0)
"""Waits before it is started again: the first time at once, then ever longer."""
STEADY_SECONDS = 10.0
"""One that lived so long has recovered."""
_WRONG = re.compile(r"ERROR|FATAL|error:|fatal:")


class Receiver:
    """The process, and Barman's lock that says so. The lock is inherited: an orphan still holds it."""

    def __init__(self, archive: Archive, state: ReceiverState) -> None:
        self._archive = archive
        self.state = state
        self._process: subprocess.Popen[bytes] | None = None
        self._tries = 0
        self._not_before = 0.0

    @property
    def seconds_until_next_try(self) -> float:
        """How long until it may be started again; plenty while it runs."""
        return 3600.0 if self._process is not None else max(0.05, self._not_before - time.monotonic())

    def look(self, *, wanted: bool) -> bool:
        """Start it, stop it or leave it as it is; returns whether anything changed."""
        ended = self._reap()
        if not wanted:
            return self.stop() or ended
        if self._process is not None or time.monotonic() < self._not_before:
            return ended
        return self._start() or ended

    def stop(self) -> bool:
        """End it; what it wrote last is synced. Returns whether there was one."""
        if self._process is None:
            return False
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        self.state.pid = None
        return True

    def _reap(self) -> bool:
        if self._process is None or self._process.poll() is None:
            return False
        lived = time.time() - (self.state.since or 0.0)
        self._tries = 0 if lived > STEADY_SECONDS else min(self._tries + 1, len(AGAIN_SECONDS) - 1)
        self._not_before = time.monotonic() + AGAIN_SECONDS[self._tries]
        self._process = None
        self.state.pid, self.state.ended = None, time.time()
        self.state.restarts += 1
        self.state.said = self._last_words()
        return True

    def _start(self) -> bool:
        lock = locks.take(self._archive.receiver_lock)
        if lock is None:
            self._end_orphan()
            return False
        try:
            with (self._archive.log / "receiver.log").open("ab") as log:
                self._process = subprocess.Popen(
                    osuser.as_servers_user([
                        self._archive.binaries / "pg_receivewal",
                        "--dbname", f"{self._archive.conninfo(streaming=True)}"
                                    f" application_name={APPLICATION_NAME}",
                        "--slot", self._archive.slot, "--directory", self._archive.streaming,
                        "--no-password", "--no-loop", "--status-interval=1",
                        *(["--synchronous"] if self._archive.policy.get("synchronous") else []),
                    ]),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                    env=osuser.clean_environment(), pass_fds=(lock,), start_new_session=True,
                )  # fmt: skip
            locks.name_holder(lock, self._process.pid)
        finally:
            os.close(lock)
        self.state.pid, self.state.since = self._process.pid, time.time()
        return True

    def _end_orphan(self) -> None:
        """A receiver whose supervisor was killed still receives, but nobody would start it again."""
        pid = locks.holder(self._archive.receiver_lock)
        if pid is not None and pid > 1:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        self._not_before = time.monotonic() + 0.1

    def _last_words(self) -> str:
        with suppress(OSError):
            space = os.statvfs(self._archive.streaming)
            if space.f_bavail * space.f_frsize < SEGMENT_BYTES:  # There was no room for its words either.
                return f"No space left on device for a segment of WAL in {self._archive.folder}"
        with suppress(OSError):
            size = (self._archive.log / "receiver.log").stat().st_size
            with (self._archive.log / "receiver.log").open("rb") as log:
                log.seek(max(0, size - 4096))
                lines = log.read().decode(errors="replace").splitlines()
            wrong = [line for line in lines if _WRONG.search(line) and "disconnected" not in line]
            return (wrong or lines or [""])[-1]
        return ""
