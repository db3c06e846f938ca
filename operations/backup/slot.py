"""The physical slot through which WAL is received, made by pg_receivewal. Standard library alone."""

from __future__ import annotations

import subprocess

from operations.backup.archive import Archive
from servers import osuser


def ensure(archive: Archive) -> bool:
    """Make the slot unless it is there; False while the server does not answer."""
    return _do(archive, "--create-slot", "--if-not-exists").returncode == 0


def drop(archive: Archive) -> bool:
    """Drop it: kept by nobody, it would keep WAL until the server's disk is full."""
    return _do(archive, "--drop-slot").returncode == 0


def _do(archive: Archive, *action: str) -> subprocess.CompletedProcess[str]:
    return osuser.run(
        [
            archive.binaries / "pg_receivewal", "--dbname", archive.conninfo(streaming=True),
            "--slot", archive.slot, "--no-password", "--no-loop", *action,
        ],
        check=False, timeout=30,
    )  # fmt: skip
