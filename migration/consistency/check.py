"""Checks all references between services, wherever these live; again where one was switched meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from dataclasses import replace

from components.contract import Contract
from core.errors import Interrupted, MigrationError, RenameRefused, WrongState
from core.progress.interface import Progress
from core.references.check import LOOK_AGAIN_SECONDS, check_reference
from core.references.model import Checked, Consistency, Home, NotChecked, Reference
from core.sessions.stack import source_database
from migration.consistency.homes import find_homes, find_references, home_database
from migration.journal.journal import read_moves, read_steps
from migration.journal.renamed import lost_name

ATTEMPTS = 3
"""Times that a reference is checked anew because a service was switched meanwhile."""


def check_consistency(
    contract: Contract,
    services: Collection[str],
    *,
    limit: int = 1000,
    look_again: float = LOOK_AGAIN_SECONDS,
    progress: Progress,
) -> Consistency:
    """Check every reference from or to one of `services`; orphans are listed up to `limit` a reference.

    A reference that cannot be checked is told of and does not keep the others from being checked.
    `look_again` is in seconds. Raises what reading the journal raises.
    """
    references = find_references(contract, find_homes(contract), services)
    progress.phase("consistency", len(references), "steps")
    checked: list[Checked] = []
    failed: list[NotChecked] = []
    for reference in references:
        name = str(reference.key)
        progress.table(name)
        try:
            one = _check_where_it_is(contract, reference, limit, look_again)
        except Interrupted:
            raise
        except MigrationError as error:
            failed.append(NotChecked(name, _lost_name(contract, reference) or error))
        else:
            checked.append(one)
            progress.done(name, one.keys, 0, one.seconds)
    return Consistency(checked, failed)


def _check_where_it_is(contract: Contract, reference: Reference, limit: int, look_again: float) -> Checked:
    """Check a reference; again where one of its services was switched meanwhile."""
    for _ in range(ATTEMPTS):
        before = _homes(contract, reference)
        vouched = reference.enforced and before == ("shared", "shared")
        now = replace(reference, homes=before, enforced=vouched)
        ends = (
            home_database(contract, reference.dependent, before[0]),
            home_database(contract, reference.referenced, before[1]),
        )
        renamed = {s.schema_name: s.own_schema for s in contract.services.values() if s.own_schema}
        found = check_reference(now, ends, limit=limit, look_again=look_again, renamed=renamed)
        if _homes(contract, reference) == before:
            return found
    raise WrongState(f"{reference.key}: its services were switched while it was checked; check it again")


def _lost_name(contract: Contract, reference: Reference) -> RenameRefused | None:
    """What to do where a check failed because `finish` gave a schema a name that services.yaml has lost."""
    source, ends = source_database(contract), {reference.dependent, reference.referenced}
    try:
        with closing(source.connect()) as connection, source.translated("reading the journal"):
            moves = [move for move in read_moves(connection) if move.service in ends]
            steps = {move.service: read_steps(connection, move) for move in moves}
        for service, records in steps.items():
            if lost := lost_name(contract.services[service], records):
                return RenameRefused(lost)
    except Interrupted:
        raise
    except MigrationError:
        # What does not answer now is told of by the check that failed.
        return None
    return None


def _homes(contract: Contract, reference: Reference) -> tuple[Home, Home]:
    homes = find_homes(contract, (reference.dependent, reference.referenced))
    return homes[reference.dependent], homes[reference.referenced]
