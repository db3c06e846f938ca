"""What the evidence says of one service, in the order in which it was kept. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.evidence.chain import Entry, Kind

_WORDS: Mapping[tuple[str | None, bool], str] = {
    (
        "drop",
        True,
    ): "is dropped: its own database does not have it, the verb consistency checks what it guarded",
    ("drop", False): "is left out: its own database does not have it",
    ("copy", False): "what it needs is made in its own database, too, under the same name",
    ("move", False): "moves along with the service, rows included",
    (
        "reference",
        True,
    ): "is dropped; what it refers to is kept as a replica that follows, and is checked there",
    ("reference", False): "the columns that it needs are kept as a replica that follows",
    ("ignore", False): "is made as it is; what it needs is not there",
}
_GATES = {"go": 0, "unknown": 1, "warn": 2, "no-go": 3}


@dataclass(frozen=True)
class Decision:
    """What is done about one thing that crosses to another service."""

    edge: str
    words: str
    reason: str


@dataclass(frozen=True)
class Asked:
    """The gates of a stage, when they were last asked."""

    stage: str
    at: datetime
    verdict: str
    gates: tuple[Mapping[str, str], ...]
    """`name`, `verdict`, `figure`, `limit`; the worst first."""

    @property
    def noticed(self) -> tuple[Mapping[str, str], ...]:
        """Those that say anything but go."""
        return tuple(one for one in self.gates if one["verdict"] != "go")


@dataclass(frozen=True)
class Chronicle:
    """Of one service, or (gates and decisions left out) of the whole stack."""

    decisions: tuple[Decision, ...] = ()
    asked: tuple[Asked, ...] = ()
    signed: tuple[Entry, ...] = ()
    verified: tuple[Entry, ...] = ()
    proofs: tuple[Entry, ...] = ()
    moves: tuple[Entry, ...] = ()
    alarms: tuple[Entry, ...] = ()
    archived: Entry | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        names = ("signed", "verified", "proofs", "moves", "alarms")
        return {
            "decisions": [dict(vars(one)) for one in self.decisions],
            "gates": [
                {"stage": one.stage, "at": one.at.isoformat(), "verdict": one.verdict, "gates": [*one.gates]}
                for one in self.asked
            ],
            **{name: [one.model_dump(mode="json") for one in getattr(self, name)] for name in names},
            "archived": None if self.archived is None else self.archived.model_dump(mode="json"),
        }


def chronicle(entries: Sequence[Entry], service: str | None) -> Chronicle:
    """What is kept about a service (None: about the whole stack)."""
    mine = [one for one in entries if one.service == service]

    def of(kind: Kind) -> tuple[Entry, ...]:
        return tuple(one for one in mine if one.kind == kind)

    decided, archived = of(Kind.DECIDED), of(Kind.ARCHIVED)
    asked = {one.facts["stage"]: _asked(one) for one in of(Kind.GATES)}
    return Chronicle(
        decisions=tuple(_decision(edge) for edge in decided[-1].facts["edges"]) if decided else (),
        asked=tuple(asked.values()),
        signed=of(Kind.SIGNED),
        verified=of(Kind.VERIFIED),
        proofs=of(Kind.RESTORED),
        moves=of(Kind.MOVE),
        alarms=of(Kind.ALARMS),
        archived=archived[-1] if archived else None,
    )


def _asked(entry: Entry) -> Asked:
    gates = sorted(entry.facts["gates"], key=lambda one: -_GATES.get(one["verdict"], 0))
    return Asked(entry.facts["stage"], entry.at, entry.facts["verdict"], tuple(gates))


def _decision(edge: Mapping[str, Any]) -> Decision:
    action, is_key = edge.get("action"), edge.get("kind") == "foreign key"
    words = _WORDS.get((action, is_key)) or _WORDS.get((action, False)) or "is not decided"
    return Decision(str(edge["edge"]), words, str(edge.get("reason") or ""))
