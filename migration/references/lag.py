"""How far the replicas that services read are behind what they follow, and what is wrong with them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from components.contract import Contract
from core.errors import MigrationError
from core.progress.units import size
from core.sessions.queries import queries
from core.sessions.session import Connection
from core.sessions.stack import source_database, target_database
from migration.references.filling import filling_now, number_of
from migration.references.model import Link, Stale, read_links
from migration.replicate.slots import slot_names
from migration.replicate.stalls import why_stalled
from migration.replicate.subscription import Subscription

query = queries(__package__)

State = Literal["following", "filling", "at risk", "unread", "lost", "missing", "stale", "unknown"]
"""filling: a live operator fills it, or waits until it has caught up; at risk: its slot will be invalidated
soon; unread: nobody is connected to it; lost: PostgreSQL invalidated it; missing: there is none; stale: it
was stopped on purpose; unknown: what it follows does not answer."""


@dataclass(frozen=True)
class Reading:
    """One service that is read, and how far its replica is. `problem` is empty where it is well."""

    link: Link
    state: State
    bytes: int | None
    """WAL written where it is followed, and not on the dependent's disk; None: not known."""
    seconds: float | None
    """By the reports of who follows, or since when nobody does; None: idle, or not known."""
    retained_bytes: int | None
    """WAL that its slot keeps there; None: no slot, or not known."""
    problem: str

    def is_over(self, limit_bytes: int) -> bool:
        """Whether its slot keeps more WAL than it may."""
        return self.retained_bytes is not None and self.retained_bytes > limit_bytes

    def problems(self, limit_bytes: int) -> list[str]:
        """What is wrong with it, in lines for a person."""
        found = [self.problem] if self.problem else []
        if self.is_over(limit_bytes):
            found.append(
                f"the slot {self.link.name} keeps {(self.retained_bytes or 0) >> 20} MiB of WAL, over the "
                f"limit of {limit_bytes >> 20} MiB: before that disk is full, `references --drop-over-limit`"
            )
        return found

    def behind(self) -> str:
        """The lag in words, for example `1.2 MB, 0.3 s behind`."""
        parts = ["?" if self.bytes is None else size(self.bytes)]
        if self.seconds is not None:
            parts.append(f"{self.seconds:.1f} s")
        return ", ".join(parts) + " behind"

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        stale = self.link.stale
        return {
            "service": self.link.referenced,
            "followed_in": self.link.publisher,
            "tables": [str(table) for table, _ in self.link.tables],
            "columns": {str(table): list(columns) for table, columns in self.link.tables},
            "state": self.state,
            "bytes": self.bytes,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            "retained_bytes": self.retained_bytes,
            "stale_since": None if stale is None else stale.since.isoformat(),
            "problem": self.problem or None,
        }


def read_readings(
    contract: Contract, source: Connection, dependent: str | None = None
) -> tuple[Reading, ...]:
    """What a service reads, or all do; `source` is a session on the shared database. Needs no lock.

    Raises psycopg's errors of that session. What another server does not answer is said in the reading.
    """
    # Asked before and after the rest: what has just begun or ended is not taken for broken.
    filled = filling_now(source)
    links = [link for link in read_links(source) if dependent is None or link.dependent == dependent]
    return tuple(_reading(contract, source, link, filled) for link in links)


def _reading(contract: Contract, source: Connection, link: Link, filled: frozenset[int]) -> Reading:
    if link.publisher == "own" and link.referenced not in contract.services:
        said = f"{link.referenced} is not in the catalogue any more, so nobody knows where its database is"
        return Reading(link, "unknown", None, None, None, said)
    publisher = link.publishing(contract)
    try:
        if publisher == source_database(contract):
            row = source.execute(query("lag"), {"slots": slot_names(source, link.name)}).fetchone()
        else:
            with (
                contextlib.closing(publisher.connect(connect_timeout=3)) as connection,
                publisher.translated(f"reading the slot {link.name}"),
            ):
                row = connection.execute(
                    query("lag"), {"slots": slot_names(connection, link.name)}
                ).fetchone()
    except MigrationError as error:
        return Reading(link, "unknown", None, None, None, str(error))
    behind, retained = (None, None) if row is None else row[:2]
    at_risk = row is not None and row[3] == "unreserved"
    if not at_risk and number_of(link) in filled | filling_now(source):
        return Reading(link, "filling", behind, None, retained, "")
    if link.stale is not None:
        still = max(0.0, (datetime.now(UTC) - link.stale.since).total_seconds())
        return Reading(link, "stale", behind, still, retained, _stale(link, link.stale, slot=row is not None))
    if row is None:
        said = (
            f"{publisher.label} has no slot {link.name}: run the verb that was cut off again, or {_how(link)}"
        )
        return Reading(link, "missing", None, None, None, said)
    behind, retained, active, status, seconds = row
    state, said = _judge(link, active=active, status=status)
    if state == "unread":
        said = f"nobody is connected to the slot {link.name}: {_why_unread(contract, link)}; {said}"
    return Reading(link, state, behind, seconds, retained, said)


def _judge(link: Link, *, active: bool, status: str) -> tuple[State, str]:
    if status == "lost":
        return "lost", f"PostgreSQL invalidated the slot {link.name}, so it stands still: {_how(link)}"
    if not active:
        return "unread", f"if that cannot be mended (docs/runbooks/replicas.md), {_how(link)}"
    if status == "unreserved":
        return "at risk", (
            f"PostgreSQL is about to invalidate the slot {link.name} (max_slot_wal_keep_size); if it does, "
            f"{_how(link)}"
        )
    return "following", ""


def _why_unread(contract: Contract, link: Link) -> str:
    """What the server says of it that should be connected."""
    service = contract.services.get(link.dependent)
    if service is None:
        return f"{link.dependent} is not in the catalogue any more; `references --drop-over-limit` lets it go"
    own = target_database(service)
    try:
        with (
            contextlib.closing(own.connect(connect_timeout=3)) as connection,
            own.translated(f"looking at the subscription {link.name}"),
        ):
            subscription = Subscription(connection, link.name).state()
            why = why_stalled(connection, link.name, service.instance_control)
    except MigrationError as error:
        return str(error)
    if subscription is None:
        return f"{own.label} has no such subscription"
    if not subscription.enabled:
        return f"its subscription in {own.label} was disabled; ALTER SUBSCRIPTION {link.name} ENABLE there"
    return why or f"its worker in {own.label} was just started again"


def _stale(link: Link, stale: Stale, *, slot: bool) -> str:
    again = "; there is a slot, of a refill that is under way or was cut off" if slot else ""
    return f"stale since {stale.since:%Y-%m-%d %H:%M:%S%z}: {stale.why}{again}; {_how(link)}"


def _how(link: Link) -> str:
    return f"`references --refill {link.dependent}` fills it anew and lets it follow"
