"""Where this project keeps what outlives a command: state (data), cache (programs), sockets."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from servers.errors import ServerError
from servers.osuser import hand_over, service_user

SOCKET_PATH_LIMIT = 100
"""Bytes of a unix socket's whole path; 107 on Linux, 103 on macOS, less a margin."""


def _folder(variable: str, system: str, home_variable: str, home_default: str) -> Path:
    if given := os.environ.get(variable):
        return Path(given).absolute()
    if os.geteuid() == 0:
        return Path(system) / "waqiti"
    return Path(os.environ.get(home_variable) or Path.home() / home_default) / "waqiti"


def state_dir() -> Path:
    """`$WAQITI_STATE_DIR`, else `/var/lib/waqiti` as root, else `waqiti` in the user's XDG state folder."""
    return _folder("WAQITI_STATE_DIR", "/var/lib", "XDG_STATE_HOME", ".local/state")


def cache_dir() -> Path:
    """`$WAQITI_CACHE_DIR`, else `/var/cache/waqiti` as root, else `waqiti` in the user's XDG cache folder."""
    return _folder("WAQITI_CACHE_DIR", "/var/cache", "XDG_CACHE_HOME", ".cache")


def stack_dir(project: str, stack: str, state: Path | None = None) -> Path:
    """Folder of a stack's instances, a folder a service in it, and the stack's CA; in `state_dir()`."""
    return (state or state_dir()) / "stacks" / f"{project}-{stack}"


def archives_dir(project: str, stack: str, state: Path | None = None) -> Path:
    """Folder of a stack's backups, a folder a service in it: not inside that of its instances."""
    return (state or state_dir()) / "backups" / f"{project}-{stack}"


def monitoring_dir(project: str, stack: str, state: Path | None = None) -> Path:
    """Folder of what watches a stack."""
    return (state or state_dir()) / "monitoring" / f"{project}-{stack}"


def moves_dir(project: str, stack: str, state: Path | None = None) -> Path:
    """Folder in which `migration` leaves what it is doing with a stack's services, for who watches."""
    return (state or state_dir()) / "moves" / f"{project}-{stack}"


def socket_dir(folder: Path) -> Path:
    """The folder for the unix sockets of what lives in `folder`; the same one every time it is asked.

    `folder`/sockets where that is short enough, else a folder of the system's temporary one that is
    named by a digest of `folder` (unix socket paths are limited to about 104 bytes).
    """
    inside = folder / "sockets"
    if len(os.fsencode(inside)) + len("/.s.PGSQL.65535.lock") <= SOCKET_PATH_LIMIT:
        return inside
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"waqiti-{os.geteuid()}-{digest}"


def make_private(folder: Path) -> Path:
    """Makes `folder` (mode 0700) for the user that servers run as; parents that are missing get 0755.

    Raises ServerError when it belongs to somebody else or cannot be reached by that user.
    """
    make_passable(folder.parent)
    _make(folder, 0o700)
    user = service_user()
    owner = folder.stat().st_uid
    if owner not in (os.geteuid(), user.uid if user else os.geteuid()):
        raise ServerError(
            f"belongs to the user with id {owner}",
            where=str(folder),
            to_do="move it away or run as that user",
        )
    if user is not None:
        for parent in folder.parents:
            status = parent.stat()
            if not status.st_mode & stat.S_IXOTH and status.st_uid != user.uid:
                raise ServerError(
                    f"may not be entered by {user.name}, which servers run as",
                    where=str(parent),
                    to_do=f"chmod o+x {parent}, or set WAQITI_STATE_DIR",
                )
    folder.chmod(0o700)
    hand_over(folder)
    return folder


def make_passable(folder: Path) -> Path:
    """Makes `folder` and its missing parents, 0755: every user may pass. Raises ServerError."""
    for missing in reversed([parent for parent in (folder, *folder.parents) if not parent.exists()]):
        _make(missing, 0o755)
    return folder


def _make(folder: Path, mode: int) -> None:
    try:
        folder.mkdir(mode=mode, exist_ok=True)
    except OSError as error:
        raise ServerError(
            f"could not be made ({error.strerror})",
            where=str(folder),
            to_do="give us the right, or set WAQITI_STATE_DIR",
        ) from error
