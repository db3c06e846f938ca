"""Dated pg_dump files of a service's database, with its roles and checksums, restorable by another name."""

from __future__ import annotations

import hashlib
import shlex
import shutil
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
    sealed = ".gpg" if archive.keyring is not None else ""
    database = archive.dumps / f"{archive.database}-{stamp}.dump{sealed}"
    roles = archive.dumps / f"{archive.database}-{stamp}.roles.sql{sealed}"
    begun = time.monotonic()
    words = archive.conninfo(streaming=False)
    try:
        _into(archive, Path(f"{database}.new"), "pg_dump", "--dbname", words, "--format=custom")
        only = ("--roles-only", "--no-role-passwords")
        _into(archive, Path(f"{roles}.new"), "pg_dumpall", "--dbname", words, *only)
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
    return sorted(file for file in archive.dumps.iterdir() if file.name.endswith((".dump", ".dump.gpg")))


def _remove_old(archive: Archive, kept: int) -> None:
    for old in dumps(archive)[:-kept]:
        for file in archive.dumps.glob(f"{old.name.partition('.dump')[0]}.*"):
            file.unlink()


def _into(archive: Archive, file: Path, program: str, *arguments: str) -> None:
    """What a program writes, in `file`; where the archive is encrypted, nothing of it is on disk in clear."""
    words = [str(archive.binaries / program), "--no-password", *arguments]
    if archive.keyring is None:
        words += ["--file", str(file)]
    else:
        seal = [shutil.which("gpg") or "gpg", "--batch", "--no-tty", "--quiet", "--compress-level", "0"]
        seal += ["--homedir", str(archive.keyring), "--recipient", archive.recipient]
        # A shell alone starts two programs as another user and knows how both ended.
        words = [
            shutil.which("bash") or "/bin/bash",
            "-o",
            "pipefail",
            "-c",
            f'{shlex.join(words)} | {shlex.join([*seal, "--encrypt"])} >"$0"',
            str(file),
        ]
    try:
        osuser.run(words)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "").strip().splitlines()
        raise BackupFailed(f"{program} of {archive.service}: {said[0] if said else 'it failed'}") from None


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
