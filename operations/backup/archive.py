"""A service's archive on disk: where its parts are. Standard library alone."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from components.contract import BackupControl

CONTROL = "control.json"


@dataclass(frozen=True)
class Container:
    """Where an archive is filled on Docker: `components.contract.ArchiveContainer`."""

    socket: str
    name: str
    image: str
    user: str
    instance: str
    volume: str
    label: str


@dataclass(frozen=True)
class Archive:
    """One service's archive. `policy` is `components.contract.BackupPolicy` as JSON types."""

    service: str
    folder: Path
    slot: str
    binaries: Path
    policy: dict[str, Any]
    administrator: str | None = None
    """The instance's superuser; None: its data folder says."""
    container: Container | None = None
    """In which its programs run; None: here, which is also so in the container itself."""

    @classmethod
    def of(cls, control: BackupControl) -> Archive:
        """The archive that a contract names."""
        return cls._of(control.model_dump(mode="json"))

    @classmethod
    def load(cls, folder: Path) -> Archive:
        """The archive in `folder`. Raises OSError, ValueError where there is none."""
        return cls._of(json.loads((folder / CONTROL).read_text(encoding="utf-8")))

    @classmethod
    def _of(cls, control: dict[str, Any]) -> Archive:
        return cls(
            control["service"],
            Path(control["folder"]),
            control["slot"],
            Path(control["binaries"]),
            control["policy"],
            control.get("administrator"),
            Container(**there) if (there := control.get("container")) else None,
        )

    @property
    def configuration(self) -> Path:
        """Barman's."""
        return self.folder / "barman.conf"

    @property
    def home(self) -> Path:
        """Barman's, with its locks."""
        return self.folder / "barman"

    @property
    def server(self) -> Path:
        """What Barman keeps of the service."""
        return self.home / self.service

    @property
    def base(self) -> Path:
        """Base backups, a folder each."""
        return self.server / "base"

    @property
    def meta(self) -> Path:
        """A file a backup: what it is."""
        return self.server / "meta"

    @property
    def wals(self) -> Path:
        """Whole segments, in a folder for each 4 GiB of each time-line."""
        return self.server / "wals"

    @property
    def streaming(self) -> Path:
        """What the receiver writes: whole segments that are not in `wals` yet, and one `.partial`."""
        return self.server / "streaming"

    @property
    def ended(self) -> Path:
        """The last, unfinished segment of each time-line that a restore ended."""
        return self.folder / "ended"

    @property
    def dumps(self) -> Path:
        """Dated pg_dump files."""
        return self.folder / "dumps"

    @property
    def state(self) -> Path:
        """What the supervisor, proofs and checks found."""
        return self.folder / "state"

    @property
    def log(self) -> Path:
        """Logs of Barman and of the supervisor."""
        return self.folder / "log"

    @property
    def keyring(self) -> Path | None:
        """GnuPG's folder with the public key to which the archive is encrypted; None: it is not."""
        return self.folder / "gnupg" if self.policy.get("encryption_key") else None

    @property
    def recipient(self) -> str:
        """The fingerprint of that key. Raises OSError, ValueError where there is none."""
        return self._configured("encryption_key_id")

    @property
    def receiver_lock(self) -> Path:
        """Barman's lock of who receives WAL: held by the receiver, its process id inside."""
        return self.home / f".{self.service}-receive-wal.lock"

    @property
    def backup_lock(self) -> Path:
        """Barman's lock of who takes a backup."""
        return self.home / f".{self.service}-backup.lock"

    @property
    def turn_lock(self) -> Path:
        """Held by whoever runs a task of any of the archives in the same folder."""
        return self.folder.parent / ".backup-turn.lock"

    @property
    def database(self) -> str:
        """The service's database. Raises OSError, ValueError."""
        match = re.search(r" dbname=('(?:[^'\\\\]|\\\\.)*'|\S+)", self.conninfo(streaming=False))
        if match is None:
            raise ValueError(f"{self.configuration} names no database")
        word = match[1]
        return re.sub(r"\\\\(.)", r"\1", word[1:-1]) if word.startswith("'") else word

    def conninfo(self, *, streaming: bool) -> str:
        """libpq's words for the instance as the backup role, from Barman's configuration."""
        return self._configured("streaming_conninfo" if streaming else "conninfo")

    def _configured(self, wanted: str) -> str:
        for line in self.configuration.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(" = ")
            if name == wanted:
                return value
        raise ValueError(f"{self.configuration} has no {wanted}")
