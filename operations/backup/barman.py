"""Barman's commands, run as the servers' user; what it says, and what it refuses in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from core.errors import BackupFailed
from operations.backup.archive import Archive
from servers import osuser

ROOT = Path(__file__).parents[2]
_MODULE = "operations.backup.barman_main"

Line = Callable[[str], None]


def run(archive: Archive, *arguments: str, each_line: Line | None = None) -> list[str]:
    """`barman ARGUMENTS` on an archive; returns the lines it said, and tells each as it comes.

    Ctrl-C goes to Barman first, which then notes that what it did has failed. Raises BackupFailed.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", _MODULE, "-c", str(archive.configuration), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        env=osuser.clean_environment({"GNUPGHOME": str(archive.keyring)} if archive.keyring else None),
        text=True,
        start_new_session=True,
    )
    lines: list[str] = []
    try:
        for line in process.stdout or ():
            if text := line.strip():
                lines.append(text)
                if each_line is not None:
                    each_line(text)
        code = process.wait()
    except BaseException:
        with_its_children(process, signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            with_its_children(process, signal.SIGKILL)
            process.wait()
        raise
    finally:
        if process.stdout is not None:
            process.stdout.close()
    if code != 0:
        raise BackupFailed(f"Barman could not {arguments[0]} {archive.service}: {_why(lines, archive)}")
    return lines


def with_its_children(process: subprocess.Popen[str], number: int) -> None:
    """Signal a process and what it started."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        process.poll()


def _why(lines: list[str], archive: Archive) -> str:
    said = [line.partition(": ")[2] for line in lines if line.startswith(("ERROR: ", "EXCEPTION: "))]
    return (
        f"{said[0] if said else (lines[-1] if lines else 'it said nothing')} (see {archive.log}/barman.log)"
    )
