"""What is done with an archive, the same on both platforms: by this process, or in its container."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from components.contract import Contract
from core.errors import BackupFailed
from core.points.model import Point
from operations.backup import catalogue
from operations.backup import renew as here_renew
from operations.backup import take as here_take
from operations.backup.archive import Archive
from operations.backup.catalogue import Backup
from operations.check import archive as here_check
from operations.check.model import Found, Read
from operations.inside import keys, restored
from operations.inside.call import Told, call
from operations.proof import prove as here_prove
from operations.proof.compare import comparison
from operations.proof.results import Proof
from operations.restore import restore as here_restore
from operations.restore.restore import TIMEOUT_SECONDS, Restored
from operations.restore.target import Target

Line = Callable[[str], None]


def take(
    archive: Archive,
    kind: catalogue.Kind,
    *,
    at_once: bool = False,
    wait_for_receiver: float = 0.0,
    each_line: Line | None = None,
) -> Backup:
    """`operations.backup.take.take`. Raises what it raises, and ArchiveAway."""
    if archive.container is None:
        return here_take.take(
            archive, kind, at_once=at_once, wait_for_receiver=wait_for_receiver, each_line=each_line
        )
    told = {"kind": kind, "at_once": at_once, "wait_for_receiver": wait_for_receiver}
    name = call(archive, "take", told, _notes(each_line))
    made = next((one for one in catalogue.backups(archive) if one.id == name), None)
    if made is None:
        raise BackupFailed(f"backup {name} of {archive.service} was taken and is not in {archive.folder}")
    return made


def renew_slot(archive: Archive) -> None:
    """`operations.backup.renew.renew_slot`."""
    if archive.container is None:
        here_renew.renew_slot(archive)
    else:
        call(archive, "renew_slot")


def check_wal(archive: Archive, found: Found, *, everything: bool) -> Read:
    """`operations.check.archive.check_wal`."""
    if archive.container is None:
        return here_check.check_wal(archive, found, everything=everything)
    said = call(archive, "check_wal", {"everything": everything})
    for one in said["findings"]:
        found(*one)
    return Read(**said["read"])


def check_files(archive: Archive, found: Found) -> None:
    """`operations.check.archive.check_files`."""
    if archive.container is None:
        here_check.check_files(archive, found)
        return
    for one in call(archive, "check_files"):
        found(*one)


def prove(
    archive: Archive,
    begun: Line,
    *,
    target: Target,
    contract: Contract,
    point: Point | None = None,
    stop: threading.Event | None = None,
) -> Proof:
    """`operations.proof.prove.prove`, compared with the digests of `point`."""
    if archive.container is None:
        compare = None if point is None else comparison(contract, point, archive.service)
        return here_prove.prove(archive, begun, target=target, compare=compare, stop=stop)
    told = {
        "target": target.as_json(),
        # No secret is in it: a contract writes its passwords as asterisks.
        "contract": contract.model_dump(mode="json"),
        "point": None if point is None else point.model_dump(mode="json"),
    }
    if archive.keyring is None:
        return Proof(**call(archive, "prove", told, _phases(begun)))
    with restored.for_a_proof(archive) as name, keys.lent(archive) as variables:
        return Proof(**call(archive, "prove", told, _phases(begun), container=name, variables=variables))


def restore(
    archive: Archive,
    target: Target,
    folder: Path,
    begun: Line,
    *,
    timeline: int | None = None,
    verify: bool = True,
    timeout: float = TIMEOUT_SECONDS,
) -> Restored:
    """`operations.restore.restore.restore`; on Docker into a container of its own, which has no network."""
    if archive.container is None:
        return here_restore.restore(
            archive, target, folder, begun, timeline=timeline, verify=verify, timeout=timeout
        )
    name = restored.ensure(archive, folder.parent)
    told = {
        "target": target.as_json(),
        "scratch": restored.place(archive, folder).as_json(),
        "timeline": timeline,
        "verify": verify,
        "timeout": timeout,
    }
    with keys.lent(archive) as variables:
        return Restored(**call(archive, "restore", told, _phases(begun), container=name, variables=variables))


def _phases(begun: Line) -> Told:
    return lambda kind, text: begun(text) if kind == "phase" else None


def _notes(each_line: Line | None) -> Told | None:
    return None if each_line is None else lambda kind, text: each_line(text) if kind == "note" else None
