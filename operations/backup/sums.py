"""Checksums of a base backup's files, taken when it was: a bit that flips later is found and named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from operations.backup.archive import Archive
from operations.backup.catalogue import Backup
from servers import osuser


def _file(archive: Archive, backup_id: str) -> Path:
    return archive.state / f"sums-{backup_id}.json"


def keep_sums(archive: Archive, backup: Backup) -> None:
    """Note what its files are now. Raises OSError."""
    sums = {str(file.relative_to(backup.folder)): _digest(file) for file in _files(backup)}
    osuser.write_private(_file(archive, backup.id), json.dumps(sums, indent=1) + "\n")


def damaged_files(archive: Archive, backup: Backup) -> Iterator[tuple[Path, str]]:
    """Its files that are not as they were, and what is wrong with each."""
    try:
        sums: dict[str, str] = json.loads(_file(archive, backup.id).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    for name, expected in sums.items():
        file = backup.folder / name
        if not file.exists():
            yield file, "is not there any more"
        elif _digest(file) != expected:
            yield file, "is not as it was when it was taken"


def remove_sums(archive: Archive, known: set[str]) -> None:
    """Forget those of backups that are gone."""
    for file in archive.state.glob("sums-*.json"):
        if file.stem.removeprefix("sums-") not in known:
            file.unlink()


def _files(backup: Backup) -> list[Path]:
    return sorted(file for file in backup.folder.rglob("*") if file.is_file())


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
