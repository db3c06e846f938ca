"""How a service is restored beside what it has: from a folder into a folder, or in its cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from components.contract import Contract, Service
from core.errors import WrongState
from core.sessions.connections import Database
from operations.backup.archive import Archive
from operations.backup.catalogue import Backup
from operations.commands.common import archive_of, stored_of
from operations.inside.verbs import restore, take
from operations.object_store import restore as stored_restore
from operations.object_store import swap as stored_swap
from operations.object_store.archive import StoredBackups
from operations.object_store.take import take as take_stored
from operations.restore.beside import beside, give_up, look_at, make_room, require_restored
from operations.restore.exchange import Exchanged, exchange
from operations.restore.restore import Restored
from operations.restore.target import Target

RECEIVER_SECONDS = 30.0

Step = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What a person asks of a restore beside its target."""

    timeline: int | None
    verify: bool
    timeout: float


class Ways(Protocol):
    """One service's. What each raises is in the functions that it stands for."""

    def make_room(self) -> bool:
        """Remove what a restore that was cut off left; returns whether there was something."""
        ...

    def restore(self, target: Target, asked: Asked, begun: Step) -> Restored:
        """Into an instance of its own."""
        ...

    def database(self) -> Database:
        """The service's database in that instance, as its administrator."""
        ...

    def psql(self) -> str:
        """The command line by which a person looks at it."""
        ...

    def to_swap(self) -> Restored:
        """What `swap` puts in."""
        ...

    def swap(self, contract: Contract, begun: Step, *, pause_timeout: float, rejoin: bool) -> Exchanged:
        """In the place of what the service has."""
        ...

    def first_backup(self) -> Backup:
        """Of the new time-line."""
        ...

    def give_up(self) -> None:
        """Remove what was restored."""
        ...


def ways_of(service: Service) -> Ways:
    """Those of the service's platform. Raises BackupsOff."""
    stored = stored_of(service)
    return _Folder(service, archive_of(service)) if stored is None else _Stored(stored)


@dataclass(frozen=True)
class _Folder:
    service: Service
    archive: Archive

    def make_room(self) -> bool:
        return make_room(self.service)

    def restore(self, target: Target, asked: Asked, begun: Step) -> Restored:
        return restore(
            self.archive,
            target,
            beside(self.service).folder,
            begun,
            timeline=asked.timeline,
            verify=asked.verify,
            timeout=asked.timeout,
        )

    def database(self) -> Database:
        return beside(self.service).database(self.service.instance.database)

    def psql(self) -> str:
        return look_at(self.service)

    def to_swap(self) -> Restored:
        return require_restored(self.service)

    def swap(self, contract: Contract, begun: Step, *, pause_timeout: float, rejoin: bool) -> Exchanged:
        return exchange(
            contract, self.service, self.archive, begun, pause_timeout=pause_timeout, rejoin=rejoin
        )

    def first_backup(self) -> Backup:
        return take(self.archive, "full", at_once=True, wait_for_receiver=RECEIVER_SECONDS)

    def give_up(self) -> None:
        require_restored(self.service)
        give_up(self.service)


@dataclass(frozen=True)
class _Stored:
    archive: StoredBackups

    def make_room(self) -> bool:
        return stored_restore.make_room(self.archive)

    def restore(self, target: Target, asked: Asked, begun: Step) -> Restored:
        if not asked.verify:
            raise WrongState(
                "--no-verify is not for a service on Kubernetes: base backups in an object store have no "
                "manifest that could be left out"
            )
        name = stored_restore.beside(self.archive)
        return stored_restore.restore(
            self.archive, target, name, begun, timeline=asked.timeline, timeout=asked.timeout
        )

    def database(self) -> Database:
        name = stored_restore.beside(self.archive)
        return self.archive.database(name, self.archive.service.instance.database)

    def psql(self) -> str:
        name, database = stored_restore.beside(self.archive), self.archive.service.instance.database
        return f"{self.archive.kubectl} exec -it {name}-1 -c postgres -- psql {database}"

    def to_swap(self) -> Restored:
        return stored_swap.to_swap(self.archive)

    def swap(self, contract: Contract, begun: Step, *, pause_timeout: float, rejoin: bool) -> Exchanged:
        if rejoin:
            raise WrongState(
                "--rejoin is not for a service on Kubernetes: take its move back, restore, move it again"
            )
        return stored_swap.swap(contract, self.archive, begun, pause_timeout=pause_timeout)

    def first_backup(self) -> Backup:
        return take_stored(self.archive, at_once=True)

    def give_up(self) -> None:
        stored_restore.require_restored(self.archive)
        if stored_swap.begun_already(self.archive) is not None:
            name = self.archive.service.name
            raise WrongState(
                f"{name} is being exchanged: go on with `python -m operations restore {name} --swap --yes`"
            )
        stored_restore.remove(self.archive, stored_restore.beside(self.archive))
