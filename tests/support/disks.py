"""A disk that is soon full, for what a server or a copy does then."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from core.errors import MigrationError
from servers.errors import ServerError
from tests.support.absence import absent
from tests.support.clusters import Cluster
from tests.support.folders import own_folder


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A folder on a file system of its own with `megabytes` MiB; stop the servers on it before it ends.

    Root on Linux only (a tmpfs is mounted); the test is skipped elsewhere.
    """
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        absent("a size-limited disk needs root on Linux, to mount a tmpfs")
    folder = own_folder()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        folder.rmdir()
        absent(f"a tmpfs could not be mounted: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


@dataclass(frozen=True)
class BlockDisk:
    """An ext4 file system in a file, as a block device."""

    device: str
    image: Path

    def grow(self, megabytes: int) -> None:
        """Make it larger while nobody mounts it."""
        subprocess.run(["truncate", "--size", f"+{megabytes}M", str(self.image)], check=True)
        subprocess.run(["losetup", "--set-capacity", self.device], check=True)
        subprocess.run(["e2fsck", "-fp", self.device], check=True, capture_output=True)
        subprocess.run(["resize2fs", self.device], check=True, capture_output=True)


@contextmanager
def block_disk(megabytes: int, owner: str = "999:999") -> Iterator[BlockDisk]:
    """A block device of its own with `megabytes` MiB, not mounted; who mounts it ends before it does.

    Root on Linux only, with loop devices and ext4's programs; the test is skipped elsewhere.
    """
    missing = [name for name in ("mkfs.ext4", "losetup", "resize2fs") if shutil.which(name) is None]
    if os.geteuid() != 0 or missing:
        absent(f"a disk in a file needs root and {', '.join(missing) or 'loop devices'}")
    folder = own_folder()
    image = folder / "image"
    subprocess.run(["truncate", "--size", f"{megabytes}M", str(image)], check=True)
    options = f"root_owner={owner},lazy_itable_init=0"
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-E", options, str(image)], check=True)
    attached = subprocess.run(
        ["losetup", "--find", "--show", str(image)], capture_output=True, text=True, check=False
    )
    if attached.returncode != 0:
        shutil.rmtree(folder)
        absent(f"no loop device: {attached.stderr.strip()}")
    device = attached.stdout.strip()
    try:
        yield BlockDisk(device, image)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
        shutil.rmtree(folder)


def fill_up(folder: Path) -> Path:
    """Fills the file system of `folder` to the last byte; returns the file to remove to heal it."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        try:
            while True:
                file.write(b"\0" * (1 << 20))
                file.flush()
        except OSError:
            return ballast


def use_up_wal(connection: psycopg.Connection[Any]) -> None:
    """More WAL than PostgreSQL has set aside: on a full disk it cannot make the next segment, and stops."""
    connection.execute(
        "SELECT pg_logical_emit_message(false, 'x', repeat('x', 1 << 20)) FROM generate_series(1, 150)"
    )


def bring_up(cluster: Cluster) -> None:
    """As its supervisor would, now that there is room: it may have died, be about to, or have recovered."""
    deadline = time.monotonic() + 60
    while True:
        try:
            cluster.server.start()
            cluster.database().connect().close()
        except (MigrationError, ServerError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
