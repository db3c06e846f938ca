"""Folders of a test session, named after its process, and what a session that was killed left in them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

from demo.environment.docker_host import end_orphaned_engines, remove_engine
from demo.errors import DemoError
from servers import postmaster

PREFIX = "wqt"
"""Short: unix sockets are made in these folders."""
PROGRAMS = ("postgres", "pgbouncer", "python")
"""What a session starts: servers, and programs of this project, which may go on without it."""


def own_folder() -> Path:
    """A new folder of this session, which others may enter; who asks for it removes it."""
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    folder.chmod(0o755)
    return folder


def remove_leftovers() -> None:
    """End the engines, programs and disks of sessions that were killed, and remove their folders."""
    # Who needs an engine is told what is in the way of it.
    with suppress(DemoError):
        end_orphaned_engines()
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        owner = re.fullmatch(rf"{PREFIX}(\d+)-.*", left.name)
        if owner is None or postmaster.alive(int(owner[1])) or not _is_ours(left):
            continue
        _end_engines(left)
        _end_programs(left)
        _end_disks(left)
        shutil.rmtree(left, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    try:
        return os.geteuid() in (0, folder.stat().st_uid)
    except FileNotFoundError:  # another run removed it meanwhile
        return False


def _end_engines(folder: Path) -> None:
    """Those of demos in it, which go on without who started them, and hold the lock of all engines."""
    if not folder.stat().st_uid == os.geteuid() == 0:
        return
    for noted in folder.glob("*/*/docker.pid"):
        with suppress(DemoError):
            remove_engine(noted.parent)


def _end_programs(folder: Path) -> None:
    for process in psutil.process_iter(["name", "cmdline"]):
        started = process.info["cmdline"] or ()
        ours = str(process.info["name"]).startswith(PROGRAMS)
        if ours and any(f"{folder}/" in argument for argument in started):
            postmaster.kill_with_children(process.pid)


def _end_disks(folder: Path) -> None:
    if os.geteuid() != 0:
        return
    for mounted in psutil.disk_partitions(all=True):
        if f"{mounted.mountpoint}/".startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", mounted.mountpoint], check=False)
    if shutil.which("losetup") is None:
        return
    listed = subprocess.run(
        ["losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE"],
        capture_output=True,
        text=True,
        check=False,
    )
    for device, image in (line.split(maxsplit=1) for line in listed.stdout.splitlines() if " " in line):
        if image.strip().startswith(f"{folder}/"):
            subprocess.run(["losetup", "--detach", device], check=False)
