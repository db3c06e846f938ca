"""All checks of one service's backups, the cheap ones first."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable

from components.contract import Service
from operations.backup.archive import Archive
from operations.check.archive import check_backups, check_supervisor
from operations.check.model import Checked, Finding, Read
from operations.check.server import check_server
from operations.inside.verbs import check_files, check_wal


def check(
    service: Service, archive: Archive, begun: Callable[[str], None], *, everything: bool = False
) -> Checked:
    """What is wrong with a service's backups. `everything`: every segment and every file is read again."""
    findings: list[Finding] = []
    seconds: dict[str, float] = {}

    def found(name: str, problem: str, remedy: str) -> None:
        findings.append(Finding(name, problem, remedy))

    lag: float | None = None
    read = Read()
    for phase in ("supervisor", "backups", "server", "WAL", *(["files"] if everything else [])):
        begun(phase)
        since = time.monotonic()
        try:
            if phase == "supervisor":
                check_supervisor(archive, found)
            elif phase == "backups":
                check_backups(archive, found)
            elif phase == "server":
                lag = check_server(service, archive, found)
            elif phase == "WAL":
                read = check_wal(archive, found, everything=everything)
            else:
                check_files(archive, found)
        except OSError as error:
            full = error.errno == errno.ENOSPC
            found(
                "space" if full else "archive",
                f"the check of {phase} stopped: {error.strerror}",
                f"{'make room at' if full else 'look at'} {archive.folder}",
            )
        seconds[phase] = round(time.monotonic() - since, 2)
    return Checked(archive.service, tuple(findings), lag, read.segments, read.sealed, seconds)
