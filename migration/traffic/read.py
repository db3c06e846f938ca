"""What ran in the shared database: from pg_stat_statements, and the search_path of every role."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import sql

from components.contract import Contract
from core.sessions.connections import Database
from core.sessions.queries import queries, statements
from core.sessions.session import Connection
from migration.catalog.objects import Catalog
from migration.plan.make import make_plan
from migration.traffic.logs import read_log
from migration.traffic.needs import Need, needs
from migration.traffic.queries import Crossings, RanStatement

query = queries(__package__)
statement = statements(__package__)


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
    row = connection.execute(query("extension")).fetchone()
    schema, loaded, _ = row if row is not None else (None, False, None)
    if not loaded:
        return Ran(advice=HOW_TO_LOAD)
    if schema is None:
        return Ran(advice=HOW_TO_CREATE)
    names = {"schema": sql.Identifier(schema)}
    rows = connection.execute(statement("statements").format(**names)).fetchall()
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
    for role, setting in connection.execute(query("paths")):
        parts = (part.strip().strip('"') for part in setting.split(","))
        found[role] = tuple(part for part in parts if part)
    return found


def crossings(contract: Contract, catalog: Catalog, connection: Connection) -> Crossings:
    """The judge, with a plan of all services over the catalogue."""
    return Crossings(contract, make_plan(contract, catalog), read_paths(connection))


def read_needs(
    connection: Connection, contract: Contract, catalog: Catalog, logs: Sequence[Path] = ()
) -> tuple[Ran, list[Need]]:
    """What ran, by pg_stat_statements and by the server's `logs`, and what of it names things that no
    service's own database would have. Raises LogUnreadable."""
    ran = read_ran(connection, contract)
    if logs:
        row = connection.execute(
            "SELECT current_database()::text, current_setting('log_line_prefix')"
        ).fetchone()
        database, prefix = row if row is not None else ("", "")
        logged = [one for path in logs for one in read_log(path, database, prefix, tools(contract))]
        ran = replace(ran, statements=(*ran.statements, *logged))
    if not ran.statements:
        return ran, []
    builtin = {name for (name,) in connection.execute(query("builtin"))}
    return ran, needs(crossings(contract, catalog, connection), ran.statements, builtin)


def read_all(contract: Contract, catalog: Catalog, source: Database) -> tuple[Ran, Crossings]:
    """What ran, and who judges it."""
    with source.connect() as connection, source.translated("reading pg_stat_statements"):
        return read_ran(connection, contract), crossings(contract, catalog, connection)
