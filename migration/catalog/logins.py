"""The stack's own logins of schema migrations on the shared database."""

from __future__ import annotations

from typing import Any

import psycopg


def ddl_logins(connection: psycopg.Connection[tuple[Any, ...]]) -> list[str]:
    """Their names; none where the stack has made none."""
    there = connection.execute("SELECT to_regclass('waqiti_migration.ddl_logins') IS NOT NULL").fetchone()
    if there != (True,):
        return []
    rows = connection.execute("SELECT role_name FROM waqiti_migration.ddl_logins")
    return [str(name) for (name,) in rows]
