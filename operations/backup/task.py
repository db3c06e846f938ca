"""`python -m operations.backup.task FOLDER TASK`: one scheduled task of an archive, for its supervisor.

Its last line on standard error says why it failed; the supervisor keeps it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from core.errors import BackupFailed, MigrationError
from operations.backup import barman, catalogue, scheduled_points
from operations.backup.archive import Archive
from servers import osuser
from servers.errors import ServerError

KINDS: dict[str, catalogue.Kind] = {"full": "full", "incremental": "incremental"}


def run(archive: Archive, task: str) -> None:
    """Do it, with no more imported than it needs: that is what most of them cost.

    Raises MigrationError, ServerError, ValueError for a task that there is not.
    """
    if task == "wal":
        if archive.keyring is not None:
            _read_before_it_is_sealed(archive)
        barman.run(archive, "archive-wal", archive.service)
    elif task in KINDS:
        from operations.backup.take import take

        take(archive, KINDS[task])
    elif task == "retention":
        from operations.backup.retention import obsolete

        policy = archive.policy
        for one in obsolete(
            catalogue.backups(archive),
            keep=policy["keep"],
            keep_at_least=policy["keep_at_least"],
            full_every=policy["full_every"],
            now=time.time(),
        ):
            barman.run(archive, "delete", archive.service, one.id)
    elif task == "check":
        _check(archive)
    elif task == "dump":
        from operations.backup.dumps import dump

        dump(archive)
    elif task == "proof":
        from operations.proof.prove import prove

        prove(archive, lambda phase: None)
    elif task == "points":
        _make_point(archive)
    else:
        raise ValueError(f"there is no task {task!r}")


def _read_before_it_is_sealed(archive: Archive) -> None:
    """WAL is read while it can be: who archives it has no private key. Raises BackupFailed where damaged."""
    from operations.check.archive import check_wal

    problems: list[str] = []
    check_wal(
        archive, lambda name, problem, remedy: problems.append(f"{problem}; {remedy}"), everything=False
    )
    if problems:
        raise BackupFailed(problems[0])


def _make_point(archive: Archive) -> None:
    from operations.restore_points.scheduled import make_scheduled

    archives = archive.folder.parent
    scheduled_points.note(archives, time.time(), made=False)
    make_scheduled(archives)
    scheduled_points.note(archives, time.time(), made=True)


def _check(archive: Archive) -> None:
    """What the archive alone tells, kept for whoever looks next; the server is asked by `backups check`."""
    from operations.check.archive import check_backups, check_wal

    findings: list[dict[str, str]] = []

    def found(name: str, problem: str, remedy: str) -> None:
        findings.append({"check": name, "problem": problem, "remedy": remedy})

    check_backups(archive, found)
    check_wal(archive, found, everything=False)
    text = json.dumps({"at": time.time(), "findings": findings}, indent=1) + "\n"
    osuser.write_private(archive.state / "check.json", text)


def main(folder: Path, task: str) -> int:
    """0: done; else the error's exit status."""
    try:
        run(Archive.load(folder), task)
    except MigrationError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except ServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.filename or folder}: {error.strerror or error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
