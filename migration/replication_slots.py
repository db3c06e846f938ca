"""Slots of a direction on its publisher: the one that is subscribed to, and the one of its changed keys."""

from __future__ import annotations

import time
from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]

KEYS_SUFFIX = "_keys"
"""Behind a flow's name: the slot that `changed_keys` reads."""


def drop_slots(connection: Connection, name: str, seconds: float = 10.0) -> None:
    """Remove the slot `name` and the one of its changed keys; who still reads from them is ended first.

    Raises ObjectInUse when a reader does not end in time.
    """
    for slot in (name, name + KEYS_SUFFIX):
        drop_slot(connection, slot, seconds)


def drop_slot(connection: Connection, slot: str, seconds: float = 10.0) -> None:
    """Remove a slot if it is there, which lets the server's WAL go."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            connection.execute(
                "SELECT pg_catalog.pg_terminate_backend(active_pid)"
                " FROM pg_catalog.pg_replication_slots WHERE slot_name = %s AND active",
                [slot],
            )
            connection.execute(
                "SELECT pg_catalog.pg_drop_replication_slot(slot_name)"
                " FROM pg_catalog.pg_replication_slots WHERE slot_name = %s",
                [slot],
            )
        except psycopg.errors.ObjectInUse:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
