"""Brings a service's tables as files: a base backup, recovered up to the LSN of the move's slot, and grafted.

`Bringing` has one method for each part, because the slot is made between them: `take` before it, `put` after
it, while its snapshot is held for what is copied. What is cut off is taken back by `give_up`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from components.contract import Service
from core.errors import FilesFailed
from core.progress.interface import Progress
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.tables import TableName
from migration.physical import clone
from migration.physical.base_backup import Taken, Wanted, take_base_backup, without_neighbours
from migration.physical.conditions import read_facts
from migration.physical.graft import exchange, graft, pairs_of, set_next_number
from migration.physical.heaps import Heap, read_heaps
from migration.physical.places import Places, clear, mend, places_of
from migration.physical.private_server import PrivateServer
from servers import paths
from servers.errors import ServerError

query = queries(__package__)


@dataclass
class Bringing:
    """One service's tables on their way."""

    service: Service
    source: Database
    target: Database
    progress: Progress
    stop: threading.Event
    bytes_per_second: float | None
    own: Mapping[TableName, Heap]
    """The tables that come as files, as they are on the target, empty, with their indexes."""
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def places(self) -> Places:
        """Where it happens."""
        places = places_of(self.service)
        assert places is not None  # noqa: S101 (obstacles would have said so)
        return places

    @property
    def slot(self) -> str:
        """The physical slot."""
        return clone.slot_name(self.service.name, self.source.endpoint.database)

    def take(self) -> None:
        """The base backup. Raises FilesFailed, DiskFull, Interrupted, what connecting raises."""
        begun = time.monotonic()
        with self._session() as connection, self.source.translated("taking a base backup"):
            clone.make_slot(connection, self.slot)
            wanted, size = self._wanted(connection)
            self.progress.phase(f"{self.service.name}: base backup", size, "bytes")
            self.progress.table(self.service.name, size)
        _private(self.places)
        taken: Taken = take_base_backup(
            self.source,
            self.places.binaries / "pg_basebackup",
            self.places.clone,
            wanted,
            self.stop,
            bytes_per_second=self.bytes_per_second,
            tell=lambda count: self.progress.advance(self.service.name, count, 0),
        )
        seconds = time.monotonic() - begun
        self.progress.done(self.service.name, 0, taken.came, seconds)
        self.figures |= {"came": taken.came, "kept": taken.kept, "backup_s": round(seconds, 3)}

    def put(self, lsn: str) -> None:
        """Recover it up to the LSN at which the move's slot begins, and let the instance have the files.

        Raises FilesFailed, SchemaChanged, Interrupted, StepTimeout.
        """
        places, database = self.places, self.target.endpoint.database
        superusers = read_facts(self.source)["superuser"], read_facts(self.target)["superuser"]
        begun = time.monotonic()
        with self._session() as connection, self.source.translated("writing what recovery ends before"):
            connection.execute("SELECT pg_catalog.pg_logical_emit_message(true, 'waqiti_migration', 'files')")
        server = PrivateServer(places, places.clone, superusers[0], self.source.endpoint.database)
        clone.recover(server, self.source, lsn, self.slot, self.stop)
        came, control = clone.close(server, self.own)
        with self._session() as connection, self.source.translated("dropping the slot of the base backup"):
            clone.drop_slot(connection, self.slot)
        recovered = time.monotonic()
        pairs = pairs_of(came, self.own)
        own = PrivateServer(places, places.own, superusers[1], "template1")
        graft(own, database, pairs, control, self.stop)
        exchange(places)
        clear(places)
        done = time.monotonic()
        self.figures |= {
            "recovery_s": round(recovered - begun, 3),
            "graft_s": round(done - recovered, 3),
            "files": sum(1 for pair in pairs for _ in pair.relations()),
        }

    def _session(self) -> Connection:
        return self.source.connect(application_name="waqiti-migration-files")

    def _wanted(self, connection: Connection) -> tuple[Wanted, int]:
        ours = [
            relation.path for heap in read_heaps(connection, self.own).values() for relation in heap.files()
        ]
        every = [row[0] for row in connection.execute(query("paths")).fetchall()]
        row = connection.execute(
            "SELECT oid::bigint, (SELECT pg_catalog.sum(pg_catalog.pg_database_size(d.oid))::bigint"
            " FROM pg_catalog.pg_database d WHERE d.datallowconn"
            " AND pg_catalog.has_database_privilege(d.oid, 'CONNECT')) FROM pg_catalog.pg_database"
            " WHERE datname = pg_catalog.current_database()"
        ).fetchone()
        assert row is not None  # noqa: S101 (one row)
        return Wanted(int(row[0]), without_neighbours(every, ours)), int(row[1] or 0)


