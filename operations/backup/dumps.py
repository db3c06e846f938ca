"""Dated pg_dump files of a service's database, with its roles and checksums, restorable by another name."""

from __future__ import annotations

import hashlib
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from core.errors import BackupFailed
from operations.backup.archive import Archive
from servers import osuser


@dataclass(frozen=True)
class Dump:
    """A dated dump: the database in pg_dump's custom format, the roles as SQL beside it."""

    database: Path
    roles: Path
    seconds: float


def dump(archive: Archive) -> Dump:
    """Take a dump now; the oldest beyond `dumps_kept` go. Raises BackupFailed."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    database = archive.dumps / f"{archive.database}-{stamp}.dump"
    roles = archive.dumps / f"{archive.database}-{stamp}.roles.sql"
    begun = time.monotonic()
    words = archive.conninfo(streaming=False)
    try:
        _run(archive, "pg_dump", "--dbname", words, "--format=custom", "--file", f"{database}.new")
        _run(
            archive,
            "pg_dumpall",
            "--dbname",
            words,
            "--roles-only",
            "--no-role-passwords",
            "--file",
            f"{roles}.new",
        )
    except BackupFailed:
        for file in (database, roles):
            Path(f"{file}.new").unlink(missing_ok=True)
        raise
    for file in (roles, database):
        Path(f"{file}.new").rename(file)
        osuser.write_private(file.with_name(f"{file.name}.sha256"), f"{_digest(file)}  {file.name}\n")
    _remove_old(archive, int(archive.policy["dumps_kept"]))
    return Dump(database, roles, round(time.monotonic() - begun, 2))


def dumps(archive: Archive) -> list[Path]:
    """The dumps there are, the oldest first."""
    return sorted(archive.dumps.glob("*.dump"))


def _remove_old(archive: Archive, kept: int) -> None:
    for old in dumps(archive)[:-kept]:
        for file in archive.dumps.glob(f"{old.stem}.*"):
            file.unlink()


def _run(archive: Archive, program: str, *arguments: str) -> None:
    try:
        osuser.run([archive.binaries / program, "--no-password", *arguments])
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "").strip().splitlines()
        raise BackupFailed(f"{program} of {archive.service}: {said[0] if said else 'it failed'}") from None


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
