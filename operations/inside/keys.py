"""The operator's private key in a container without a network, for as long as it decrypts.

Its folder is copied into memory of this machine, for the container's user, and removed as the verb ends.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from operations.backup.archive import Archive

VARIABLE = "GNUPGHOME"
_MEMORY = Path("/dev/shm")  # noqa: S108 (a folder of its own in it, made for its user alone)


def folder(archive: Archive) -> Path | None:
    """Where the container finds it, empty but while a verb runs; None: nothing is encrypted."""
    if archive.keyring is None:
        return None
    at = _MEMORY if _MEMORY.is_dir() else Path(tempfile.gettempdir())
    return at / f"waqiti-keys-{hashlib.sha256(os.fsencode(archive.folder)).hexdigest()[:12]}"


def make_folder(archive: Archive) -> Path | None:
    """Make it, for a container that is about to be made."""
    made = folder(archive)
    if made is not None and archive.container is not None:
        made.mkdir(0o700, exist_ok=True)
        os.chown(made, *_owner(archive))
    return made


def remove_folder(archive: Archive) -> None:
    """With whatever is in it."""
    made = folder(archive)
    if made is not None:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def lent(archive: Archive) -> Iterator[Mapping[str, str]]:
    """The variables by which a verb finds the key; nothing where nothing is encrypted."""
    made = make_folder(archive)
    if made is None:
        yield {}
        return
    own = Path(os.environ.get(VARIABLE) or Path.home() / ".gnupg")
    try:
        for one in own.iterdir() if own.is_dir() else ():
            _copy(one, made / one.name, _owner(archive))
        yield {VARIABLE: str(made)}
    finally:
        for one in made.iterdir():
            shutil.rmtree(one) if one.is_dir() else one.unlink(missing_ok=True)


def _copy(one: Path, to: Path, owner: tuple[int, int]) -> None:
    """A file or folder; sockets and locks of a running GnuPG stay where they are."""
    if one.is_dir():
        to.mkdir(0o700, exist_ok=True)
        for inner in one.iterdir():
            _copy(inner, to / inner.name, owner)
    elif one.is_file() and not one.name.endswith(".lock") and not one.name.startswith((".#", "S.")):
        shutil.copyfile(one, to)
        to.chmod(0o600)
    else:
        return
    os.chown(to, *owner)


def _owner(archive: Archive) -> tuple[int, int]:
    if archive.container is None:
        return os.geteuid(), os.getegid()
    user, group = archive.container.user.split(":")
    return int(user), int(group)
