"""`python -m operations.inside.main FOLDER REQUEST`: a verb of an archive, in its container.

REQUEST is a file in the archive's `state` with the verb and its arguments. A JSON line each goes to standard
output: `note` and `phase` while it goes on, then `result` or `error`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

from components.contract import Contract
from core.errors import Interrupted, MigrationError, RestoreFailed
from core.points.model import Point
from operations.backup import barman, slot
from operations.backup.archive import Archive
from operations.backup.renew import renew_slot
from operations.backup.take import take
from operations.check.archive import check_files, check_wal
from operations.inside import keys
from operations.proof.compare import comparison
from operations.proof.prove import prove
from operations.restore.configuration import configure_as
from operations.restore.restore import restore_into
from operations.restore.scratch import Scratch
from operations.restore.target import Target
from servers import osuser
from servers.errors import ServerError
from servers.postgres import CONFIGURATION

Arguments = Mapping[str, Any]


def say(kind: str, value: Any) -> None:
    """A line for who called."""
    sys.stdout.write(json.dumps({"kind": kind, "value": value}) + "\n")
    sys.stdout.flush()


def _note(line: str) -> None:
    say("note", line)


def _phase(name: str) -> None:
    say("phase", name)


def _take(archive: Archive, told: Arguments) -> str:
    made = take(
        archive,
        told["kind"],
        at_once=told["at_once"],
        wait_for_receiver=told["wait_for_receiver"],
        each_line=_note,
    )
    return made.id


def _check_wal(archive: Archive, told: Arguments) -> dict[str, Any]:
    findings: list[tuple[str, str, str]] = []
    read = check_wal(archive, lambda *parts: findings.append(parts), everything=told["everything"])
    return {"findings": findings, "read": vars(read)}


def _check_files(archive: Archive, _told: Arguments) -> list[tuple[str, str, str]]:
    findings: list[tuple[str, str, str]] = []
    check_files(archive, lambda *parts: findings.append(parts))
    return findings


def _prove(archive: Archive, told: Arguments) -> dict[str, Any]:
    compare = None
    if told["point"] is not None:
        contract, point = Contract.model_validate(told["contract"]), Point.model_validate(told["point"])
        compare = comparison(contract, point, archive.service)
    return asdict(prove(archive, _phase, target=Target.of(told["target"]), compare=compare))


def _restore(archive: Archive, told: Arguments) -> dict[str, Any]:
    done = restore_into(
        Scratch.of(told["scratch"]),
        archive,
        Target.of(told["target"]),
        _phase,
        timeline=told["timeline"],
        verify=told["verify"],
        timeout=told["timeout"],
    )
    return done.as_json()


def _configure(_archive: Archive, told: Arguments) -> None:
    data = Scratch.of(told["scratch"]).data
    configure_as(Path(told["source"]), data)
    # Its own configuration is not in the data folder; that which kept it alone must not stay there.
    (data / CONFIGURATION).unlink(missing_ok=True)


VERBS: Mapping[str, Callable[[Archive, Arguments], Any]] = {
    "take": _take,
    "renew_slot": lambda archive, _told: renew_slot(archive),
    "make_slot": lambda archive, _told: slot.ensure(archive),
    "drop_slot": lambda archive, _told: slot.drop(archive),
    "archive_wal": lambda archive, _told: barman.run(archive, "archive-wal", archive.service),
    "check_wal": _check_wal,
    "check_files": _check_files,
    "prove": _prove,
    "restore": _restore,
    "start_restored": lambda _archive, told: Scratch.of(told["scratch"]).server.start(),
    "stop_restored": lambda _archive, told: Scratch.of(told["scratch"]).server.stop(),
    "configure_restored": _configure,
}


def main(folder: Path, request: str) -> int:
    """0, or 1 after an `error`."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    archive = Archive.load(folder)
    asked = json.loads((archive.state / Path(request).name).read_text(encoding="utf-8"))
    try:
        return _do(archive, asked)
    finally:
        if keys.VARIABLE in os.environ:
            # The agent that it started would keep the key, which was lent.
            osuser.run(["gpgconf", "--kill", "all"], check=False)


def _do(archive: Archive, asked: Arguments) -> int:
    try:
        say("result", VERBS[asked["verb"]](archive, asked["arguments"]))
    except MigrationError as error:
        say("error", {"class": type(error).__name__, "line": str(error)})
        return 1
    except ServerError as error:
        say("error", {"class": RestoreFailed.__name__, "line": str(error)})
        return 1
    except OSError as error:
        line = f"{error.filename or archive.folder}: {error.strerror or error}"
        say("error", {"class": MigrationError.__name__, "line": line})
        return 1
    return 0


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted("interrupted; what was begun is undone and nothing was switched")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
