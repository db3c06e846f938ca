"""A PgBouncer of this machine: one service's gateway. Blocking calls, no Pulumi.

Its folder holds `pgbouncer.ini` (settings), `routes.ini` (where it leads: pgbouncer_routes), `users.txt`
(auth_file), `hba.conf`, `pgbouncer.log` and `pgbouncer.pid`.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from servers import osuser, paths, ports, postmaster
from servers.errors import ServerError
from servers.failures import explain, port_in_use
from servers.pgbouncer_routes import DdlRoute, Route, read_routes, write_routes

__all__ = ["RESTART_SETTINGS", "DdlRoute", "PgBouncerServer", "Route", "read_routes", "write_routes"]

RESTART_SETTINGS = frozenset({
    "listen_addr", "listen_port", "listen_backlog", "pidfile", "so_reuseport",
    "unix_socket_dir", "unix_socket_group", "unix_socket_mode", "user", "track_extra_parameters",
})  # fmt: skip
"""What RELOAD cannot change: `changeable = no` in PgBouncer 1.18's SHOW CONFIG, as far as we set it; and
what only newer ones know, because the process that runs may still be an older one's."""


@dataclass(frozen=True)
class PgBouncerServer:
    """Names a gateway's process. All its state is on disk."""

    binary: Path
    folder: Path
    port: int
    sockets: Path
    address: str = ports.LOOPBACK

    @property
    def configuration(self) -> Path:
        return self.folder / "pgbouncer.ini"

    @property
    def routes(self) -> Path:
        """Rewritten by `migration` through `write_routes`."""
        return self.folder / "routes.ini"

    @property
    def users(self) -> Path:
        """The auth_file."""
        return self.folder / "users.txt"

    def configure(
        self, settings: Mapping[str, str], users: Mapping[str, str], hba: Sequence[str]
    ) -> tuple[str, ...]:
        """Writes settings of the `[pgbouncer]` section, users with their passwords, and hba lines.

        Not the routes: see `write_routes`. Returns the names of what changed (`users` and `hba` among
        them), for `reload` or `restart`; nothing takes effect by itself.
        """
        paths.make_private(self.folder)
        changed = self.differs(settings, users, hba)
        if not changed.isdisjoint({*self._wanted(settings), *self._settings()}):
            lines = "".join(f"{name} = {value}\n" for name, value in sorted(self._wanted(settings).items()))
            osuser.write_private(self.configuration, f"[pgbouncer]\n{lines}%include {self.routes}\n")
        for name, (path, text) in self._lists(users, hba).items():
            if name in changed:
                osuser.write_private(path, text)
        return tuple(sorted(changed))

    def differs(
        self, settings: Mapping[str, str], users: Mapping[str, str], hba: Sequence[str]
    ) -> frozenset[str]:
        """The names of what `configure` would change: settings, `users`, `hba`. Writes nothing."""
        wanted, before = self._wanted(settings), self._settings()
        changed = {name for name in {*wanted, *before} if wanted.get(name) != before.get(name)}
        for name, (path, text) in self._lists(users, hba).items():
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                changed.add(name)
        return frozenset(changed)

    def _wanted(self, settings: Mapping[str, str]) -> dict[str, str]:
        own = {
            "listen_addr": self.address,
            "listen_port": str(self.port),
            "unix_socket_dir": str(self.sockets),
            "unix_socket_mode": "0700",
            "auth_type": "hba",
            "auth_hba_file": str(self.folder / "hba.conf"),
            "auth_file": str(self.users),
            "logfile": str(self.folder / "pgbouncer.log"),
            "pidfile": str(self.folder / "pgbouncer.pid"),
        }
        return {**own, **settings}

    def _lists(self, users: Mapping[str, str], hba: Sequence[str]) -> dict[str, tuple[Path, str]]:
        return {
            "users": (self.users, users_text(users)),
            "hba": (self.folder / "hba.conf", "".join(f"{line}\n" for line in hba)),
        }

    def _settings(self) -> dict[str, str]:
        if not self.configuration.exists():
            return {}
        text = self.configuration.read_text(encoding="utf-8")
        return dict(re.findall(r"^(\w+) = (.*)$", text, re.MULTILINE))

    def start(self, timeout: float = 15) -> None:
        """Starts it unless it runs, and waits until it listens. Raises ServerError (port in use, ...)."""
        if self.is_running():
            return
        (self.folder / "pgbouncer.pid").unlink(missing_ok=True)
        paths.make_private(self.sockets)
        if not ports.becomes_free(self.port, self.address, 1.0):
            raise port_in_use(self.port)
        log = self.folder / "pgbouncer.log"
        before = log.stat().st_size if log.exists() else 0
        started = osuser.run([self.binary, "-q", "-d", self.configuration], check=False, timeout=timeout)
        deadline = time.monotonic() + timeout
        while started.returncode == 0 and time.monotonic() < deadline:
            if self.is_running() and self._listens():
                return
            time.sleep(0.02)
        said = log.read_bytes()[before:].decode(errors="replace") if log.exists() else ""
        raise explain(f"{started.stderr}\n{said}", self.configuration, self.port)

    def _listens(self) -> bool:
        try:
            socket.create_connection((self.address, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self, timeout: float = 5) -> None:
        """Lets running transactions end (at most `timeout` seconds), then stops it if it runs."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            pid = self.pid()
            if pid is None:
                break
            self._signal(pid, number)
            deadline = time.monotonic() + timeout
            while postmaster.alive(pid) and time.monotonic() < deadline:
                time.sleep(0.02)
        if self.is_running():
            raise ServerError("did not stop", where=str(self.configuration), to_do=f"see pid {self.pid()}")

    def kill(self) -> None:
        """`kill -9`. For tests and drills."""
        pid = self.pid()
        if pid is not None:
            self._signal(pid, signal.SIGKILL)
            while postmaster.alive(pid):
                time.sleep(0.01)

    def reload(self) -> None:
        """Makes it read its files again (it does so a moment later); clients notice nothing."""
        pid = self.pid()
        if pid is not None:
            self._signal(pid, signal.SIGHUP)

    def restart(self) -> None:
        """`stop` and `start`: clients lose their connections."""
        self.stop()
        self.start()

    def is_running(self) -> bool:
        return self.pid() is not None

    def pid(self) -> int | None:
        """Its process id; None when it does not run, whatever a pid file left behind says."""
        try:
            pid = int((self.folder / "pgbouncer.pid").read_text())
        except (OSError, ValueError):
            return None
        return pid if postmaster.alive(pid) and postmaster.command_names(pid, self.configuration) else None

    @staticmethod
    def _signal(pid: int, number: signal.Signals) -> None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return


def users_text(users: Mapping[str, str]) -> str:
    """What the auth_file holds: names and passwords."""
    return "".join(f'"{_doubled(name)}" "{_doubled(word)}"\n' for name, word in sorted(users.items()))


def _doubled(text: str) -> str:
    return text.replace('"', '""')
