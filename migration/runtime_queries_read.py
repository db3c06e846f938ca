"""What ran in the shared database: from pg_stat_statements, and the search_path of every role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from components.contract import Contract
from migration.catalog_model import Catalog
from migration.connections import Database
from migration.plan import make_plan
from migration.queries import query
from migration.runtime_queries import Crossings, RanStatement
from migration.statements import statement

Connection = psycopg.Connection[tuple[Any, ...]]

HOW_TO_LOAD = (
    "set shared_preload_libraries = 'pg_stat_statements', restart the shared database, CREATE EXTENSION"
    " pg_stat_statements in it, and let a working day pass; or give the server's log to `queries --log`"
)
HOW_TO_CREATE = "CREATE EXTENSION pg_stat_statements in the shared database; the server has loaded it already"
_HIDDEN = "<insufficient privilege>"


@dataclass(frozen=True)
class Ran:
    """What pg_stat_statements tells."""

    statements: tuple[RanStatement, ...] = ()
    since: datetime | None = None
    """When it began to count."""
    forgotten: int = 0
    """How often it threw statements away for want of room: what is rare may be missing."""
    hidden: int = 0
    """Statements whose text this role may not see."""
    advice: str = ""
    """Why there is nothing to be seen, and what to do; empty: there is."""

    def as_json(self) -> dict[str, Any]:
        """JSON types only; the statements are counted, not shown."""
        return {
            "statements": len(self.statements),
            "since": self.since.isoformat() if self.since else None,
            "forgotten": self.forgotten,
            "hidden": self.hidden,
            "advice": self.advice or None,
        }


def read_ran(connection: Connection, contract: Contract) -> Ran:
    """The statements of all roles but the migration's own administrator (where that is another than the
    services' common one): what a person or a tool ran is not the services' doing."""
    row = connection.execute(query("runtime_extension")).fetchone()
    schema, loaded, _ = row if row is not None else (None, False, None)
    if not loaded:
        return Ran(advice=HOW_TO_LOAD)
    if schema is None:
        return Ran(advice=HOW_TO_CREATE)
    names = {"schema": sql.Identifier(schema)}
    rows = connection.execute(statement("runtime_statements").format(**names)).fetchall()
    info = connection.execute(
        sql.SQL("SELECT stats_reset, dealloc FROM {schema}.pg_stat_statements_info").format(**names)
    ).fetchone()
    since, forgotten = info if info is not None else (None, 0)
    left_out = tools(contract)
    seen = [row for row in rows if row[1] not in left_out]
    return Ran(
        tuple(RanStatement(*row) for row in seen if row[0] != _HIDDEN),
        since,
        forgotten,
        sum(row[2] for row in seen if row[0] == _HIDDEN),
    )


def tools(contract: Contract) -> frozenset[str]:
    """Roles whose statements are not the services'."""
    administrator = contract.source.administrator.name
    return frozenset({administrator} - {contract.source.application.name})


def read_paths(connection: Connection) -> dict[str, tuple[str, ...]]:
    """The search_path of the roles that have one of their own in this database."""
    found = {}
    for role, setting in connection.execute(query("runtime_paths")):
        parts = (part.strip().strip('"') for part in setting.split(","))
        found[role] = tuple(part for part in parts if part)
    return found


def crossings(contract: Contract, catalog: Catalog, connection: Connection) -> Crossings:
    """The judge, with a plan of all services over the catalogue."""
    return Crossings(contract, make_plan(contract, catalog), read_paths(connection))


def read_all(contract: Contract, catalog: Catalog, source: Database) -> tuple[Ran, Crossings]:
    """What ran, and who judges it."""
    with source.connect() as connection, source.translated("reading pg_stat_statements"):
        return read_ran(connection, contract), crossings(contract, catalog, connection)
