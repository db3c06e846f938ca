"""A disk that is soon full, for what a server or a copy does then."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.absence import absent


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A folder on a file system of its own with `megabytes` MiB; stop the servers on it before it ends.

    Root on Linux only (a tmpfs is mounted); the test is skipped elsewhere.
    """
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        absent("a size-limited disk needs root on Linux, to mount a tmpfs")
    folder = Path(tempfile.mkdtemp(prefix="waqiti-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode != 0:
        folder.rmdir()
        absent(f"a tmpfs could not be mounted: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


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