def fitting(source: Database, target: Database, names: Iterable[TableName]) -> frozenset[TableName]:
    """Of `names`, once they are on the target, still without indexes, those whose files fit there."""
    there, own = _both(source, target, names)
    return frozenset(
        name for name, heap in there.items()
        if name in own and heap.why_not is None and heap.unlike(own[name], indexes=False) is None
    )  # fmt: skip


def coming(source: Database, target: Database, names: Iterable[TableName]) -> dict[TableName, Heap]:
    """All of `names` as they are on the target, with their indexes. Raises FilesFailed where one differs."""
    there, own = _both(source, target, names)
    for name, heap in there.items():
        why = "it is gone" if name not in own else heap.why_not or heap.unlike(own[name])
        if why:
            raise FilesFailed(f"{name} cannot come as a file ({why}); use --physical never")
    return own


def _both(
    source: Database, target: Database, names: Iterable[TableName]
) -> tuple[dict[TableName, Heap], dict[TableName, Heap]]:
    label, wanted = "comparing how tables lie on both sides", sorted(names, key=str)
    with source.connect() as connection, source.translated(label):
        there = read_heaps(connection, wanted)
    with target.connect() as connection, target.translated(label):
        return there, read_heaps(connection, wanted)


def give_up(service: Service, source: Database) -> None:
    """Take back what a start that was cut off left: the slot, the servers, the folders; the instance runs.

    Raises what connecting to the source raises, and FilesFailed where the instance does not start.
    """
    mend(service)
    with source.connect() as connection, source.translated("dropping the slot of the base backup"):
        clone.drop_slot(connection, clone.slot_name(service.name, source.endpoint.database))


def keep_numbers_apart(service: Service, target: Database, taken: Iterable[int]) -> int | None:
    """Let the instance, still empty, give numbers of tables that the source's tables of long values have not.

    `taken`: theirs. Returns the number with which it goes on; None: they are apart already. Restarts it.

    Raises FilesFailed where its server does not start again.
    """
    places = places_of(service)
    assert places is not None  # noqa: S101 (obstacles would have said so)
    facts = read_facts(target)
    beginning = free_numbers(int(facts["next_oid"]), taken)
    if beginning is None:
        return None
    _private(places)
    try:
        places.server.stop()
        set_next_number(places, beginning)
        places.server.start()
    except ServerError as error:
        raise FilesFailed(f"{service.name}'s own instance: {error}") from None
    clear(places)
    return beginning


NUMBERS = 1_000_000
"""So many objects a schema does not have."""


def free_numbers(begin: int, taken: Iterable[int]) -> int | None:
    """Where NUMBERS numbers begin that nobody of `taken` has; None: where it would go on by itself."""
    busy = sorted(taken)
    at = begin
    for number in busy:
        if at <= number < at + NUMBERS:
            at = number + 1
    if at + NUMBERS >= 4_200_000_000:
        raise FilesFailed("the shared database's numbers of tables leave no room; use --physical never")
    return None if at == begin else at


def _private(places: Places) -> None:
    with suppress(FileNotFoundError):
        clear(places)
    paths.make_private(places.folder)
