"""What a verb did becomes evidence when it ends: from the journal, so that nothing is told twice or lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from components.contract import Contract
from core.errors import EvidenceBroken, MigrationError
from core.evidence.chain import Entry, Evidence, Kind
from core.evidence.lookup import digest_of_tables, newest
from migration.journal.journal import Journal, Move, StepRecord
from migration.journal.pauses import pauses_of

ARCHIVED = "take the digests of the old copy"
"""The step whose figures say what is in a finished service's old copy."""


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


def keep(
    warn: Callable[[str], None], contract: Contract, kind: Kind, service: str, facts: Mapping[str, Any]
) -> None:
    """Add what is in no journal, unless the newest of its kind says the same. As above, it stops no move."""
    evidence = Evidence(contract)
    try:
        last = newest(evidence.read(), kind, service)
        if last is None or last.facts != facts or last.catalogue != contract.catalogue_digest:
            evidence.add(kind, facts, service=service)
    except EvidenceBroken as error:
        warn(f"the evidence of this run is not kept: {error}")


def verified_facts(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """What evidence keeps of a verdict: `Verification.as_json`, and when it was `made`.

    Of each table the rows and the digest of the shared database's side; the other's are the same where equal.
    """
    tables = {
        one["table"]: {"rows": one["rows_source"], "digest": one["digest_source"]}
        for one in verdict.get("tables", ())
    }
    differing = [one["table"] for one in verdict.get("tables", ()) if not one["equal"]]
    return {
        "equal": verdict["equal"],
        "rows": verdict["rows"],
        "digest": digest_of_tables(tables),
        "function": verdict["digest"],
        "seconds": verdict["seconds"],
        "made": str(verdict["made"]),
        "tables": tables,
        **({"differing": differing} if differing else {}),
    }


def _tell(evidence: Evidence, journal: Journal) -> None:
    known = evidence.read()
    for move in journal.moves():
        steps = journal.steps(move)
        verdict = journal.last_verification(move)
        if verdict is not None:
            _add(evidence, known, Kind.VERIFIED, move, verified_facts(verdict), same="made")
        facts = {"move": move.id, "state": str(move.state), "mode": move.mode, "updated": str(move.updated)}
        _add(evidence, known, Kind.MOVE, move, {**facts, **_measured(steps)}, same="updated")
        for step in steps:
            if step.step == ARCHIVED and step.outcome == "done":
                facts = {**step.figures, "taken": str(step.finished)}
                _add(evidence, known, Kind.ARCHIVED, move, facts, same="taken")


def _add(
    evidence: Evidence, known: list[Entry], kind: Kind, move: Move, facts: dict[str, Any], *, same: str
) -> None:
    told = [one.facts.get(same) for one in known if one.kind == kind and one.service == move.service]
    if facts[same] not in told:
        evidence.add(kind, facts, service=move.service, who=move.operator)


def _measured(steps: Sequence[StepRecord]) -> dict[str, Any]:
    """Milliseconds that clients waited in the newest switch that went through, and how far the journal is."""
    pauses = [one for one in pauses_of(steps) if one.done]
    lsns = [step.lsn for step in steps if step.lsn]
    return {
        **({"pause_ms": round(pauses[-1].ms, 1), "verb": pauses[-1].verb} if pauses else {}),
        **({"lsn": lsns[-1]} if lsns else {}),
    }
