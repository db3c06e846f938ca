"""The schema of the migration's own objects, in whichever database they are."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

SCHEMA = "waqiti_migration"


def ensure_schema(connection: psycopg.Connection[Any]) -> None:
    """Make the schema of the migration's own objects unless it is there."""
    there = connection.execute(
        "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s", [SCHEMA]
    ).fetchone()
    if there is None:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
