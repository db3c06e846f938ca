"""Slots of a direction: the one that is subscribed to, and those from which what changed is read.

Slots are the server's, not the database's, so that theirs has the database's name in it. One that an older
program made has not: where this database has it, it goes on. Another database's slot is never touched.
"""

from __future__ import annotations

import time

import psycopg

from components.replication_roles import server_wide
from core.sessions.session import Connection

KEYS_SUFFIX = "_keys"
"""Behind a flow's name: the slot on its publisher that `changed_keys` reads."""
SEEN_SUFFIX = "_seen"
"""The same on its subscriber: what was applied."""


def slot_names(connection: Connection, name: str) -> list[str]:
    """What the slot `name` of the connection's database may be called: by this program, by an older one."""
    return [server_wide(name, connection.info.dbname), name]


def slot_here(connection: Connection, name: str) -> str:
    """What the slot `name` of the connection's database is called, or is to be called if there is none."""
    row = connection.execute(
        "SELECT slot_name::text FROM pg_catalog.pg_replication_slots"
        " WHERE slot_name = ANY(%s) AND database = pg_catalog.current_database()",
        [slot_names(connection, name)],
    ).fetchone()
    return server_wide(name, connection.info.dbname) if row is None else str(row[0])


def drop_slots(connection: Connection, name: str, seconds: float = 10.0) -> None:
    """Remove the slot `name` of a publisher and the one of its changed keys; their readers are ended first.

    Raises ObjectInUse when a reader does not end in time.
    """
    for slot in (name, name + KEYS_SUFFIX):
        drop_slot(connection, slot, seconds)


def drop_slot(connection: Connection, name: str, seconds: float = 10.0) -> None:
    """Remove a slot of the connection's database if it is there, which lets the server's WAL go."""
    deadline = time.monotonic() + seconds
    values = [slot_names(connection, name)]
    while True:
        try:
            connection.execute(
                "SELECT pg_catalog.pg_terminate_backend(active_pid) FROM pg_catalog.pg_replication_slots"
                " WHERE slot_name = ANY(%s) AND database = pg_catalog.current_database() AND active",
                values,
            )
            connection.execute(
                "SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots"
                " WHERE slot_name = ANY(%s) AND database = pg_catalog.current_database()",
                values,
            )
        except psycopg.errors.ObjectInUse:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
