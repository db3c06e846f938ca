"""`plan`: what would move, and what forbids it."""

from __future__ import annotations

from typing import Annotated

import typer

from migration.commands.common import All, AsJson, ContractFile, Services, Stack, chosen, invocation
from migration.commands.verbs import not_finished
from migration.journal import read_moves
from migration.plan_view import plan_to_json, plan_to_mermaid, plan_view
from migration.planning import examine
from migration.stack import source_database


def plan(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help="Print what crosses services as a Mermaid diagram.")
    ] = False,
) -> None:
    """Show tables, sizes, order, what crosses services, and what forbids the move. Touches nothing.

    Without a service it plans all of them. Exit status 0 if all can go, else the first problem's own.
    """
    run = invocation(context, as_json=as_json)
    agreed = run.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything or not services)
    source = source_database(agreed)
    with source.connect() as connection, source.translated("reading the journal"):
        wanted = not_finished(read_moves(connection), wanted, everything=everything or not services)
    found = examine(agreed, wanted)
    if as_json:
        run.show_json(plan_to_json(found))
    elif mermaid:
        run.out.print(plan_to_mermaid(found), markup=False)
    else:
        run.out.print(plan_view(found))
    if found.no_go:
        found.check()
