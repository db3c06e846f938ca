"""`rehearse`: a move up to its switch, and taken back: what it will cost, and what would stop it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import typer
from rich.table import Table as Grid

from components.contract import Service
from core.cli import All, AsJson, ContractFile, Invocation, Services, Stack, Yes, chosen, invocation
from core.errors import GateClosed, VerificationFailed
from core.progress.interface import Silent
from core.progress.units import duration, size
from core.rehearsals import Rehearsal, keep_rehearsal
from migration.commands.ahead.dry_run import expect
from migration.commands.common import (
    DEFAULT_PHYSICAL,
    DEFAULT_WAL_GIB,
    NoThrottle,
    PhysicalOption,
    RateLimit,
    WalLimit,
    Workers,
)
from migration.commands.verbs import (
    SkipGate,
    Verbs,
    ask,
    at_work,
    copy_pace,
    not_finished,
    note_gates,
    source_plan,
)
from migration.examine.read_plan import examine, read_plan
from migration.gates.check import check_gates
from migration.gates.model import GateReport
from migration.journal.journal import StepRecord
from migration.moves.online import Online
from migration.plan.model import Plan

_PARTS = {
    "copy from the slot's snapshot": "copy",
    "build indexes and constraints": "indexes",
    "catch up": "catch up",
}
_OTHER, _COMPARISON = "other steps", "verification"
_COLUMNS = (*_PARTS.values(), _OTHER, _COMPARISON)
_NOT_HERE = frozenset({"rehearsal", "sign-off"})
"""Gates of a start that a rehearsal is for, or that are a person's."""


def rehearse(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    stack: Stack = None,
    contract: ContractFile = None,
    yes: Yes = False,
    workers: Workers = None,
    wal_limit: WalLimit = DEFAULT_WAL_GIB,
    rate_limit: RateLimit = None,
    no_throttle: NoThrottle = False,
    physical: PhysicalOption = DEFAULT_PHYSICAL,
    skip_gate: SkipGate = None,
    as_json: AsJson = False,
) -> None:
    """Do all of a move but the switch, against the live shared database, and take it back.

    Services are copied to their own databases, which nobody uses yet, follow, and are compared row by row;
    then all that was made is removed. It says how long each part took, what clients would wait, and what
    would stop the cutover. The result is kept; `rehearsal` in services.yaml lets `start` ask for one. Exit
    status 21: rows differed; 27: a gate would stop the move.
    """
    pace = copy_pace(rate_limit, no_throttle)
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything)
    skipped = tuple(skip_gate or ())
    with at_work(here, agreed, workers=workers, wal_limit=wal_limit, pace=pace, physical=physical) as verbs:
        wanted = not_finished(verbs.journal.moves(), wanted, everything=everything)
        for service in wanted:
            verbs.online(Silent()).require_startable(service)
        plan = examine(agreed, wanted)
        plan.check()
        amount = size(sum(plan.services[service.name].bytes for service in wanted))
        ask(
            here,
            yes,
            f"This copies {', '.join(s.name for s in wanted)} ({amount}) to their own databases, compares "
            "every row and removes all of it again. The shared database serves them all the time; nothing is "
            "switched.",
        )
        found: dict[str, Rehearsal] = {}

        def act(online: Online, service: Service) -> Mapping[str, Any]:
            now = read_plan(agreed, [service]).online()
            now.check()
            gates = _without(check_gates(agreed, service, now, "start", verbs.gate_limits))
            note_gates(here, agreed, gates)
            gates.require(skipped)
            found[service.name] = _rehearsed(verbs, online, service, now)
            keep_rehearsal(agreed, service.name, found[service.name])
            return _as_json(found[service.name])

        results = verbs.each(wanted, act)
    _show(here, results, found)
    _require_well(found)


def _rehearsed(verbs: Verbs, online: Online, service: Service, plan: Plan) -> Rehearsal:
    """Start, verify, ask the gates, and take it back, whatever came of it."""
    agreed, journal = verbs.contract, verbs.journal
    move = online.start(service, plan)
    try:
        begun = time.monotonic()
        verification = online.verify(service, plan)
        compared = time.monotonic() - begun
        expected = expect(agreed, service, "cutover", verbs.gate_limits)
        no_go = [gate for gate in expected.gates.no_go if gate.name not in _NOT_HERE]
    finally:
        with verbs.here.interruption.shield():
            online.abort(service, source_plan(agreed, service))
    steps = journal.steps(move)
    copied = next((step.figures for step in steps if _PARTS.get(step.step) == "copy"), {})
    return Rehearsal(
        at=time.time(),
        catalogue=agreed.catalogue_digest,
        seconds={**_parts(steps), _COMPARISON: round(compared, 3)},
        rows=int(copied.get("rows", 0)),
        bytes=int(copied.get("bytes", 0)),
        pause_ms=round(expected.pause_ms, 1),
        equal=verification.equal,
        refused=tuple(f"{gate.name}: {gate.figure}; {gate.advice}" for gate in no_go),
    )


def _parts(steps: Sequence[StepRecord]) -> dict[str, float]:
    """What the steps of the start took, by part; those of the undoing are none of it."""
    found = dict.fromkeys((*_PARTS.values(), _OTHER), 0.0)
    for step in steps:
        if step.finished is not None and step.outcome == "done":
            part = _PARTS.get(step.step, _OTHER)
            found[part] += (step.finished - step.started).total_seconds()
    return {part: round(seconds, 3) for part, seconds in found.items()}


def _without(report: GateReport) -> GateReport:
    return replace(report, gates=tuple(gate for gate in report.gates if gate.name not in _NOT_HERE))


def _as_json(rehearsal: Rehearsal) -> dict[str, Any]:
    return {
        "state": "not begun",
        **asdict(rehearsal),
        "total_seconds": round(rehearsal.total_seconds, 3),
        "went_well": rehearsal.went_well,
    }


def _show(here: Invocation, results: Mapping[str, Mapping[str, Any]], found: Mapping[str, Rehearsal]) -> None:
    if here.as_json:
        here.show_json({"services": dict(results)})
        return
    grid = Grid("service", "rows", "size", *_COLUMNS, "in all", "pause", "would stop it")
    for name, one in found.items():
        wrong = [*(() if one.equal else ("rows differ",)), *one.refused]
        grid.add_row(
            name,
            f"{one.rows:,}",
            size(one.bytes),
            *(duration(one.seconds[part]) for part in _COLUMNS),
            duration(one.total_seconds),
            f"{one.pause_ms:.0f} ms",
            "; ".join(wrong) or "nothing",
        )
    here.out.print(grid)
    said = (
        "Nothing was switched, and all of it is removed again." if found else "Nothing is left to rehearse."
    )
    here.out.print(said, markup=False)


def _require_well(found: Mapping[str, Rehearsal]) -> None:
    for name, one in found.items():
        if not one.equal:
            raise VerificationFailed(
                f"{name}: rows differed in its rehearsal; see who writes to its own database"
            )
        if one.refused:
            raise GateClosed(f"{name}: a gate would stop its move: {one.refused[0]}")
