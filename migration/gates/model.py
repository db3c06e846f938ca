"""Gates as values: a named check with its figure, its limit, a verdict and what to do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.errors import GateClosed, MigrationError

Verdict = Literal["go", "warn", "no-go", "unknown"]
"""`warn`: look at it; it stops nothing. `unknown`: cannot be seen from here."""

Stage = Literal["start", "cutover", "rollback", "finish"]
"""What the gates are asked before."""

MIB = 1 << 20


@dataclass(frozen=True)
class GateLimits:
    """What the figures are measured against."""

    pause_seconds: float = 5.0
    """A transaction older than this does not end within the pause."""
    lag_bytes: int = 16 * MIB
    lag_seconds: float = 5.0
    wal_bytes: int = 10 << 30
    """WAL that a slot may keep."""
    verification_minutes: float = 60.0
    retry_seconds: float = 1.0
    """`wal_retrieve_retry_interval`: a subscription that is restarted waits so long, inside the pause."""
    large_object_bytes: int = 64 * MIB
    """Large objects are compared inside the pause; a server hashes some hundred MB a second."""
    full_identity_bytes: int = 64 * MIB
    """Larger tables without a key find their rows slowly on the other side."""
    report_seconds: float = 60.0
    """A query older than this counts as a long report."""
    watch_seconds: float = 0.0
    """How long the shared database's transactions are watched; 0: what was seen last counts."""
    proof_hours: float = 168.0
    """A proof of the backups that is older says little; a week is their own interval."""
    watched_days: float = 30.0
    """What was seen longer ago says nothing of today."""


@dataclass(frozen=True)
class Gate:
    """One check of one service."""

    name: str
    """What `--skip-gate` takes."""
    verdict: Verdict
    figure: str
    """What was measured."""
    limit: str = ""
    advice: str = ""
    """What to do where it is no go."""
    overridable: bool = False
    """Whether `--skip-gate` may go on in spite of it: what it risks is a failed attempt, not a row."""
    error: type[MigrationError] = GateClosed
    """What a no-go raises."""

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "figure": self.figure,
            "limit": self.limit,
            "advice": self.advice,
            "overridable": self.overridable,
        }


@dataclass(frozen=True)
class GateReport:
    """All gates of one service before one stage."""

    service: str
    stage: Stage
    gates: tuple[Gate, ...]

    @property
    def no_go(self) -> tuple[Gate, ...]:
        """Those that forbid it."""
        return tuple(gate for gate in self.gates if gate.verdict == "no-go")

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        found = {gate.verdict for gate in self.gates}
        return "no-go" if "no-go" in found else "warn" if "warn" in found else "go"

    def skipped(self, names: Sequence[str]) -> tuple[Gate, ...]:
        """The no-gos that `names` go on in spite of."""
        return tuple(gate for gate in self.no_go if gate.overridable and gate.name in names)

    def require(self, names: Sequence[str] = ()) -> None:
        """Raise the first no-go that is not among `names`, or cannot be skipped."""
        left = [gate for gate in self.no_go if gate not in self.skipped(names)]
        if not left:
            return
        first = left[0]
        more = f" (and {len(left) - 1} more; `gates {self.service}` lists them)" if len(left) > 1 else ""
        how = f"; or --skip-gate {first.name}" if first.overridable else ""
        raise first.error(
            f"{self.service}: the gate {first.name} is closed: {first.figure}; {first.advice}{how}{more}"
        )

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "stage": self.stage,
            "verdict": self.verdict,
            "gates": [gate.as_json() for gate in self.gates],
        }


def judged(
    name: str,
    bad: bool,
    figure: str,
    advice: str,
    *,
    limit: str = "",
    otherwise: Verdict = "no-go",
    overridable: bool = False,
    error: type[MigrationError] = GateClosed,
) -> Gate:
    """A gate that is `otherwise` when `bad`, else go; `advice` is kept only where it is needed."""
    verdict: Verdict = otherwise if bad else "go"
    return Gate(name, verdict, figure, limit, advice if bad else "", overridable, error)
