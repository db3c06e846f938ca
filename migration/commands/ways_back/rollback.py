"""`rollback`: lead services back to the shared database, with every write made since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table as Grid

from components.contract import Service
from core.cli import All, AsJson, ContractFile, Invocation, Services, Stack, Yes, chosen, invocation
from core.errors import WrongState
from core.progress.interface import Silent
from migration.commands.common import PauseTimeout, SwitchTimeout
from migration.commands.together.each import Together, each_together
from migration.commands.verbs import (
    DEFAULT_PAUSE_SECONDS,
    DEFAULT_SWITCH_SECONDS,
    Verbs,
    ask,
    at_work,
    not_finished,
    show_switches,
)
from migration.commands.ways_back.lead_back import lead_back, ready_to_go_back
from migration.commands.ways_back.quick import Asked, roll_back_quickly
from migration.gates.together import require_together
from migration.moves.consolidate import Consolidation, KeyCheck, check_references, consolidation, restore_keys
from migration.quick.context import SEQUENCE_GAP
from migration.switch.carry_out import Limits


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
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Its own database is lost or wrong: what each way would lose; with --to, go.",
        ),
    ] = False,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="shared|own",
            help="With --quick: the shared one, or its own as it was restored.",
        ),
    ] = None,
    beyond: Annotated[
        str | None,
        typer.Option(
            "--beyond",
            metavar="apply|leave",
            help="With --to own: rows that the shared database has beyond it are taken over, or given up.",
        ),
    ] = None,
    sequence_gap: Annotated[
        int,
        typer.Option(
            "--sequence-gap", min=0, help="With --to shared: numbers that each sequence leaves out."
        ),
    ] = SEQUENCE_GAP,
    unverified: Annotated[
        bool,
        typer.Option(
            "--unverified", help="Do not compare all rows first, only what changes from now on: quicker."
        ),
    ] = False,
    together: Together = False,
    stack: Stack = None,
    contract: ContractFile = None,
    yes: Yes = False,
    pause_timeout: PauseTimeout = DEFAULT_PAUSE_SECONDS,
    switch_timeout: SwitchTimeout = DEFAULT_SWITCH_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Lead moved services back to the shared database; clients wait for a moment, no write is lost.

    All rows are compared first, at one instant of both sides, and what changes meanwhile again, up to the
    last write, as before a cutover: where anything differs, nothing is switched (exit status 21). They
    follow afterwards as after `start`, and can be cut over again. With --together all are led back at one
    instant, or none. With --quick: one service whose own database is lost or wrong
    (docs/runbooks/rollback.md). With --complete: every service that is moved, or those that are named;
    orphans of the keys that crossed are listed before.
    """
    if immediate + complete + quick != 1:
        raise typer.BadParameter(
            "pass --immediate, --complete or --quick", param_hint="--immediate / --complete / --quick"
        )
    if not quick and (to or beyond):
        raise typer.BadParameter("--to and --beyond are for --quick", param_hint="--to / --beyond")
    if together and not immediate:
        raise typer.BadParameter("--together is for --immediate", param_hint="--together")
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    if quick:
        roll_back_quickly(here, agreed, services, Asked.parse(to, beyond, sequence_gap), yes=yes)
        return
    wanted = chosen(agreed, services, everything=everything or (complete and not services))
    with at_work(here, agreed, limits=Limits(pause=pause_timeout, inside=switch_timeout)) as verbs:
        if complete:
            _complete(verbs, wanted, named=bool(services), yes=yes, verified=not unverified)
            return
        wanted = not_finished(verbs.journal.moves(), wanted, everything=everything)
        online = verbs.online(Silent())
        for service in wanted:
            online.require_way_back(service)
        if together:
            require_together(agreed, wanted)
        names = ", ".join(service.name for service in wanted)
        ask(
            here,
            yes,
            f"This compares {'only what changes from now on' if unverified else 'all rows'} of {names} while "
            "clients go on, then makes them wait for some hundred milliseconds and leads them back to the "
            "shared database, which has followed every write. Their own databases follow from then on.",
        )
        if together:
            results = each_together(
                verbs,
                wanted,
                "rollback",
                lambda online, service: ready_to_go_back(verbs, online, service),
                verified=not unverified,
            )
        else:
            results = verbs.each(
                wanted, lambda online, service: lead_back(verbs, online, service, verified=not unverified)
            )
    show_switches(here, "rolled back", results)


def _complete(verbs: Verbs, wanted: Sequence[Service], *, named: bool, yes: bool, verified: bool) -> None:
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
    results = verbs.each(
        todo.back, lambda online, service: lead_back(verbs, online, service, verified=verified)
    )
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
