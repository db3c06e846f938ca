"""The mark on a target that says: what is here was put here by us, from this source, in this move.

Nothing on a target is ever dropped without it. It is written while the database is still empty, and
it names the source by its server's system identifier, so another server's target is never taken for
ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection

query = queries(__package__)


@dataclass(frozen=True)
class Imprint:
    """Where a target's content came from."""

    source: str
    """`source_identity` of the shared database."""
    service: str
    move: int
    """The number of the move in the journal."""


def source_identity(source: Database) -> str:
    """What tells the shared database apart from every other: `<system identifier>/<database>`."""
    with source.connect() as connection, source.translated("reading its identity"):
        row = connection.execute(
            "SELECT system_identifier || '/' || current_database() FROM pg_control_system()"
        ).fetchone()
    assert row is not None  # noqa: S101 (the function returns one row)
    return str(row[0])


def read_imprint(connection: Connection) -> Imprint | None:
    """The imprint in the connection's database; None if there is none."""
    row = connection.execute("SELECT to_regclass('waqiti_migration.imprint')").fetchone()
    if row is None or row[0] is None:
        return None
    row = connection.execute("SELECT source, service, move FROM waqiti_migration.imprint").fetchone()
    return Imprint(*row) if row else None


def write_imprint(connection: Connection, imprint: Imprint) -> None:
    """Put the mark, or renew it."""
    with connection.transaction():
        connection.execute(query("imprint_create"))
        connection.execute(
            query("imprint_write"),
            {"source": imprint.source, "service": imprint.service, "move": imprint.move},
        )
