"""How far the replicas that a service reads are behind what they follow."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.contract import Contract
from migration.errors import MigrationError
from migration.queries import query
from migration.references_model import Connection, Link, read_links
from migration.stack import source_database


@dataclass(frozen=True)
class Reading:
    """One service that is read, and how far its replica is. `problem` is empty where it follows."""

    link: Link
    bytes: int | None
    """WAL written where it is followed, and not on the dependent's disk; None: not known."""
    retained_bytes: int | None
    """WAL that its slot keeps there."""
    problem: str

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "service": self.link.referenced,
            "followed_in": self.link.publisher,
            "tables": [str(table) for table, _ in self.link.tables],
            "bytes": self.bytes,
            "retained_bytes": self.retained_bytes,
            "problem": self.problem or None,
        }


def read_readings(contract: Contract, source: Connection, dependent: str) -> tuple[Reading, ...]:
    """What a service reads; `source` is a session on the shared database. Raises psycopg's errors of that."""
    links: Sequence[Link] = [link for link in read_links(source) if link.dependent == dependent]
    return tuple(_reading(contract, source, link) for link in links)


def _reading(contract: Contract, source: Connection, link: Link) -> Reading:
    publisher = link.publishing(contract)
    try:
        if publisher == source_database(contract):
            row = source.execute(query("status_lag"), {"slot": link.name}).fetchone()
        else:
            with (
                contextlib.closing(publisher.connect(connect_timeout=3)) as connection,
                publisher.translated(f"reading the slot {link.name}"),
            ):
                row = connection.execute(query("status_lag"), {"slot": link.name}).fetchone()
    except MigrationError as error:
        return Reading(link, None, None, str(error))
    if row is None:
        said = f"{publisher.label} has no slot {link.name}: run the verb that was cut off again, or `resume`"
        return Reading(link, None, None, said)
    behind, retained, active, status, _ = row
    if status in {"lost", "unreserved"}:
        return Reading(link, behind, retained, f"the slot {link.name} is {status}: `abort` and start again")
    if not active:
        said = f"nobody is connected to the slot {link.name}: see the log of {link.dependent}'s own server"
        return Reading(link, behind, retained, said)
    return Reading(link, behind, retained, "")
