"""What a run did, as values: read from the journal, so that a run that was cut off is reported whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from components.contract import Contract
from core.errors import MigrationError
from core.sessions.scrubbing import Scrub
from migration.journal.journal import Journal, StepRecord
from migration.steps.runner import UNDO_PREFIX

_PAUSES = {"pause the gateway", "cutover: pause the gateway"}
_RESUMES = {"resume the gateway", "cutover: resume the gateway"}
_DROPPING = "drop the keys that cross"

REPORT_VERSION = 1
"""Raised when a reader of the JSON would misunderstand it."""


@dataclass(frozen=True)
class PhaseReport:
    """One execution of a step."""

    step: str
    began: datetime
    seconds: float | None
    """None: its end was not recorded."""
    outcome: str
    figures: Mapping[str, Any]
    error: str | None


@dataclass(frozen=True)
class ServiceReport:
    """One service's move."""

    service: str
    state: str
    phases: tuple[PhaseReport, ...]
    tables: tuple[Mapping[str, Any], ...]
    """`table`, `rows`, `bytes`, `seconds` of each table copied."""
    verification: Mapping[str, Any] | None
    """The newest verdict, as `Verification.as_json` gives it."""

    @property
    def rows(self) -> int:
        """Rows copied."""
        return sum(table["rows"] for table in self.tables)

    @property
    def bytes(self) -> int:
        """Heap and TOAST of the tables on the source, in bytes."""
        return sum(table["bytes"] for table in self.tables)

    @property
    def seconds(self) -> float:
        """Time that its steps took."""
        return sum(phase.seconds or 0.0 for phase in self.phases)

    @property
    def clients_waited_seconds(self) -> float | None:
        """From the newest pause's begin until the gateway was resumed; None when it was not (yet)."""
        paused = [p for p in self.phases if p.step in _PAUSES]
        resumed = [p for p in self.phases if p.step in _RESUMES and p.seconds is not None]
        if not paused or not resumed:
            return None
        return (resumed[-1].began - paused[-1].began).total_seconds() + (resumed[-1].seconds or 0.0)

    @property
    def verdict(self) -> str:
        """`equal`, `differs`, or empty when nothing was compared."""
        if self.verification is None:
            return ""
        return "equal" if self.verification["equal"] else "differs"

    @property
    def edges(self) -> tuple[str, ...]:
        """The foreign keys that crossed and were dropped in the shared database, with their definition."""
        listed = [phase.figures.get("keys", []) for phase in self.phases if phase.step == _DROPPING]
        return tuple(key for keys in listed for key in keys)

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        waited = self.clients_waited_seconds
        return {
            "service": self.service,
            "state": self.state,
            "rows": self.rows,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "clients_waited_seconds": None if waited is None else round(waited, 3),
            "verified": self.verdict,
            "phases": [
                {
                    "step": p.step,
                    "began": p.began.isoformat(),
                    "outcome": p.outcome,
                    "error": p.error,
                    "seconds": None if p.seconds is None else round(p.seconds, 3),
                }
                for p in self.phases
            ],
            "tables": [dict(table) for table in self.tables],
            "verification": self.verification,
            "dropped_keys": list(self.edges),
        }


@dataclass(frozen=True)
class Report:
    """A whole run."""

    stack: str
    source: str
    program: str
    made: datetime
    services: tuple[ServiceReport, ...]
    edges: tuple[Mapping[str, str], ...]
    """What crosses services: `service`, `edge`, `action`, `reason`."""
    error: str | None
    """What ended the run early."""

    @classmethod
    def make(
        cls,
        contract: Contract,
        services: Sequence[ServiceReport],
        edges: Sequence[Mapping[str, str]],
        error: MigrationError | None,
        scrub: Scrub,
    ) -> Report:
        """The report of a run that ends now."""
        end = contract.source.endpoint
        return cls(
            stack=f"{contract.project}/{contract.stack}",
            source=f"{end.host}:{end.port}/{end.database}",
            program=contract.program,
            made=datetime.now(UTC),
            services=tuple(services),
            edges=tuple(edges),
            error=None if error is None else scrub(f"{type(error).__name__}: {error}"),
        )

    def as_json(self) -> dict[str, Any]:
        """JSON types only; `version` tells readers its shape."""
        return {
            "version": REPORT_VERSION,
            "stack": self.stack,
            "source": self.source,
            "program": self.program,
            "made": self.made.isoformat(),
            "error": self.error,
            "services": [service.as_json() for service in self.services],
            "edges": [dict(edge) for edge in self.edges],
        }


def read_service_report(journal: Journal, service: str, *, already: bool = False) -> ServiceReport:
    """A service's newest move, from the journal. `already`: it was moved by an earlier run."""
    move = journal.last_move(service)
    if move is None:
        return ServiceReport(service, "not begun", (), (), None)
    phases = tuple(_phase(record) for record in journal.steps(move))
    return ServiceReport(
        service=service,
        state="already moved" if already else move.state,
        phases=phases,
        tables=tuple(journal.copied(move)) or _tables_of(phases),
        verification=journal.last_verification(move),
    )


def _tables_of(phases: Sequence[PhaseReport]) -> tuple[Mapping[str, Any], ...]:
    """Of a copy that was undone, what it had copied."""
    found = [p.figures["tables"] for p in phases if p.figures.get("tables") and "rows" in p.figures]
    return tuple(found[-1]) if found else ()


def _phase(record: StepRecord) -> PhaseReport:
    seconds = None if record.finished is None else (record.finished - record.started).total_seconds()
    outcome: str = record.outcome or "cut off"
    if record.step.startswith(UNDO_PREFIX) and outcome == "done":
        outcome = "undone"
    return PhaseReport(record.step, record.started, seconds, outcome, record.figures, record.error)
