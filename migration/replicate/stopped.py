"""At which transaction a subscription stops, where no log says so: the first that it has not applied.

The slot that it reads still has all of it, and the subscriber knows how far it has come.
"""

from __future__ import annotations

import contextlib
import time

import psycopg

from core.sessions.session import Connection
from migration.replicate.subscription import Subscription

_SECONDS = 3.0
"""A worker that fails again and again holds its slot for moments."""
_CHANGES = 200
_BEGIN = b"B"
"""The first byte of pgoutput's begin message; the position of its commit follows in eight.
https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html"""


def next_transaction(publisher: Connection, subscriber: Connection, name: str) -> str | None:
    """The position that `ALTER SUBSCRIPTION name SKIP` takes for the next transaction of a subscription.

    None where there is none, or a worker holds the slot all the time. Both sessions commit by themselves.
    """
    state = Subscription(subscriber, name).state()
    if state is None or state.slot is None:
        return None
    applied = _applied(subscriber, state.oid)
    for message in _pending(publisher, state.slot, name):
        position = int.from_bytes(message[1:9], "big")
        if message[:1] == _BEGIN and position >= applied:
            return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"
    return None


def _pending(publisher: Connection, slot: str, publication: str) -> list[bytes]:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            rows = publisher.execute(
                "SELECT data FROM pg_catalog.pg_logical_slot_peek_binary_changes("
                "%s, NULL, %s, 'proto_version', '1', 'publication_names', %s)",
                (slot, _CHANGES, publication),
            ).fetchall()
            return [bytes(row[0]) for row in rows]
        except psycopg.errors.ObjectInUse:
            if time.monotonic() > deadline:
                return []
            time.sleep(0.05)


def _applied(subscriber: Connection, subscription: int) -> int:
    """How far it has come, as a number; 0 where the role may not see it."""
    with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
        row = subscriber.execute(
            "SELECT remote_lsn - '0/0'::pg_catalog.pg_lsn FROM pg_catalog.pg_replication_origin_status"
            " WHERE external_id = %s",
            (f"pg_{subscription}",),
        ).fetchone()
        return 0 if row is None or row[0] is None else int(row[0])
    return 0
