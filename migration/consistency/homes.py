"""Which references cross services, and where each service's rows are written now. Looks only."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping

from components.contract import Contract, Service
from core.references.keys import crossing_references
from core.references.model import Home, Reference
from core.sessions.connections import Database
from core.sessions.settings import LOOKING, use
from core.sessions.stack import source_database, target_database
from migration.guards.flag import is_open
from migration.journal.journal import Move, read_moves
from migration.journal.states import State

_OWN = frozenset({State.MOVED, State.RECOVERING, State.FINISHING, State.FINISHED})
_SHARED = frozenset({State.STARTING, State.FOLLOWING, State.FALLING, State.FALLEN, State.UNDONE})


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
    source = source_database(contract)
    with source.connect() as connection, source.translated("reading the foreign keys that cross"):
        use(connection, LOOKING)
        crossing = crossing_references(connection, contract)
    references = []
    for one in crossing:
        if {one.dependent, one.referenced} & set(services):
            at = (homes[one.dependent], homes[one.referenced])
            # A key that is left there after one end moved does not see that end's rows.
            vouched = one.vouched and at == ("shared", "shared")
            references.append(Reference(one.key, one.dependent, one.referenced, at, vouched))
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
    with contextlib.closing(target.connect()) as connection, target.translated("reading its guards"):
        return is_open(connection, service.name) is True
