"""A restored instance: where its data, its socket and its log are, and who is its superuser."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from components.contract import Endpoint, Login
from core.errors import RestoreFailed
from core.sessions.connections import Database
from operations.backup.archive import Archive
from servers import osuser, paths, ports
from servers.postgres import IDENT_MAP, PostgresServer

ORIGINALS = "of-the-backup"
"""Suffix of configuration files as they were in the backup."""


@dataclass(frozen=True)
class Scratch:
    """A restored instance in a folder of its own."""

    folder: Path
    binaries: Path
    sockets: Path | None = None
    """Folder of its socket; None: by its folder."""
    superuser: str | None = None
    """None: its data folder says."""
    admitted: tuple[str, ...] = ()
    """Users of the operating system that may be its superuser, too."""

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Scratch:
        """What `as_json` made."""
        return cls(
            Path(said["folder"]),
            Path(said["binaries"]),
            None if said["sockets"] is None else Path(said["sockets"]),
            said["superuser"],
            tuple(said["admitted"]),
        )

    def as_json(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "folder": str(self.folder),
            "binaries": str(self.binaries),
            "sockets": None if self.sockets is None else str(self.sockets),
            "superuser": self.superuser,
            "admitted": list(self.admitted),
        }

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.folder / "data"

    @property
    def staging(self) -> Path:
        """Where its recovery reads WAL."""
        return self.folder / "wal"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "log" / "server.log"

    @property
    def server(self) -> PostgresServer:
        """The process; its port is only the name of its socket."""
        return PostgresServer(self.binaries, self.data, self._port(), self._sockets(), self.log)

    def database(self, name: str) -> Database:
        """A database of it, as its administrator over the socket."""
        endpoint = Endpoint(host=str(self._sockets()), port=self._port(), database=name, sslmode="disable")
        login = Login(name=self.administrator(), password=SecretStr("peer, not a password"))
        return Database("the restored instance", "target", endpoint, login)

    def administrator(self) -> str:
        """The superuser whom the servers' user may be, from the data folder's own map if nobody says."""
        if self.superuser is not None:
            return self.superuser
        for name in (f"pg_ident.conf.{ORIGINALS}", "pg_ident.conf"):
            with suppress(OSError):
                text = (self.data / name).read_text(encoding="utf-8")
                if match := re.search(rf'^{IDENT_MAP} "[^"]*" "([^"]*)"', text, re.MULTILINE):
                    return match[1]
        raise RestoreFailed(
            f"{self.data}/pg_ident.conf maps nobody to the server's administrator: it is not of this program"
        )

    def _sockets(self) -> Path:
        return self.sockets or paths.socket_dir(self.folder)

    def _port(self) -> int:
        kept = self.folder / "port"
        if not kept.exists():
            osuser.write_private(kept, str(ports.free_port()))
        return int(kept.read_text(encoding="ascii"))


def scratch_of(archive: Archive, folder: Path) -> Scratch:
    """The instance that is restored from `archive` into `folder`, by who is here."""
    return Scratch(folder, archive.binaries, superuser=archive.administrator)
