"""The restored instance beside a service's own: one at a time, given up or exchanged by a person."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path

from components.contract import Service
from core.errors import RestoreInTheWay
from operations.restore.instance import Scratch
from operations.restore.restore import RECORD, Restored

FOLDER = "restored"


def beside(service: Service) -> Scratch:
    """Where a service's restored instance is, on the same disk as its own."""
    control = service.instance_control
    return Scratch(Path(control.data).parent / FOLDER, Path(control.binaries))


def read_restored(service: Service) -> Restored | None:
    """What was restored; None where nothing is there, or a restore was cut off."""
    with suppress(OSError, ValueError, TypeError):
        return Restored(**json.loads((beside(service).folder / RECORD).read_text(encoding="utf-8")))
    return None


def require_restored(service: Service) -> Restored:
    """Raises RestoreInTheWay where there is none."""
    found = read_restored(service)
    if found is None:
        raise RestoreInTheWay(
            f"there is no restored instance of {service.name}: python -m operations restore {service.name}"
        )
    return found


def make_room(service: Service) -> bool:
    """Remove what a restore that was cut off left; returns whether there was something.

    Raises RestoreInTheWay for one that is whole: a person decides what becomes of it.
    """
    whole = read_restored(service)
    if whole is not None:
        raise RestoreInTheWay(
            f"{service.name} restored to {whole.target} is there already: go on with `python -m operations "
            f"restore {service.name} --swap`, or `--give-up`"
        )
    if not beside(service).folder.exists():
        return False
    give_up(service)
    return True


def give_up(service: Service) -> None:
    """Stop the restored instance and remove it. The service's own was never touched."""
    scratch = beside(service)
    if scratch.data.exists():
        scratch.server.stop("immediate")
    shutil.rmtree(scratch.folder, ignore_errors=True)
