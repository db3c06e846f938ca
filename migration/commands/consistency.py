"""`consistency`: check references between services, wherever their rows are."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer
from rich.table import Table as Grid

from core.cli import All, AsJson, ContractFile, Invocation, Services, Stack, chosen, finite, invocation
from core.references.check import LOOK_AGAIN_SECONDS
from core.references.model import Consistency
from migration.consistency.check import check_consistency
from migration.journal.mirror import Mirror

SHOWN = 10
"""Orphans of a reference that are printed; `--json` has all up to `--limit`."""


def consistency(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    stack: Stack = None,
    contract: ContractFile = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="Orphans of a reference that are named with --json.")
    ] = 1000,
    look_again: Annotated[
        float,
        typer.Option(
            "--look-again",
            min=0.0,
            metavar="SECONDS",
            callback=finite,
            help="How long a row may be ahead of what it refers to.",
        ),
    ] = LOOK_AGAIN_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Check every foreign key that crosses services, whichever databases its two ends are in now.

    Touches nothing and needs no lock, so it can run on a schedule, beside everything else. With --json: one
    line. Exit status 0: everything refers to something; 32: orphans.
    """
    here = invocation(context, as_json=as_json)
    here.one_line = True
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything or not services)
    with here.progress() as progress:
        found = check_consistency(
            agreed,
            [service.name for service in wanted],
            limit=limit,
            look_again=look_again,
            progress=progress,
        )
    tell(Mirror(agreed), found)
    if as_json:
        here.show_json(found.as_json())
    else:
        _show(here, found)
    found.require()


def tell(mirror: Mirror, found: Consistency) -> None:
    """For who watches: the orphans of each service whose rows refer to another's; none is told where a
    reference could not be checked."""
    lost: Counter[str] = Counter()
    for one in found.checked:
        lost[one.reference.dependent] += one.orphan_rows
    for service, rows in lost.items():
        if rows or not found.failed:
            mirror.orphans(service, rows)


def _show(here: Invocation, found: Consistency) -> None:
    grid = Grid(
        "foreign key that crosses", "its rows in", "what it refers to in", "values", "orphans", "time"
    )
    for one in found.checked:
        reference = one.reference
        grid.add_row(
            str(reference.key),
            f"{reference.dependent}, {reference.homes[0]}",
            f"{reference.referenced}, {reference.homes[1]}",
            f"{one.keys:,}",
            f"{one.orphan_rows:,}",
            f"{one.seconds:.1f} s",
        )
    for failed in found.failed:
        grid.add_row(failed.name, "", "", "", "not checked", "")
    here.out.print(grid)
    for one in found.checked:
        for orphan in one.orphans[:SHOWN]:
            here.out.print(f"{one.reference.key.table} {orphan}", markup=False)
        if one.orphan_keys > SHOWN:
            here.out.print(
                f"... and {one.orphan_keys - SHOWN:,} more values of {one.reference.key}", markup=False
            )
    for failed in found.failed:
        here.err.print(f"{failed.name}: {failed.error}", markup=False)
