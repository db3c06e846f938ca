"""Stops a replica whose slot keeps more WAL than it may: the slot goes, and the replica stands still.

It asks for no operator's lock: a disk that fills does not wait until a move of hours is over. Noted first,
so that whatever is cut off is told of, and done again by the next call.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from components.contract import Contract
from core.errors import MigrationError
from core.sessions.stack import source_database, target_database
from migration.journal.operator import operator_name
from migration.references.lag import Reading
from migration.references.link import drop_published
from migration.references.model import Link, mark_stale
from migration.replicate.subscription import Subscription

APPLICATION = "waqiti-migration-stop-replica"


@dataclass(frozen=True)
class Stopped:
    """A replica that stands still from now on."""

    dependent: str
    referenced: str
    freed_bytes: int
    """WAL that its slot kept."""
    note: str
    """What could not be done beside it; empty: all was."""

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return dict(vars(self))


def stop(contract: Contract, reading: Reading, limit_bytes: int) -> Stopped | None:
    """Drop the slot of a replica that is over its limit, and note since when it is stale, why, and by whom.

    Its subscription is disabled where its server answers; otherwise it goes on asking for the slot, which
    harms nobody. None where somebody else has led the replica elsewhere meanwhile. Can be run twice.
    Raises what connecting to the side that is followed raises.
    """
    link, kept = reading.link, reading.retained_bytes or 0
    publisher, source = link.publishing(contract), source_database(contract)
    why = (
        f"its slot kept {kept >> 20} MiB of WAL on {publisher.label}, over the limit of "
        f"{limit_bytes >> 20} MiB, and was dropped by {operator_name()}"
    )
    with (
        source.connect(application_name=APPLICATION) as connection,
        source.translated("noting a stale replica"),
    ):
        if not mark_stale(connection, link, why):
            return None
    note = _disable(contract, link)
    with (
        publisher.connect(application_name=APPLICATION) as connection,
        publisher.translated(f"dropping the slot {link.name}"),
    ):
        drop_published(connection, link.name)
    return Stopped(link.dependent, link.referenced, kept, note)


def _disable(contract: Contract, link: Link) -> str:
    """Let its subscription rest; returns why it could not, empty if it could."""
    service = contract.services.get(link.dependent)
    if service is None:
        return f"{link.dependent} is not in the catalogue any more: its subscription is left alone"
    own = target_database(service)
    try:
        with (
            contextlib.closing(own.connect(application_name=APPLICATION, connect_timeout=3)) as connection,
            own.translated(f"disabling {link.name}"),
        ):
            connection.execute("SET lock_timeout = '3s'")
            Subscription(connection, link.name).disable()
    except MigrationError as error:
        return f"its subscription is still enabled: {error}"
    return ""
