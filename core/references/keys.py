"""Foreign keys that cross services: those the shared database has, and those that were dropped and kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from components.contract import Contract
from core.names import TableName, display_name
from core.sessions.queries import queries
from core.sessions.session import Connection

query = queries(__package__)


@dataclass(frozen=True, order=True)
class CrossingKey:
    """A foreign key from one service's table to another's."""

    table: TableName
    constraint: str
    definition: str
    """As `pg_get_constraintdef` prints it, the referenced table qualified."""
    references: str
    """The referenced schema."""

    def __str__(self) -> str:
        return f"{self.table}.{display_name(self.constraint)}"


@dataclass(frozen=True)
class CrossingReference:
    """A key, and the services at its two ends."""

    key: CrossingKey
    dependent: str
    """The service whose rows refer: effects."""
    referenced: str
    """The service whose rows are referred to: causes."""
    vouched: bool
    """Whether the shared database has it as a valid key."""


def crossing_references(connection: Connection, contract: Contract) -> list[CrossingReference]:
    """All keys between the contract's services, those dropped too. `connection` is to the shared database.

    The session is under `settings.LOOKING`, so that definitions are printed with every name qualified.
    """
    owners = {service.schema_name: service.name for service in contract.services.values()}
    found = {(key.table, key.constraint): (key, False) for key in kept_keys(connection, owners)}
    for key, vouched in present_keys(connection, owners):
        found[key.table, key.constraint] = key, vouched
    return [
        CrossingReference(key, owners[key.table.schema], owners[key.references], vouched)
        for _, (key, vouched) in sorted(found.items(), key=lambda item: item[0])
    ]


def present_keys(connection: Connection, schemas: Collection[str]) -> list[tuple[CrossingKey, bool]]:
    """The keys that the shared database has, each with whether it vouches for it."""
    rows = connection.execute(query("keys"), {"schemas": list(schemas)}).fetchall()
    return [(CrossingKey(TableName(s, t), k, definition, r), valid) for s, t, k, definition, r, valid in rows]


def kept_keys(connection: Connection, schemas: Collection[str]) -> list[CrossingKey]:
    """The keys that were dropped and whose two services are both among `schemas`."""
    row = connection.execute("SELECT pg_catalog.to_regclass('waqiti_migration.crossing_keys')").fetchone()
    if row is None or row[0] is None:
        return []
    rows = connection.execute(
        "SELECT schema_name, table_name, constraint_name, definition, references_schema"
        " FROM waqiti_migration.crossing_keys ORDER BY 1, 2, 3"
    ).fetchall()
    keys = [CrossingKey(TableName(s, t), k, d, r) for s, t, k, d, r in rows]
    return [key for key in keys if {key.table.schema, key.references} <= set(schemas)]
