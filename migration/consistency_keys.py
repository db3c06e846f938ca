"""Which references cross services, and where each service's rows are written now. Looks only."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from typing import Any

import psycopg

from components.contract import Contract, Service
from migration.connections import Database
from migration.consistency_model import Home, Reference
from migration.crossing_keys import CrossingKey, kept_keys
from migration.journal import Move, read_moves
from migration.model import TableName
from migration.offline_run import UNDONE
from migration.online import FINISHED, FINISHING, FOLLOWING, MOVED, STARTING
from migration.queries import query
from migration.stack import source_database, target_database

Connection = psycopg.Connection[tuple[Any, ...]]

_OWN = frozenset({MOVED, FINISHING, FINISHED})
_SHARED = frozenset({STARTING, FOLLOWING, UNDONE})


def find_homes(contract: Contract, services: Collection[str] | None = None) -> dict[str, Home]:
    """Where the rows of some services (all by default) are written, by service.

    The journal says so; while a switch is under way, or where one was cut off, the guards do. Raises what
    connecting to the shared database raises, and for a service in a switch to its own.
    """
    source = source_database(contract)
    with source.connect() as connection, source.translated("reading the journal"):
        moves = {move.service: move for move in read_moves(connection)}
    names = contract.services if services is None else services
    return {name: _home(contract.services[name], moves.get(name)) for name in names}


def home_database(contract: Contract, service: str, home: Home) -> Database:
    """The database that a service's rows are in."""
    return source_database(contract) if home == "shared" else target_database(contract.services[service])


def find_references(
    contract: Contract, homes: Mapping[str, Home], services: Collection[str]
) -> list[Reference]:
    """The keys that cross to or from one of `services`: those of the shared database, and those dropped."""
    owners = {service.schema_name: service.name for service in contract.services.values()}
    source = source_database(contract)
    found: dict[tuple[TableName, str], tuple[CrossingKey, bool]] = {}
    with source.connect() as connection, source.translated("reading the foreign keys that cross"):
        connection.execute(query("consistency_session"))
        for key in kept_keys(connection, set(owners)):
            found[key.table, key.constraint] = key, False
        for key, enforced in _present(connection, list(owners)):
            found[key.table, key.constraint] = key, enforced
    references = []
    for _, (key, enforced) in sorted(found.items(), key=lambda item: item[0]):
        dependent, referenced = owners[key.table.schema], owners[key.references]
        if {dependent, referenced} & set(services):
            at = (homes[dependent], homes[referenced])
            # A key that is left there after one end moved does not see that end's rows.
            vouched = enforced and at == ("shared", "shared")
            references.append(Reference(key, dependent, referenced, at, vouched))
    return references


def _home(service: Service, move: Move | None) -> Home:
    if move is None or move.state in _SHARED:
        return "shared"
    if move.state in _OWN:
        return "own"
    # Neither side open: both hold the same rows, and the switch may still go back.
    return "own" if _open_at_home(service) else "shared"


def _open_at_home(service: Service) -> bool:
    target = target_database(service)
    flag = {"flag": f"waqiti_migration.open_{service.name}"}
    with contextlib.closing(target.connect()) as connection, target.translated("reading its guards"):
        row = connection.execute(query("guard_read"), flag).fetchone()
    return row is not None and row[0] is True


def _present(connection: Connection, schemas: list[str]) -> list[tuple[CrossingKey, bool]]:
    rows = connection.execute(query("consistency_keys"), {"schemas": schemas}).fetchall()
    return [(CrossingKey(TableName(s, t), k, definition, r), valid) for s, t, k, definition, r, valid in rows]
