"""Descriptions of real tables, for tests of what works on them."""

from __future__ import annotations

from core.sessions.connections import Database
from migration.catalog.read import read_catalog
from migration.catalog.tables import Table


def tables_of(database: Database, *schemas: str) -> list[Table]:
    """All tables of these schemas, partitioned parents included, by name."""
    with database.connect() as connection:
        catalog = read_catalog(connection)
    found = [table for table in catalog.tables.values() if table.name.schema in schemas]
    return sorted(found, key=lambda table: table.name)
