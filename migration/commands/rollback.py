"""`rollback`: lead services back to the shared database, with every write made since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.table import Table as Grid

from components.contract import Service
from migration.commands.common import (
    All,
    AsJson,
    ContractFile,
    Invocation,
    PauseTimeout,
    Services,
    Stack,
    SwitchTimeout,
    Yes,
    chosen,
    invocation,
)
from migration.commands.verbs import (
    DEFAULT_PAUSE_SECONDS,
    DEFAULT_SWITCH_SECONDS,
    Verbs,
    ask,
    at_work,
    not_finished,
    show_switches,
    source_plan,
    switch_figures,
)
from migration.complete import (
    Consolidation,
    KeyCheck,
    check_references,
    consolidation,
    restore_keys,
)
from migration.errors import WrongState
from migration.online import FOLLOWING, Online
from migration.progress import Silent
from migration.switch import Limits


def rollback(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    immediate: Annotated[
        bool, typer.Option("--immediate", help="Lead the services back, at once and with all writes.")
    ] = False,
    complete: Annotated[
        bool,
        typer.Option("--complete", help="All services back in turn, and the foreign keys that crossed, too."),
    ] = False,
    stack: Stack = None,
    contract: ContractFile = None,
    yes: Yes = False,
    pause_timeout: PauseTimeout = DEFAULT_PAUSE_SECONDS,
    switch_timeout: SwitchTimeout = DEFAULT_SWITCH_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Lead moved services back to the shared database; clients wait for a moment, no write is lost.

    They follow afterwards as after `start`, and can be cut over again. With --complete: every service
    that is moved, or those that are named; orphans of the keys that crossed are listed before.
    """
    if immediate == complete:
        raise typer.BadParameter("pass --immediate or --complete", param_hint="--immediate / --complete")
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything or (complete and not services))
    with at_work(here, agreed, limits=Limits(pause=pause_timeout, inside=switch_timeout)) as verbs:
        if complete:
            _complete(verbs, wanted, named=bool(services), yes=yes)
            return
        wanted = not_finished(verbs.journal.moves(), wanted, everything=everything)
        online = verbs.online(Silent())
        for service in wanted:
            online.require_way_back(service)
        names = ", ".join(service.name for service in wanted)
        ask(
            here,
            yes,
            f"This makes the clients of {names} wait for some hundred milliseconds and leads them back to "
            "the shared database, which has followed every write. Their own databases follow from then on.",
        )
        results = verbs.each(wanted, lambda online, service: _back(verbs, online, service))
    show_switches(here, "rolled back", results)


def _back(verbs: Verbs, online: Online, service: Service) -> Mapping[str, Any]:
    plan = source_plan(verbs.contract, service)
    online.update_guards(online.require_way_back(service), service, plan)
    return {"state": FOLLOWING, **switch_figures(online.rollback(service, plan))}


def _complete(verbs: Verbs, wanted: Sequence[Service], *, named: bool, yes: bool) -> None:
    here = verbs.here
    todo = consolidation(verbs.contract, wanted, verbs.journal.moves())
    if todo.impossible and not named:
        said = "; ".join(f"{name} {why}" for name, why in todo.impossible.items())
        raise WrongState(
            f"not all services can come back this way: {said}; name those that can: rollback --complete "
            f"{' '.join(s.name for s in (*todo.back, *todo.there)) or '(none)'}"
        )
    checked = check_references(verbs.contract, todo.shared_after)
    if not here.as_json:
        _show_before(here, todo, checked)
    ask(
        here,
        yes,
        f"This leads {', '.join(s.name for s in todo.back) or 'no service'} back to the shared database, one "
        f"after the other, then puts back {len(checked)} foreign keys that crossed: NOT VALID first, then "
        "validated. Keys with orphans stay NOT VALID: they bind new rows.",
    )
    results = verbs.each(todo.back, lambda online, service: _back(verbs, online, service))
    keys = restore_keys(verbs.contract, todo.shared_after)
    if here.as_json:
        here.show_json(
            {
                "services": results,
                "impossible": dict(todo.impossible),
                "orphans_before": [check.as_json() for check in checked],
                "keys": keys.as_json(),
            }
        )
    else:
        show_switches(here, "rolled back", results)
        grid = Grid("foreign key", "is")
        for name, state in keys.states.items():
            grid.add_row(name, state)
        here.out.print(grid)
    keys.require()


def _show_before(here: Invocation, todo: Consolidation, checked: Sequence[KeyCheck]) -> None:
    for name, why in todo.impossible.items():
        here.err.print(f"{name} {why}: it stays", markup=False)
    grid = Grid("foreign key that crossed", "orphans now", "the first")
    for check in checked:
        grid.add_row(check.name, f"{check.orphans:,}", ", ".join(check.examples))
    here.out.print(grid)
