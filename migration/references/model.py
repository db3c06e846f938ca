"""A reference as it is kept: which service reads which tables of which other, and where they come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from psycopg.types.json import Jsonb

from components.contract import Contract, Service
from components.replication_roles import reading_role
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from core.sessions.stack import source_database, target_database
from migration.catalog.tables import TableName
from migration.journal.journal import Move

if TYPE_CHECKING:
    from migration.boundary.replicas import Replica

query = queries(__package__)

Publisher = Literal["shared", "own"]

OVER = frozenset({"finished", "finishing"})
"""States of a service whose old copy is put aside."""


@dataclass(frozen=True, slots=True)
class Stale:
    """That a replica stands still on purpose, until it is filled again."""

    since: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Link:
    """All that a service reads of one other, by one publication, slot and subscription of one name."""

    dependent: str
    referenced: str
    publisher: Publisher
    """Whether the tables are followed in the shared database (also while it follows the service that has
    moved) or in that service's own."""
    tables: tuple[tuple[TableName, tuple[str, ...]], ...]
    """Each with the columns that are kept."""
    stale: Stale | None = None
    """None: it is meant to follow."""

    @property
    def name(self) -> str:
        """Of publication, slot, subscription and the login that it follows with."""
        return reading_role(self.dependent, self.referenced)

    def publishing(self, contract: Contract) -> Database:
        """The database that is followed."""
        if self.publisher == "shared":
            return source_database(contract)
        return target_database(contract.services[self.referenced]).for_readers()


def links_of(service: Service, replicas: Iterable[Replica], moves: Iterable[Move]) -> list[Link]:
    """The links that a plan's replicas need, one for each service that is read."""
    newest = {move.service: move for move in moves}
    tables: dict[str, list[tuple[TableName, tuple[str, ...]]]] = {}
    for replica in replicas:
        columns = tuple(column.name for column in replica.columns)
        tables.setdefault(replica.referenced, []).append((replica.table, columns))
    return [
        Link(service.name, referenced, publisher_of(newest.get(referenced)), tuple(listed))
        for referenced, listed in tables.items()
    ]


def publisher_of(move: Move | None) -> Publisher:
    """Where a service's rows can be followed: the shared database follows it until `finish`.

    A service that was moved with its writes stopped has nothing that replicates back.
    """
    offline = move is not None and (move.mode, move.state) == ("offline", "moved")
    return "own" if offline else "shared"


def read_links(connection: Connection) -> list[Link]:
    """All links that are noted; none where there never was one. Needs no lock."""
    row = connection.execute(
        "SELECT pg_catalog.to_regclass('waqiti_migration.service_references')"
    ).fetchone()
    if row is None or row[0] is None:
        return []
    rows = connection.execute(
        # An older program's table has no column `stale`, and nothing that is stale.
        "SELECT dependent, referenced, publisher, tables, to_jsonb(r) -> 'stale'"
        " FROM waqiti_migration.service_references AS r ORDER BY 1, 2"
    )
    return [
        Link(d, r, p, tuple(_table(entry) for entry in tables), _stale(stale))
        for d, r, p, tables, stale in rows
    ]


def note_link(connection: Connection, link: Link) -> None:
    """Note a link, or where it is followed from now on; it is not stale then."""
    connection.execute(query("table"))
    tables = [
        {"schema": table.schema, "table": table.name, "columns": list(columns)}
        for table, columns in link.tables
    ]
    values = {
        "dependent": link.dependent,
        "referenced": link.referenced,
        "publisher": link.publisher,
        "tables": Jsonb(tables),
    }
    connection.execute(query("keep"), values)


def mark_stale(connection: Connection, link: Link, why: str) -> bool:
    """Note that a link stands still from now on; what was noted first stays.

    False, and nothing is noted, where it is gone or follows another side by now. Needs no lock.
    """
    connection.execute(query("table"))
    values = {
        "dependent": link.dependent,
        "referenced": link.referenced,
        "publisher": link.publisher,
        "why": why,
    }
    return connection.execute(query("stale"), values).rowcount == 1


def clear_stale(connection: Connection, link: Link) -> None:
    """Note that a link follows again."""
    connection.execute(
        "UPDATE waqiti_migration.service_references SET stale = NULL"
        " WHERE (dependent, referenced) = (%s, %s)",
        [link.dependent, link.referenced],
    )


def forget_link(connection: Connection, link: Link) -> None:
    """Nothing of it is left."""
    connection.execute(
        "DELETE FROM waqiti_migration.service_references WHERE (dependent, referenced) = (%s, %s)",
        [link.dependent, link.referenced],
    )


def _table(entry: dict[str, Any]) -> tuple[TableName, tuple[str, ...]]:
    return TableName(entry["schema"], entry["table"]), tuple(entry["columns"])


def _stale(noted: dict[str, Any] | None) -> Stale | None:
    return None if noted is None else Stale(datetime.fromisoformat(noted["since"]), noted["why"])
