"""What runs did, as values: read from the journal, so that a run that was cut off is reported whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from components.contract import Contract
from core.errors import MigrationError
from core.sessions.scrubbing import Scrub, unchanged
from migration.journal.journal import TOGETHER, Journal, Move, StepRecord
from migration.journal.pauses import Pause, pauses_of
from migration.report.chronicle import Chronicle
from migration.report.load import Load
from migration.steps.runner import UNDO_PREFIX

_PAUSES = {"pause the gateway", "cutover: pause the gateway"}
_RESUMES = {"resume the gateway", "cutover: resume the gateway"}
_DROPPING = "drop the keys that cross"
_POINT = "make a restore point of all services"

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
    lsn: str | None = None
    """Where the shared database's WAL was when it ended."""


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
    pauses: tuple[Pause, ...] = ()
    """Each time that a switch made its clients wait, the oldest first."""
    mode: str = ""
    """`online`, `offline`; empty: not begun."""
    began: datetime | None = None
    earlier: int = 0
    """Moves of it that were begun before this one and taken back."""
    chronicle: Chronicle = field(default_factory=Chronicle)
    load: Load | None = None
    """Transactions through its gateway."""
    statements: Load | None = None
    """Statements that its own database was sent."""
    backed_up: bool = False

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
    def compared_rows(self) -> int:
        """Rows of the newest comparison."""
        return int(self.verification["rows"]) if self.verification else 0

    @property
    def points(self) -> tuple[PhaseReport, ...]:
        """The restore points that were made ahead of its switches."""
        return tuple(one for one in self.phases if one.step == _POINT and one.figures.get("point"))

    @property
    def at_home(self) -> datetime | None:
        """When its clients were led to its own database for the first time."""
        there = [one for one in self.pauses if one.done and one.verb in {"cutover", "move"}]
        return there[0].began if there else None

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
                    "lsn": p.lsn,
                }
                for p in self.phases
            ],
            "tables": [dict(table) for table in self.tables],
            "verification": self.verification,
            "dropped_keys": list(self.edges),
            "mode": self.mode,
            "pauses": [one.as_json() for one in self.pauses],
            "load": None if self.load is None else self.load.as_json(),
            "statements": None if self.statements is None else self.statements.as_json(),
            "evidence": self.chronicle.as_json(),
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
    whole: bool = False
    """Of everything so far, and not of one run."""
    commit: str | None = None
    catalogue: str = ""
    isolated: bool | None = None
    """None: not tried."""
    stack_kept: Chronicle = field(default_factory=Chronicle)
    """What the evidence says of the stack and of no single service."""
    entries: int = 0
    """Of the evidence."""
    head: str = ""
    """The digest of the last of them, which seals all."""
    broken: str = ""
    """Why the evidence cannot be trusted."""
    shared: Load | None = None
    """Statements that the shared database was sent by applications."""

    @classmethod
    def make(
        cls,
        contract: Contract,
        services: Sequence[ServiceReport],
        edges: Sequence[Mapping[str, str]],
        error: MigrationError | None = None,
        scrub: Scrub = unchanged,
    ) -> Report:
        """The report of a run that ends now, without what evidence and samples say (`gather.completed`)."""
        end = contract.source.endpoint
        return cls(
            stack=f"{contract.project}/{contract.stack}",
            source=f"{end.host}:{end.port}/{end.database}",
            program=contract.program,
            made=datetime.now(UTC),
            services=tuple(services),
            edges=tuple(edges),
            error=None if error is None else scrub(f"{type(error).__name__}: {error}"),
            commit=contract.commit,
            catalogue=contract.catalogue_digest,
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
            "commit": self.commit,
            "catalogue": self.catalogue,
            "isolated": self.isolated,
            "evidence": {
                "entries": self.entries,
                "head": self.head,
                "broken": self.broken or None,
                "stack": self.stack_kept.as_json(),
            },
            "shared": None if self.shared is None else self.shared.as_json(),
        }


def read_service_report(journal: Journal, service: str, *, already: bool = False) -> ServiceReport:
    """A service's newest move, from the journal. `already`: it was moved by an earlier run."""
    move = journal.last_move(service)
    if move is None:
        return ServiceReport(service, "not begun", (), (), None)
    report = service_report(move, journal.steps(move), journal.copied(move), journal.last_verification(move))
    return replace(report, state="already moved") if already else report


def service_report(
    move: Move,
    steps: Sequence[StepRecord],
    copied: Sequence[Mapping[str, Any]],
    verification: Mapping[str, Any] | None,
) -> ServiceReport:
    """A service's move, from what the journal has of it."""
    # The one that says who is switched together lasts as long as all that it stands around.
    phases = tuple(_phase(record) for record in steps if record.step != TOGETHER)
    return ServiceReport(
        service=move.service,
        state=move.state,
        phases=phases,
        tables=tuple(copied) or _tables_of(phases),
        verification=verification,
        pauses=tuple(pauses_of(steps)),
        mode=move.mode,
        began=move.started,
    )


def _tables_of(phases: Sequence[PhaseReport]) -> tuple[Mapping[str, Any], ...]:
    """Of a copy that was undone, what it had copied."""
    listed = [p.figures["tables"] for p in phases if isinstance(p.figures.get("tables"), list)]
    # Other steps name tables; those of a copy have figures.
    found = [tables for tables in listed if tables and isinstance(tables[0], Mapping)]
    return tuple(found[-1]) if found else ()


def _phase(record: StepRecord) -> PhaseReport:
    seconds = None if record.finished is None else (record.finished - record.started).total_seconds()
    outcome: str = record.outcome or "cut off"
    if record.step.startswith(UNDO_PREFIX) and outcome == "done":
        outcome = "undone"
    return PhaseReport(
        record.step, record.started, seconds, outcome, record.figures, record.error, record.lsn
    )
