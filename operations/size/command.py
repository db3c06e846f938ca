"""`size`: what the catalogue should give each service, as a diff with reasons."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table as Grid

from core.cli import All, AsJson, ContractFile, Services, Stack, chosen, invocation
from core.errors import NotMeasured
from core.progress.units import duration, size
from operations.size.edit import difference
from operations.size.measure import measure
from operations.size.rules import SHORT, Proposal, disk_in_half_a_year, proposals


def size_verb(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    catalogue: Annotated[
        Path, typer.Option("--catalogue", metavar="FILE", help="The services.yaml that the diff is for.")
    ] = Path("services.yaml"),
    over: Annotated[
        str, typer.Option("--over", metavar="TIME", help="Of the last 6h, 7d, ... that were measured.")
    ] = "7d",
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what the catalogue should give services, from what was measured. Changes nothing.

    Standard output is a diff of services.yaml, for `git apply`; the reasons go to standard error.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything or not services)
    prometheus = None if agreed.monitoring is None else agreed.monitoring.prometheus
    if prometheus is None:
        raise NotMeasured(
            "the stack has no Prometheus that could say what was measured: set `monitoring: {}` in its "
            "settings, then `pulumi up`, and let it look on for a day"
        )
    try:
        text = catalogue.read_text(encoding="utf-8")
    except OSError as error:
        raise NotMeasured(f"{catalogue} cannot be read ({error.strerror}); name it by --catalogue") from None
    found: dict[str, Any] = {}
    all_of: list[Proposal] = []
    grid = Grid("service", "value", "now", "should be", "why")
    for service in wanted:
        measured = measure(service, prometheus, over)
        proposed = proposals(measured)
        all_of += proposed
        disk = disk_in_half_a_year(measured)
        found[service.name] = {
            "measured": asdict(measured),
            "proposals": [asdict(one) for one in proposed],
            "disk_in_half_a_year": disk,
        }
        for one in proposed:
            grid.add_row(one.service, ".".join(one.path), one.now, one.proposed, one.reason)
        grid.add_row(
            service.name,
            "disk in half a year",
            size(measured.bytes),
            size(disk),
            f"grows {size(round(max(0.0, measured.growth_per_second or 0.0) * 86_400))} a day",
        )
        if measured.seconds < SHORT:
            here.err.print(
                f"{service.name} was watched for {duration(measured.seconds)} only; a day has a peak, and a "
                "month-end another",
                markup=False,
            )
    try:
        told = difference(text, all_of, catalogue.name)
    except ValueError as error:
        raise NotMeasured(f"{catalogue}: {error}; name the stack's catalogue by --catalogue") from None
    if as_json:
        here.show_json({"services": found, "diff": told})
        return
    here.err.print(grid)
    here.out.print(told, markup=False, end="", soft_wrap=True)
