"""Whether a service may go on now: named checks, each with a figure, a limit, a verdict and what to do.

The checks themselves are in the modules beside this one, one function a check; this module runs those that
fit a stage. A check whose server does not answer is a no-go that says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from components.contract import Contract, Service
from core.errors import MigrationError
from core.sessions.stack import source_database, target_database
from migration.gates.applications import APPLICATIONS
from migration.gates.backups import BACKUPS
from migration.gates.carried import CARRIED
from migration.gates.data import DATA
from migration.gates.keeping_up import KEEPING_UP
from migration.gates.model import Gate, GateLimits, GateReport, Stage
from migration.gates.performance import PERFORMANCE
from migration.gates.references import REFERENCES
from migration.gates.rehearsal import REHEARSALS
from migration.gates.replication import REPLICATION
from migration.gates.scene import Check, Scene
from migration.gates.servers import SERVERS
from migration.gates.session_state import SESSION_STATE
from migration.gates.sessions import SESSIONS
from migration.gates.signatures import SIGNATURES
from migration.gates.transactions import TRANSACTIONS
from migration.gates.values import VALUES
from migration.journal.journal import Journal, Move, read_moves
from migration.journal.mirror import Mirror
from migration.plan.model import Plan

CHECKS: tuple[Check, ...] = (
    *SERVERS,
    *VALUES,
    *REPLICATION,
    *KEEPING_UP,
    *CARRIED,
    *REFERENCES,
    *DATA,
    *APPLICATIONS,
    *TRANSACTIONS,
    *SESSIONS,
    *BACKUPS,
    *PERFORMANCE,
    *REHEARSALS,
    *SIGNATURES,
    *SESSION_STATE,
)
"""In the order in which they are shown."""

SKIPPED = "gate skipped: "
"""Before a gate's name in the journal."""


def check_gates(
    contract: Contract, service: Service, plan: Plan, stage: Stage, limits: GateLimits | None = None
) -> GateReport:
    """All gates of a service before `stage`. Touches nothing but a heartbeat of a running replication.

    Raises SourceUnreachable, TargetUnreachable, AuthenticationFailed.
    """
    source, target = source_database(contract), target_database(service)
    application = "waqiti-migration-gates"
    with (
        contextlib.closing(source.connect(application_name=application)) as there,
        contextlib.closing(target.connect(application_name=application)) as here,
    ):
        with source.translated("reading the journal"):
            moves = {move.service: move for move in read_moves(there)}
        move = moves.get(service.name)
        open_move = move if move is not None and move.finished is None else None
        scene = Scene(
            contract, service, plan, stage, limits or GateLimits(), open_move, source, target, there, here
        )
        gates: list[Gate] = []
        for check in CHECKS:
            if stage in check.stages:
                gates += _run(check, scene)
    report = GateReport(service.name, stage, tuple(gates))
    Mirror(contract).gates(service.name, stage, [gate.name for gate in report.no_go])
    return report


def record_skipped(journal: Journal, move: Move, report: GateReport, names: Sequence[str]) -> None:
    """Note in the journal which no-gos a person went on in spite of."""
    for gate in report.skipped(names):
        record = journal.begin(move, f"{SKIPPED}{gate.name}", {"figure": gate.figure, "limit": gate.limit})
        journal.end(record, "done")


def _run(check: Check, scene: Scene) -> list[Gate]:
    try:
        with scene.source.translated(f"checking the gate {check.name}"):
            return list(check.run(scene))
    except MigrationError as error:
        return [Gate(check.name, "no-go", str(error), advice="mend that first", error=type(error))]
