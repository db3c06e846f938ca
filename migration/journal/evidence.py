"""What a verb did becomes evidence when it ends: from the journal, so that nothing is told twice or lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from components.contract import Contract
from core.errors import MigrationError
from core.evidence.chain import Entry, Evidence, Kind
from migration.journal.journal import Journal, Move


@contextmanager
def evidence_of(warn: Callable[[str], None], contract: Contract, journal: Journal) -> Iterator[None]:
    """However it ends, what the journal says that the evidence does not is added to it.

    A journal that cannot be asked any more is read by the next verb; evidence that cannot be written is said,
    and stops no move.
    """
    try:
        yield
    finally:
        try:
            _tell(Evidence(contract), journal)
        except (MigrationError, psycopg.Error) as error:
            warn(f"the evidence of this run is not kept: {error}")


def _tell(evidence: Evidence, journal: Journal) -> None:
    known = evidence.read()
    for move in journal.moves():
        verdict = journal.last_verification(move)
        if verdict is not None:
            facts = {key: verdict.get(key) for key in ("equal", "rows", "digest", "seconds", "made")}
            facts = {**facts, "tables": len(verdict.get("tables", ())), "made": str(facts["made"])}
            _add(evidence, known, Kind.VERIFIED, move, facts, same="made")
        waited = _waited(journal, move)
        facts = {"move": move.id, "state": str(move.state), "mode": move.mode, "updated": str(move.updated)}
        _add(evidence, known, Kind.MOVE, move, {**facts, **waited}, same="updated")


def _add(
    evidence: Evidence, known: list[Entry], kind: Kind, move: Move, facts: dict[str, Any], *, same: str
) -> None:
    told = [one.facts.get(same) for one in known if one.kind == kind and one.service == move.service]
    if facts[same] not in told:
        evidence.add(kind, facts, service=move.service, who=move.operator)


def _waited(journal: Journal, move: Move) -> dict[str, Any]:
    """Milliseconds that clients waited in the newest switch, where the journal has them."""
    for step in reversed(journal.steps(move)):
        if "pause_ms" in step.figures:
            return {"pause_ms": step.figures["pause_ms"]}
    return {}
