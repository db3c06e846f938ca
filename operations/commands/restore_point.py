"""`restore-point`: one instant of all databases, made, listed, checked."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table as Grid

from core.cli import AsJson, ContractFile, Invocation, Stack, finite, invocation
from core.errors import UnknownService
from core.points.create import Around, Limits, Wanted, create_point
from core.points.model import Point
from core.points.store import PointStore
from operations.restore_points.live import check_live
from operations.restore_points.restored import RestoreVerdict, check_restored
from operations.restore_points.where import restored_databases

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="One instant of all databases, to which all can be restored together.",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Up to 63 of a-z, 0-9, '.', '_' and '-'.")]
Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without", metavar="SERVICE", help="Leave out a service whose gateway or instance is down."
    ),
]


@app.command("create")
def create(
    context: typer.Context,
    name: Name,
    *,
    without: Without = None,
    digests: Annotated[
        bool,
        typer.Option(help="Take the digest of every row at that instant, to prove restores with."),
    ] = True,
    reason: Annotated[str, typer.Option("--reason", help="Kept with it.")] = "by hand",
    pause_timeout: Annotated[
        float,
        typer.Option(
            "--pause-timeout",
            min=0.01,
            max=30,
            metavar="SECONDS",
            callback=finite,
            help="How long transactions under way may take to end, while all others wait.",
        ),
    ] = Limits().pause,
    attempts: Annotated[
        int, typer.Option("--attempts", min=1, max=100, help="Pauses to try, if transactions are long.")
    ] = Limits().attempts,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Pause all gateways at once for some tens of milliseconds, and make the point in every database.

    No statement fails; whatever happens, clients go on. Every name is for one instant.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = Wanted(
        name, reason, tuple(without or ()), digests=digests, limits=Limits(pause_timeout, attempts=attempts)
    )
    around = Around(here.interruption.shield, here.interruption.stop, lambda line: _note(here, line))
    point = create_point(agreed, wanted, PointStore(agreed), around)
    if as_json:
        here.show_json(point.model_dump(mode="json"))
    else:
        _show(here, point)
    for place, made in point.places.items():
        for who in made.beside:
            _note(
                here,
                f"{place}: {who} wrote beside the gateways; what it commits later is not in the point",
            )


@app.command("list")
def list_points(
    context: typer.Context,
    *,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Show the restore points there are, the oldest first."""
    here = invocation(context, as_json=as_json)
    points = PointStore(here.contract(stack, contract)).list()
    if as_json:
        here.show_json({"points": [_line(point) for point in points]})
        return
    grid = Grid("restore point", "made (UTC)", "pause", "databases", "digests of", "reason")
    for point in points:
        line = _line(point)
        grid.add_row(
            point.name,
            point.state if point.made is None else f"{point.made:%Y-%m-%d %H:%M:%S}",
            "" if point.pause_ms is None else f"{point.pause_ms:.0f} ms",
            ", ".join(point.places),
            f"{line['rows']:,} rows" if point.digests else "",
            point.reason,
        )
    here.out.print(grid)


@app.command("check")
def check(
    context: typer.Context,
    name: Name,
    *,
    restored: Annotated[
        list[str] | None,
        typer.Option(
            "--restored",
            metavar="SERVICE=HOST:PORT",
            help="A service's database as it was restored to the point; give all that were.",
        ),
    ] = None,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Check a restore point: that the servers still have it, or, with --restored, what was restored to it.

    Restored databases are compared with the digests that were taken live, row by row of every table, and with
    each other: no effect lacks its cause. Exit status 0: as it was; 61: not.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    point = PointStore(agreed).read(name)
    if not restored:
        verdict = check_live(agreed, point)
        if as_json:
            here.show_json(verdict.as_json())
        else:
            grid = Grid("database", "time-line", "LSN", "is")
            for place, (timeline, lsn, said) in verdict.lines.items():
                grid.add_row(place, timeline, lsn, said)
            here.out.print(grid)
        verdict.require()
        return
    databases = restored_databases(agreed, point, restored)
    found = check_restored(
        agreed, point, databases, stop=here.interruption.stop, note=lambda line: _note(here, line)
    )
    if as_json:
        here.show_json(found.as_json())
    else:
        _show_restored(here, found)
    found.require()


def _line(point: Point) -> dict[str, object]:
    kept = point.model_dump(mode="json", exclude={"digests", "references"})
    return {**kept, "rows": sum(digest.rows for digest in point.digests.values())}


def _show(here: Invocation, point: Point) -> None:
    grid = Grid("database", "services", "time-line", "LSN", "rows", "digests")
    for name, place in point.places.items():
        rows = sum(point.digests[service].rows for service in place.services if service in point.digests)
        exact = {None: "none", "yes": "exact", "replication": "exact but for replication", "no": "not exact"}
        grid.add_row(
            name,
            ", ".join(place.services),
            str(place.timeline),
            place.lsn,
            f"{rows:,}" if point.digests else "",
            exact[place.exact],
        )
    here.out.print(grid)
    slowest = max(point.waited_ms, key=lambda name: point.waited_ms[name], default="")
    here.out.print(
        f"{point.name}: clients waited {point.pause_ms:.0f} ms, of which "
        f"{point.waited_ms.get(slowest, 0):.0f} ms for transactions under way at {slowest}; nothing failed",
        markup=False,
    )


def _show_restored(here: Invocation, found: RestoreVerdict) -> None:
    grid = Grid("reference between services", "effects in", "causes in", "values", "without a cause")
    for one in found.references:
        reference = one.reference
        grid.add_row(
            str(reference.key),
            reference.dependent,
            reference.referenced,
            f"{one.keys:,}",
            f"{one.orphan_rows:,}",
        )
    here.out.print(grid)
    for differing in found.differing:
        here.out.print(str(differing), markup=False)
    for service, why in found.not_compared.items():
        here.out.print(f"{service}: rows not compared, {why}", markup=False)
    here.out.print(
        f"{found.rows:,} rows of {', '.join(found.services)} compared by digest: "
        f"{len(found.differing)} tables differ",
        markup=False,
    )


def _note(here: Invocation, line: str) -> None:
    if here.as_json:
        return
    here.err.print(line, markup=False, soft_wrap=True)


__all__ = ["UnknownService", "app"]
