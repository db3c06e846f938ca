"""`start`: copy a service while it is written to, and let its own database follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from components.contract import Service
from core.cli import All, AsJson, ContractFile, Services, Stack, Yes, chosen, invocation
from core.progress.interface import Silent
from core.progress.units import size
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
    ask,
    at_work,
    copy_pace,
    not_finished,
    note_decisions,
    note_gates,
    show_states,
)
from migration.examine.read_plan import examine, read_plan
from migration.gates.check import check_gates, record_skipped
from migration.moves.online import Online


def start(
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
    """Copy services while they are written to, and let their own databases follow; clients notice nothing.

    A start that fails, or is interrupted, takes everything back. One that was killed is undone by the
    next `start` or by `resume`. The copy rests while the shared database answers more slowly than before it.
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
        note_decisions(here, agreed, plan, wanted)
        amount = size(sum(plan.services[service.name].bytes for service in wanted))
        ask(
            here,
            yes,
            f"This copies {', '.join(s.name for s in wanted)} ({amount}) to their own databases and lets "
            "them follow. Guards, publications and slots are made in the shared database, which takes the "
            "writes as before; no client waits. `abort` takes it back.",
        )

        def act(online: Online, service: Service) -> Mapping[str, Any]:
            # The first one may have taken hours: what came since goes along.
            now = plan if service is wanted[0] else read_plan(agreed, [service]).online()
            now.check()
            gates = check_gates(agreed, service, now, "start", verbs.gate_limits)
            note_gates(here, agreed, gates)
            gates.require(skipped)
            move = online.start(service, now)
            record_skipped(verbs.journal, move, gates, skipped)
            return {"state": move.state, "note": "verify it, then cut it over", "gates": gates.as_json()}

        results = verbs.each(wanted, act)
    show_states(here, results)
