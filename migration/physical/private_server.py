"""A server that nobody reaches: no TCP, a socket in a private folder, its superuser alone, no workers.

It reads a configuration of its own, never that of its data folder.
"""

from __future__ import annotations

import shlex
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from core.errors import FilesFailed, Interrupted, StepTimeout
from core.sessions.session import Connection
from migration.physical.places import Places
from servers import osuser, paths, postmaster
from servers.errors import ServerError
from servers.postgres import IDENT_MAP, PostgresServer

ALONE: Mapping[str, str] = {
    "listen_addresses": "",
    "autovacuum": "off",
    "max_logical_replication_workers": "0",
    "archive_mode": "off",
    "ssl": "off",
    "logging_collector": "off",
    "log_min_messages": "error",
    "shared_preload_libraries": "",
    "session_preload_libraries": "",
    "local_preload_libraries": "",
    "synchronous_standby_names": "",
    "synchronous_commit": "off",
    # It is thrown away, or synced as a whole before it counts.
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "jit": "off",
    "lc_messages": "C",
}
_STATUS = 7
"""The line of postmaster.pid, from 0, in which the server says how far it is."""
_PORTS = {"clone": 1, "own": 2}
"""Names of sockets, nothing more."""


@dataclass(frozen=True)
class PrivateServer:
    """Of one of the two data folders of `places`."""

    places: Places
    data: Path
    superuser: str
    database: str
    """One that takes sessions."""

    @property
    def log(self) -> Path:
        """What it says."""
        return self.places.folder / f"{self.data.name}.log"

    def start(self, settings: Mapping[str, str], stop: threading.Event, seconds: float) -> None:
        """Start it and wait until it serves its superuser: for recovery, until that has ended.

        Raises FilesFailed with the server's word, Interrupted, StepTimeout after `seconds`.
        """
        paths.make_private(self.places.sockets)
        configuration = self._configure(settings)
        # Whoever is killed now leaves a server in `places`, where `mend` finds it.
        try:
            osuser.run(
                [self.places.binaries / "pg_ctl", "start", "-D", self.data, "-W", "-s", "-l", self.log,
                 "-o", f"-c config_file={shlex.quote(str(configuration))}"],
                timeout=60,
            )  # fmt: skip
        except subprocess.SubprocessError as error:
            raise FilesFailed(f"{self.data} could not be started ({error}); {self._said()}") from None
        self._wait(stop, time.monotonic() + seconds)

    @contextmanager
    def session(self, database: str | None = None) -> Iterator[Connection]:
        """A session of its superuser, whatever the database's own settings say. Raises FilesFailed for what
        the server refuses inside."""
        try:
            with self._connect(database) as connection:
                yield connection
        except psycopg.Error as error:
            said = error.diag.message_primary or (str(error).splitlines() or ["it broke off"])[0]
            raise FilesFailed(f"{self.data} refused a statement: {said}") from None

    def _connect(self, database: str | None = None) -> Connection:
        return psycopg.connect(
            host=str(self.places.sockets),
            port=_PORTS[self.data.name],
            dbname=database or self.database,
            user=self.superuser,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=5,
            options="-c search_path= -c default_transaction_read_only=off -c statement_timeout=0"
            " -c session_preload_libraries= -c local_preload_libraries= -c default_transaction_isolation="
            "read\\ committed -c idle_session_timeout=0 -c lock_timeout=0",
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop it if it runs. Raises FilesFailed."""
        try:
            PostgresServer(self.places.binaries, self.data, 1, self.places.sockets, self.log).stop(mode, 600)
        except ServerError as error:
            raise FilesFailed(str(error)) from None

    def _configure(self, settings: Mapping[str, str]) -> Path:
        folder, name = self.places.folder, self.data.name
        own = {
            **ALONE,
            "port": str(_PORTS[name]),
            "unix_socket_directories": str(self.places.sockets),
            "unix_socket_permissions": "0700",
            "hba_file": str(folder / f"{name}.hba"),
            "ident_file": str(folder / f"{name}.ident"),
            **settings,
        }
        quoted = {key: value.replace("\\", "\\\\").replace("'", "''") for key, value in own.items()}
        osuser.write_private(folder / f"{name}.hba", f"local all all peer map={IDENT_MAP}\n")
        mapped = (f'{IDENT_MAP} "{user}" "{self.superuser}"\n' for user in osuser.administrators())
        osuser.write_private(folder / f"{name}.ident", "".join(mapped))
        text = "".join(f"{key} = '{value}'\n" for key, value in quoted.items())
        osuser.write_private(folder / f"{name}.conf", text)
        return folder / f"{name}.conf"

    def _wait(self, stop: threading.Event, deadline: float) -> None:
        begun = time.monotonic()
        while True:
            if stop.is_set():
                raise Interrupted("interrupted; what was begun is undone and nothing was switched")
            if self._says_ready():
                with suppress(psycopg.OperationalError):
                    self._connect().close()
                    return
            if postmaster.postmaster_pid(self.data) is None and time.monotonic() > begun + 1:
                raise FilesFailed(f"the server of {self.data} ended: {self._said()}")
            if time.monotonic() > deadline:
                raise StepTimeout(f"{self.data} did not come up in time: {self._said()}")
            time.sleep(0.02)

    def _says_ready(self) -> bool:
        """By its pid file, which costs nothing to ask: a recovery may take hours."""
        with suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text(encoding="ascii", errors="replace").splitlines()
            return len(lines) > _STATUS and lines[_STATUS].strip() == "ready"
        return False

    def _said(self) -> str:
        with suppress(OSError):
            lines = self.log.read_text(errors="replace").splitlines()
            wrong = [line for line in lines if "FATAL" in line or "PANIC" in line or "ERROR" in line]
            # Each look of ours is refused until it is up.
            wrong = [line for line in wrong if "starting up" not in line and "not accepting" not in line]
            return (wrong or lines or ["it said nothing"])[-1]
        return "it said nothing"
