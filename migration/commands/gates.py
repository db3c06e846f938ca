"""`gates`: whether a service may go on now, and what to do where it may not."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer
from rich.table import Table as Grid

from core.cli import All, AsJson, ContractFile, Services, Stack, chosen, invocation
from core.sessions.stack import source_database
from migration.commands.common import DEFAULT_WAL_GIB, PauseTimeout, WalLimit
from migration.commands.queries_transactions import WatchTransactions
from migration.commands.verbs import DEFAULT_PAUSE_SECONDS, not_finished
from migration.examine.read_plan import examine, read_plan
from migration.gates.check import check_gates
from migration.gates.model import GateLimits, GateReport, Stage
from migration.journal.journal import Move, read_moves
from migration.journal.states import State


class Before(Enum):
    """What the gates are asked before."""

    START = "start"
    CUTOVER = "cutover"
    ROLLBACK = "rollback"


_STYLES = {"go": "green", "warn": "yellow", "no-go": "bold red", "unknown": "dim"}


def gates(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    stack: Stack = None,
    contract: ContractFile = None,
    wal_limit: WalLimit = DEFAULT_WAL_GIB,
    pause_timeout: PauseTimeout = DEFAULT_PAUSE_SECONDS,
    before: Annotated[
        Before | None, typer.Option("--before", help="Default: the verb that comes next.")
    ] = None,
    watch: WatchTransactions = None,
    as_json: AsJson = False,
) -> None:
    """Check everything that a service's next verb depends on. Changes nothing; what it watched is kept.

    Exit status 0: no gate is closed; otherwise the first closed one's own (27, or 28 for a changed schema).
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything or not services)
    limits = GateLimits(
        pause_seconds=pause_timeout, wal_bytes=int(wal_limit * 2**30), watch_seconds=watch or 0.0
    )
    source = source_database(agreed)
    with source.connect() as connection, source.translated("reading the journal"):
        moves = {move.service: move for move in read_moves(connection)}
    wanted = not_finished(moves.values(), wanted, everything=everything or not services)
    reports = []
    for service in wanted:
        stage: Stage = before.value if before else _next_stage(moves.get(service.name))
        plan = examine(agreed, [service]) if stage == "start" else read_plan(agreed, [service])
        reports.append(check_gates(agreed, service, plan, stage, limits))
    if as_json:
        here.show_json({"services": {report.service: report.as_json() for report in reports}})
    else:
        for report in reports:
            here.out.print(gates_grid(report))
    for report in reports:
        report.require()


def gates_grid(report: GateReport) -> Grid:
    """The gates of a service, for a person."""
    grid = Grid(title=f"{report.service}: gates before {report.stage}: {report.verdict}")
    for heading in ("gate", "verdict", "figure", "limit", "what to do"):
        # A gate's name is what --skip-gate takes: never cut short.
        grid.add_column(heading, no_wrap=heading in {"gate", "verdict"}, overflow="fold")
    for gate in report.gates:
        style = _STYLES[gate.verdict]
        advice = gate.advice + (f" (or --skip-gate {gate.name})" if gate.advice and gate.overridable else "")
        grid.add_row(
            gate.name, f"[{style}]{gate.verdict}[/]", _plain(gate.figure), gate.limit, _plain(advice)
        )
    return grid


def _plain(text: str) -> str:
    """Brackets are no markup."""
    return text.replace("[", "\\[")


def _next_stage(move: Move | None) -> Stage:
    if move is None or move.finished is not None:
        return "start"
    return "rollback" if move.state == State.MOVED else "cutover"
