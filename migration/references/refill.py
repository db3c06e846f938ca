"""Brings a replica back that does not follow any more: filled anew while it is read, compared, followed.

Steps of the journal, on the newest move of the service that reads. A failure or Ctrl-C takes back what
would keep WAL. What `kill -9` leaves is noted as stale, with the rows of before or the new ones, and the
next refill begins anew. docs/decisions/0046-replicas-behind.md says why this way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.contract import Contract, Service
from core.errors import WrongState
from core.sessions.orphans import end_orphans
from core.sessions.stack import source_database, target_database
from migration.journal.journal import Move
from migration.journal.states import State
from migration.references import fill, link
from migration.references.filling import filling
from migration.references.lag import Reading, read_readings
from migration.references.model import Link, clear_stale, mark_stale, read_links
from migration.steps.runner import Runner, Step

SECONDS = 60.0
"""How long old transactions may delay the slot, and a replica that catches up may stand still."""


@dataclass(frozen=True)
class Refill:
    """What the steps work on."""

    contract: Contract
    link: Link


def refill(contract: Contract, service: Service, runner: Runner) -> list[dict[str, Any]]:
    """Fill all replicas of a service that do not follow, one after the other; returns figures of each.

    The caller holds the operator's lock. Raises WrongState where the service has no replicas, or a move of it
    or of what it reads is to be settled first; what the step that failed raised.
    """
    moves = {move.service: move for move in runner.journal.moves()}
    source = source_database(contract)
    with source.connect() as connection, source.translated("reading the references"):
        readings = read_readings(contract, connection, service.name)
    move = _allowed(service, moves, readings)
    results: list[dict[str, Any]] = []
    for reading in readings:
        link = reading.link
        names = {"dependent": service.name, "referenced": link.referenced}
        if reading.state == "following":
            results.append({**names, "note": "follows already"})
            continue
        # Sessions of a refill that was killed would commit after us; and both have to answer.
        end_orphans(link.publishing(contract))
        end_orphans(target_database(service), whole=True)
        runner.progress.note(f"{service.name}: its replica of {link.referenced} is filled anew")
        with filling(runner.journal, link):
            figures = runner.run(move, REFILL, Refill(contract, link))
        results.append({**names, "rows": figures[FILL]["rows"], "note": "follows again"})
    return results


def _allowed(service: Service, moves: Mapping[str, Move], readings: Sequence[Reading]) -> Move:
    move = moves.get(service.name)
    if move is None or not readings:
        raise WrongState(f"{service.name} keeps no replica of another service: there is nothing to fill")
    if move.state not in {State.FOLLOWING, State.MOVED, State.FINISHING, State.FINISHED}:
        raise WrongState(f"{service.name} is {move.state}: settle that first (`resume`; `status` shows it)")
    for reading in readings:
        read = moves.get(reading.link.referenced)
        if read is not None and read.state == State.FINISHING:
            raise WrongState(
                f"{read.service} is {read.state}, which leads this replica to its own database: `finish "
                f"{read.service}` first"
            )
    return move


def note_stale(work: Refill) -> Mapping[str, Any]:
    """Say that it does not follow, until the last step."""
    source = source_database(work.contract)
    with source.connect() as connection, source.translated("noting a stale replica"):
        if not mark_stale(connection, work.link, "a refill was begun"):
            raise WrongState(f"{work.link.dependent} does not read {work.link.referenced} any more that way")
        # With the reason of before, for the journal.
        (noted,) = [link for link in read_links(connection) if link.name == work.link.name]
    stale = noted.stale
    return {
        "service": work.link.referenced,
        "followed_in": work.link.publisher,
        "stale_since": None if stale is None else stale.since.isoformat(),
        "why": None if stale is None else stale.why,
    }


def _unsubscribe(work: Refill) -> Mapping[str, Any]:
    link.unsubscribe(work.contract, work.link)
    return {}


def _drop_subscription(work: Refill) -> None:
    link.unsubscribe(work.contract, work.link)


def _publish(work: Refill) -> Mapping[str, Any]:
    link.publish(work.contract, work.link)
    return {"publication": work.link.name}


def _unpublish(work: Refill) -> None:
    link.unpublish(work.link.publishing(work.contract), work.link.name)


def _fill(work: Refill) -> Mapping[str, Any]:
    return {"rows": fill.fill(work.contract, work.link, SECONDS)}


def _subscribe(work: Refill) -> Mapping[str, Any]:
    link.subscribe(work.contract, work.link)
    return {}


def _catch_up(work: Refill) -> Mapping[str, Any]:
    link.catch_up(work.contract, work.link, SECONDS)
    return {}


def note_following(work: Refill) -> Mapping[str, Any]:
    """It follows."""
    source = source_database(work.contract)
    with source.connect() as connection, source.translated("noting a replica that follows"):
        clear_stale(connection, work.link)
    return {}


FILL = "refill: fill and compare"
"""The step that tells of the rows."""

REFILL: tuple[Step[Refill], ...] = (
    Step("refill: note that it is stale", note_stale),
    Step("refill: end the subscription", _unsubscribe),
    Step("refill: publish", _publish, undo=_unpublish),
    Step(FILL, _fill),
    Step("refill: subscribe", _subscribe, undo=_drop_subscription),
    Step("refill: catch up", _catch_up),
    Step("refill: note that it follows", note_following, final=True),
)
"""In order. Undone from the last that was begun to the first."""
