"""The restored instance beside a service's own: one at a time, given up or exchanged by a person."""

from __future__ import annotations

import json
import shlex
import shutil
from contextlib import suppress
from pathlib import Path

from components.contract import Service
from core.errors import RestoreInTheWay
from operations.backup.archive import Archive
from operations.inside import restored
from operations.restore.configuration import configure_as
from operations.restore.restore import RECORD, Restored
from operations.restore.scratch import Scratch

FOLDER = "restored"


def beside(service: Service) -> Scratch:
    """Where a service's restored instance is, on the same disk as its own."""
    control = service.instance_control
    folder, archive = Path(control.data).parent / FOLDER, _in_container(service)
    return Scratch(folder, Path(control.binaries)) if archive is None else restored.place(archive, folder)


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


def look_at(service: Service) -> str:
    """A command line by which a person on this machine looks at the restored instance."""
    scratch, archive = beside(service), _in_container(service)
    database = scratch.database(service.instance.database)
    words = (
        f"-h {shlex.quote(database.endpoint.host)} -p {database.endpoint.port} "
        f"-U {database.login.name} {database.endpoint.database}"
    )
    if archive is None:
        return f"psql {words}"
    return f"docker exec -it {restored.name_of(archive)} {scratch.binaries}/psql {words}"


def give_up(service: Service) -> None:
    """Stop the restored instance and remove it. The service's own was never touched."""
    scratch, archive = beside(service), _in_container(service)
    if archive is not None:
        restored.remove(archive)
    elif scratch.data.exists():
        scratch.server.stop("immediate")
    shutil.rmtree(scratch.folder, ignore_errors=True)


def start(service: Service) -> None:
    """Start the restored instance. Raises ServerError, RestoreFailed."""
    scratch, archive = beside(service), _in_container(service)
    scratch.server.start() if archive is None else restored.start(archive, scratch.folder)


def stop(service: Service) -> None:
    """Stop it, after a checkpoint."""
    scratch, archive = beside(service), _in_container(service)
    scratch.server.stop() if archive is None else restored.stop(archive, scratch.folder)


def configure(service: Service, source: Path) -> None:
    """Give the restored data the configuration of the data folder `source`, which may be their own."""
    scratch, archive = beside(service), _in_container(service)
    if archive is None:
        configure_as(source, scratch.data)
    else:
        restored.configure_as(archive, source, scratch.folder)


def _in_container(service: Service) -> Archive | None:
    """Its archive, where that is in a container, and what is restored is in another one."""
    archive = None if service.backups is None else Archive.of(service.backups)
    return archive if archive is not None and archive.container is not None else None
