"""Whether services can be switched at one instant: what holds for all of them, beside each one's gates."""

from __future__ import annotations

from collections.abc import Sequence

from components.contract import Contract, Service
from core.errors import TogetherRefused
from core.sessions.queries import queries
from core.sessions.stack import source_database

query = queries(__package__)

SESSIONS = 12
"""Sessions on the shared server that one service's comparison and switch have at a time, at most."""
SLOTS = 2
"""Slots there: what changes is watched on it, and one direction's is made before the other's is dropped."""


def require_together(contract: Contract, services: Sequence[Service]) -> None:
    """Raise TogetherRefused, with what to do, where these cannot be switched together.

    Raises what connecting to the shared database raises.
    """
    names = ", ".join(service.name for service in services)
    if len(services) < 2:
        raise TogetherRefused(
            f"--together takes two services or more, and this is {names or 'none'}: leave it out, or name "
            "those that are to be switched at one instant"
        )
    watched = [service.name for service in services if service.slo is not None]
    if watched:
        raise TogetherRefused(
            f"{', '.join(watched)} has an `slo`, by which it might be led back without the others: take it "
            "out of services.yaml for this switch, or switch it by itself"
        )
    _require_room(contract, names, len(services))


def _require_room(contract: Contract, names: str, count: int) -> None:
    source = source_database(contract)
    with source.connect() as connection, source.translated("looking for room for several switches"):
        left = connection.execute(query("sessions_left")).fetchone()
        capacity = connection.execute(query("capacity")).fetchone()
    if left is None or capacity is None:
        raise AssertionError("a query without FROM gives a row")
    sessions, slots, senders = int(left[0]), int(capacity[1]), int(capacity[2])
    if sessions < count * SESSIONS or slots < count * SLOTS or senders < count:
        raise TogetherRefused(
            f"{source.label} has {sessions} sessions, {slots} slots and {senders} senders free, and to "
            f"switch {names} together takes {count * SESSIONS}, {count * SLOTS} and {count}: raise "
            "max_connections, max_replication_slots and max_wal_senders there, or switch fewer together"
        )
