"""`abort`: give up a move that was not cut over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from components.contract import Service
from core.cli import All, AsJson, ContractFile, Services, Stack, Yes, chosen, invocation
from migration.commands.verbs import ask, at_work, not_finished, show_states, source_plan
from migration.moves.online import Online


def abort(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    stack: Stack = None,
    contract: ContractFile = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Give up the moves of services that the shared database serves: all that was made for them is removed.

    A service that is moved goes back first: `rollback --immediate`.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything)
    with at_work(here, agreed) as verbs:
        wanted = not_finished(verbs.journal.moves(), wanted, everything=everything)
        ask(
            here,
            yes,
            f"This ends the replication of {', '.join(s.name for s in wanted)} and empties their own "
            "databases. The shared database serves them as before.",
        )

        def act(online: Online, service: Service) -> Mapping[str, Any]:
            begun = online.state(service) is not None
            online.abort(service, source_plan(agreed, service))
            return {"state": "not begun", "note": "given up" if begun else "nothing was under way"}

        results = verbs.each(wanted, act)
    show_states(here, results)
