"""`cutover`: switch services to their own databases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import typer

from components.contract import Service
from core.cli import All, AsJson, ContractFile, Services, Stack, Yes, chosen, invocation
from core.progress.interface import Silent
from migration.commands.ahead.dry_run import expect, show_expected
from migration.commands.common import PauseTimeout, SwitchTimeout, Workers
from migration.commands.queries_transactions import WatchTransactions
from migration.commands.together.each import Together, each_together
from migration.commands.verbs import (
    DEFAULT_PAUSE_SECONDS,
    DEFAULT_SWITCH_SECONDS,
    SkipGate,
    ask,
    at_work,
    not_finished,
    note_gates,
    show_switches,
    switch_figures,
)
from migration.commands.ways_back.slo import cut_over
from migration.examine.read_plan import read_plan
from migration.gates.check import check_gates, record_skipped
from migration.gates.model import GateLimits
from migration.gates.together import require_together
from migration.journal.states import State
from migration.moves.online import Online
from migration.plan.model import Plan
from migration.switch.carry_out import Limits


def cutover(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    stack: Stack = None,
    contract: ContractFile = None,
    yes: Yes = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the gates, and each step with its expected time.")
    ] = False,
    together: Together = False,
    workers: Workers = None,
    pause_timeout: PauseTimeout = DEFAULT_PAUSE_SECONDS,
    switch_timeout: SwitchTimeout = DEFAULT_SWITCH_SECONDS,
    skip_gate: SkipGate = None,
    watch: WatchTransactions = None,
    as_json: AsJson = False,
) -> None:
    """Verify services that follow, then switch them to their own databases; clients wait for a moment.

    Whatever fails before a service's own database is opened leads back by itself. With --together clients of
    all of them wait at the same time, and all are switched or none is.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything)
    if dry_run:
        limits = GateLimits(pause_seconds=pause_timeout, watch_seconds=watch or 0.0)
        show_expected(here, [expect(agreed, service, "cutover", limits) for service in wanted])
        return
    skipped = tuple(skip_gate or ())
    allowed = Limits(pause=pause_timeout, inside=switch_timeout)
    with at_work(here, agreed, workers=workers, limits=allowed) as verbs:
        wanted = not_finished(verbs.journal.moves(), wanted, everything=everything)
        for service in wanted:
            verbs.online(Silent()).in_state(service, State.FOLLOWING)
        if together:
            require_together(agreed, wanted)
        ask(
            here,
            yes,
            f"This verifies {', '.join(s.name for s in wanted)}, then makes each one's clients wait"
            f"{', all at the same time,' if together else ''} for some hundred milliseconds and leads "
            "them to its own database. The shared database takes no more of its writes but follows them: "
            "`rollback --immediate` leads back without losing one.",
        )

        def ready(online: Online, service: Service) -> tuple[Plan, Mapping[str, Any]]:
            move = online.in_state(service, State.FOLLOWING)
            plan = online.carried(service, lambda: read_plan(agreed, [service]))
            limits = replace(verbs.gate_limits, watch_seconds=watch or 0.0)
            online.update_guards(move, service, plan)
            gates = check_gates(agreed, service, plan, "cutover", limits)
            note_gates(here, agreed, gates)
            gates.require(skipped)
            record_skipped(verbs.journal, move, gates, skipped)
            return plan, {"gates": gates.as_json()}

        def act(online: Online, service: Service) -> Mapping[str, Any]:
            plan, said = ready(online, service)
            return {"state": State.MOVED, **switch_figures(cut_over(verbs, online, service, plan)), **said}

        results = each_together(verbs, wanted, "cutover", ready) if together else verbs.each(wanted, act)
    show_switches(here, "cut over", results)
