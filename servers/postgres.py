"""A PostgreSQL server of this machine: made, configured, started, stopped. Blocking calls, no Pulumi."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from servers import binaries as programs
from servers import osuser, paths, ports, postmaster
from servers.errors import ServerError
from servers.failures import explain, port_in_use

CONFIGURATION = "waqiti.conf"
"""Included last by postgresql.conf, so that what `initdb` wrote stays readable beside what we set."""
IDENT_MAP = "waqiti"
"""Map of pg_ident.conf: `osuser.administrators()` may be the superuser over the unix socket."""

ORPHANS_END = 5.0
"""Seconds that a killed postmaster's backends have to notice; as many again after SIGQUIT, then SIGKILL."""


@dataclass(frozen=True)
class PostgresServer:
    """Names a server. All its state is on disk, so two objects with the same fields are the same server."""

    binaries: Path
    data: Path
    port: int
    sockets: Path
    log: Path
    """What the server writes before its own logging starts (all, unless `logging_collector` is on)."""
    address: str = ports.LOOPBACK

    def initialise(self, superuser: str, password: str, *, sync: bool = True) -> None:
        """Runs `initdb`: UTF-8, locale C, data checksums, scram; `password` becomes the superuser's.

        Raises ServerError when the folder holds anything already, or the disk is full.
        """
        if self.data.exists() and any(self.data.iterdir()):
            raise ServerError("is not empty", where=str(self.data), to_do="move it away or destroy it")
        paths.make_private(self.data.parent)
        paths.make_private(self.data)
        password_file = self.data.parent / ".password"
        osuser.write_private(password_file, password + "\n")
        try:
            osuser.run([
                self.binaries / "initdb", "--pgdata", self.data, "--username", superuser,
                "--pwfile", password_file, "--encoding", "UTF8", "--locale", "C", "--data-checksums",
                "--auth-local", "peer", "--auth-host", "scram-sha-256",
                *([] if sync else ["--no-sync"]),
            ])  # fmt: skip
        except subprocess.CalledProcessError as error:
            raise explain(error.stderr, self.data) from error
        finally:
            password_file.unlink(missing_ok=True)
        self.allow_administrators(superuser)

    def version(self) -> int | None:
        """Major version that the data folder was made by; None when there is no data."""
        try:
            return int((self.data / "PG_VERSION").read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def allow_administrators(self, superuser: str, more: Iterable[str] = ()) -> None:
        """Lets `osuser.administrators()`, and `more` of the operating system's users, be the superuser over
        the unix socket (`peer map=waqiti`)."""
        users = dict.fromkeys((*osuser.administrators(), *more))
        mapped = "".join(f'{IDENT_MAP} "{user}" "{superuser}"\n' for user in users)
        _write_if_changed(self.data / "pg_ident.conf", mapped)

    def configure(self, parameters: Mapping[str, str], hba: Sequence[str]) -> frozenset[str]:
        """Writes parameters (values unquoted, as SHOW prints them) and pg_hba.conf lines; takes effect at the
        next reload or start. Returns the names of the parameters that changed, and `hba`."""
        own = {
            "port": str(self.port),
            "listen_addresses": self.address,
            "unix_socket_directories": str(self.sockets),
        }
        wanted = {name: _quoted(value) for name, value in {**own, **parameters}.items()}
        before = self.configured()
        changed = {name for name in {*wanted, *before} if wanted.get(name) != before.get(name)}
        text = "".join(f"{name} = {value}\n" for name, value in sorted(wanted.items()))
        _write_if_changed(self.data / CONFIGURATION, text)
        if _write_if_changed(self.data / "pg_hba.conf", "".join(f"{line}\n" for line in hba)):
            changed.add("hba")
        main = self.data / "postgresql.conf"
        include = f"include = '{CONFIGURATION}'\n"
        text = main.read_text(encoding="utf-8")
        if not text.endswith(include):
            osuser.write_private(main, f"{text}\n{include}")
        return frozenset(changed)

    def configured(self) -> dict[str, str]:
        """The parameters that `configure` wrote, quoted as in the file; empty when it was never called."""
        try:
            text = (self.data / CONFIGURATION).read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        return dict(re.findall(r"^([\w.]+) = (.*)$", text, re.MULTILINE))

    def hba(self) -> list[str]:
        """The lines of pg_hba.conf; empty when there is none."""
        try:
            return (self.data / "pg_hba.conf").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def deviates(self, name: str, value: str) -> bool:
        """Whether the file says something else than `value` for a parameter."""
        return self.configured().get(name) != _quoted(value)

    def start(self, timeout: float = 60) -> None:
        """Starts it unless it runs, and waits until it accepts connections (at most `timeout` seconds).

        Deals with a stale pid file by itself, and ends what a killed postmaster left behind. Raises
        ServerError for a port in use, a data folder of another major version, a full disk, missing
        permissions, parameters that the server refuses.
        """
        if self.is_running():
            return
        self._require_same_version()
        postmaster.remove_stale_pid_file(self.data)
        paths.make_private(self.sockets)
        paths.make_private(self.log.parent)
        if ports.is_taken(self.port, self.address):
            raise port_in_use(self.port)
        postmaster.remove_stale_socket_lock(self.sockets, self.port)
        begun = time.monotonic()
        deadline = begun + timeout
        while True:
            said = self._try_to_start(deadline - time.monotonic())
            if said is None:
                return
            # After a kill -9, the last backends need a moment to notice that their postmaster is gone.
            if "shared memory block" not in said or time.monotonic() > deadline - 1:
                raise explain(said, self.data, self.port)
            if (waited := time.monotonic() - begun) > ORPHANS_END:
                # One that waits for a lock of another that is gone never notices.
                ended = postmaster.end_orphans(self.data, at_once=waited > 2 * ORPHANS_END)
                if ended:
                    with self.log.open("a", encoding="utf-8") as log:
                        log.write(f"waqiti: ended what a killed postmaster left behind: {ended}\n")
            time.sleep(0.2)

    def _try_to_start(self, seconds: float) -> str | None:
        before = {log: log.stat().st_size for log in self.log.parent.glob("*.log")}
        started = osuser.run(
            [self.binaries / "pg_ctl", "start", "-D", self.data, "-l", self.log,
             "-w", "-t", str(max(1, round(seconds))), "-s"],
            check=False,
        )  # fmt: skip
        if started.returncode == 0:
            return None
        said = [started.stderr]
        for log in sorted(self.log.parent.glob("*.log")):
            said.append(log.read_bytes()[before.get(log, 0) :].decode(errors="replace"))
        return "\n".join(reversed(said))

    def _require_same_version(self) -> None:
        wanted, found = programs.postgres_version(self.binaries), self.version()
        if found is None:
            raise ServerError("holds no PostgreSQL data", where=str(self.data), to_do="initialise it first")
        if found != wanted:
            raise ServerError(
                f"was made by PostgreSQL {found}, but {wanted} was to start on it",
                where=str(self.data),
                to_do=f"set the version to {found}, or move the folder away and migrate its data",
            )

    def stop(self, mode: str = "fast", timeout: float = 60) -> None:
        """Stops it if it runs: `smart`, `fast` (default) or `immediate`, which is also what follows when
        `timeout` seconds were not enough."""
        if not self.is_running():
            return
        argv: list[str | Path] = [
            self.binaries / "pg_ctl",
            "stop",
            "-D",
            self.data,
            "-w",
            "-s",
            "-t",
            str(round(timeout)),
            "-m",
        ]
        if osuser.run([*argv, mode], check=False).returncode != 0 and self.is_running():
            last = osuser.run([*argv, "immediate"], check=False)
            if self.is_running():
                raise ServerError(
                    f"did not stop ({last.stderr.strip()})",
                    where=str(self.data),
                    to_do=f"see pid {self.pid()}",
                )

    def kill(self) -> None:
        """`kill -9` for the postmaster and its children, as when the machine dies. For tests and drills."""
        pid = self.pid()
        if pid is None:
            return
        postmaster.kill_with_children(pid)
        while postmaster.alive(pid):
            time.sleep(0.01)

    def reload(self) -> None:
        """Makes a running server read its configuration files again (it does so a moment later)."""
        osuser.run([self.binaries / "pg_ctl", "reload", "-D", self.data, "-s"])

    def restart(self, timeout: float = 60) -> None:
        """`stop` and `start`."""
        self.stop(timeout=timeout)
        self.start(timeout)

    def is_running(self) -> bool:
        """Whether its postmaster lives (it may still be starting or stopping)."""
        return self.pid() is not None

    def pid(self) -> int | None:
        """The postmaster's process id; None when it does not run, whatever a pid file says."""
        return postmaster.postmaster_pid(self.data)

    def destroy(self) -> None:
        """Stops it and removes its data for good."""
        self.stop("immediate")
        if self.data.exists():
            shutil.rmtree(self.data)


def _quoted(value: str) -> str:
    doubled = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def _write_if_changed(path: Path, text: str) -> bool:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    osuser.write_private(path, text)
    return True
