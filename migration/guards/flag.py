"""Whether a side takes a service's writes, asked from outside the guards' own session."""

from __future__ import annotations

from typing import Any

import psycopg

from core.sessions.queries import queries

query = queries(__package__)

UPDATED = {
    "source": "its guards in the shared database were an older version's: brought up to date",
    "target": "its guards in its own database were an older version's: brought up to date",
}
"""What is said of guards that an older version of this program had made, by the side that they are on."""


def is_open(connection: psycopg.Connection[Any], service: str) -> bool | None:
    """What the service's flag in this database says; None where it has none."""
    row = connection.execute(query("read"), {"flag": f"waqiti_migration.open_{service}"}).fetchone()
    return None if row is None else row[0]
