"""`plan`: what would move, and what forbids it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli import All, AsJson, ContractFile, Services, Stack, chosen, invocation
from core.services_yaml import block
from core.sessions.stack import source_database
from migration.commands.plan_ways import ways, ways_json, ways_view
from migration.commands.verbs import not_finished
from migration.examine.read_plan import examine
from migration.journal.journal import read_moves
from migration.plan.view import plan_to_json, plan_to_mermaid, plan_view, to_paste


def plan(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
    stop_writes: Annotated[
        bool, typer.Option("--stop-writes", help="Plan for `run --stop-writes`, without replication.")
    ] = False,
    log: Annotated[
        list[Path] | None,
        typer.Option(
            "--log", metavar="FILE", help="A log of the shared server, for what ran: stderr, csv or json."
        ),
    ] = None,
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
    found = examine(agreed, wanted, writes_stop=stop_writes, logs=log or ())
    both = {} if stop_writes or mermaid else ways(agreed, wanted, found)
    if as_json:
        run.show_json({**plan_to_json(found), "ways": ways_json(both)})
    elif mermaid:
        run.out.print(plan_to_mermaid(found), markup=False)
    else:
        run.out.print(plan_view(found))
        if both:
            run.out.print(ways_view(both))
        if found.alongside:
            run.out.print("\nTo let a schema that no service claims go along with one, in services.yaml:")
            run.out.print(block(found.alongside), markup=False, soft_wrap=True)
        if settled := to_paste(found):
            run.out.print(
                "\nTo paste into services.yaml, once you agree: each key under its service; rules before"
                " those that are there, parameters beside those, any other key in place of the one that is:",
                markup=False,
                style="bold",
            )
            # Whole lines, whatever the terminal's width: YAML that is broken up is no YAML.
            run.out.print(settled, markup=False, soft_wrap=True)
    if found.no_go:
        found.check()
