"""`--together` of `cutover` and `rollback`: several services, all or none, at one instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from components.contract import Service
from migration.commands.verbs import Verbs, switch_figures
from migration.journal.states import State, Verb
from migration.moves.online import Online
from migration.moves.together import switch_together
from migration.plan.model import Plan
from migration.switch.carry_out import SwitchResult

Together = Annotated[
    bool,
    typer.Option(
        "--together", help="All of them at one instant, all or none: none is seen moved while another is not."
    ),
]

Ready = Callable[[Online, Service], tuple[Plan, Mapping[str, Any]]]
"""What goes before a service's comparison; returns its plan, and what is said of it beside its switch."""

_BECOMES: dict[Verb, State] = {"cutover": State.MOVED, "rollback": State.FOLLOWING}


def each_together(
    verbs: Verbs, services: Sequence[Service], verb: Verb, ready: Ready, *, verified: bool = True
) -> dict[str, Mapping[str, Any]]:
    """Make all ready, then switch all; returns what is shown of each. Raises what `switch_together` does."""
    names = [service.name for service in services]
    said: dict[str, Mapping[str, Any]] = {}
    plans: list[tuple[Service, Plan]] = []
    with verbs.here.progress() as progress:
        online = verbs.online(progress)
        for service in services:
            verbs.doing = service.name
            progress.about(service.name)
            verbs.here.interruption.check()
            plan, said[service.name] = ready(online, service)
            plans.append((service, plan))
        verbs.doing = ", ".join(names)
        progress.about(verbs.doing)
        results = switch_together(online, verb, plans, verified=verified)
    return {name: _shown(_BECOMES[verb], results[name], names, said[name]) for name in names}


def _shown(
    state: State, result: SwitchResult, names: Sequence[str], said: Mapping[str, Any]
) -> Mapping[str, Any]:
    return {"state": state, **switch_figures(result), "together": list(names), **said}
