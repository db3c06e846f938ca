"""`load`: what a service really does, recorded, replayed, and held against the shared database."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table as Grid

from components.contract import Contract, Service
from core.cli import AsJson, ContractFile, Invocation, Stack, Yes, chosen, finite, invocation
from core.errors import LoadRefused, UnknownService
from core.performance import MOST_LOSS, Measured, folder_of, keep_measured
from core.sessions.connections import Database
from core.sessions.stack import source_database
from operations.audit.command import log_folder, since_when
from operations.audit.read import Entry, entries, entries_of
from operations.load import limit, places
from operations.load.compare import compare as compare_sides
from operations.load.play import Played, play
from operations.load.record import read_ran
from operations.load.record import record as record_from
from operations.load.resources import costing
from operations.load.stretch import Stretch, Unit, read, write
from servers.paths import make_passable

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="What a service really does: recorded, replayed, compared.",
)
Wanted = Annotated[str, typer.Argument(metavar="SERVICE", help="By its name in the catalogue.")]
LoadFile = Annotated[
    Path | None, typer.Option("--load", metavar="FILE", help="What `load record` kept; default: the last.")
]
Clients = Annotated[int, typer.Option("--clients", min=1, max=500, help="Sessions that send it.")]
Length = Annotated[
    float, typer.Option("--seconds", min=0.5, max=86_400, callback=finite, help="How long each play lasts.")
]
Rate = Annotated[
    float | None,
    typer.Option(
        "--rate", min=0.01, metavar="UNITS/S", callback=finite,
        help="Transactions a second; default: each client sends as soon as it is answered.",
    ),
]  # fmt: skip


@app.callback()
def _load() -> None:
    """What a service really does: recorded, replayed, compared."""


@app.command("record")
def record(
    context: typer.Context,
    service: Wanted,
    *,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="30min, 12h, 2d ago, or a time (ISO 8601, UTC).")
    ] = "1d",
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="FILE", help="The shared database's log; default: its own instance's."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where it is kept.")] = None,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a load of what a service's applications sent, by the log with its values.

    Weighed by pg_stat_statements, where that answers. The file holds customers' values: only its owner may
    read it.
    """
    here = invocation(context, as_json=as_json)
    agreed, wanted = _service(here, stack, contract, service)
    try:
        begin = since_when(since, datetime.now(UTC))
    except ValueError:
        raise typer.BadParameter(
            f"{since} is no time: 30min, 12h, 2d, or 2026-01-31T12:00", param_hint="--since"
        ) from None
    found: Iterable[Entry]
    if log is None:
        roles = acting = {wanted.service.name, wanted.login.name}
        found, counted = entries(log_folder(wanted), begin), _own(wanted)
    else:
        if wanted.shared is None:
            raise LoadRefused(
                f"{wanted.name} has no login of its own on the shared database (`source.logins: common`), so "
                "its log does not say whose a statement is: record it on its own instance"
            )
        roles = {wanted.shared.name, *wanted.shared_logins}
        # The logins of all services act as the common role there, and that is what is counted.
        acting = {*roles, agreed.source.application.name}
        found, counted = entries_of(log, begin), source_database(agreed)
    ran = read_ran(counted, acting)
    stretch = record_from(wanted.name, found, roles, ran, of_all=log is not None)
    file = out or _kept(agreed, wanted)
    if out is None:
        make_passable(file.parent)
    write(stretch, file)
    if as_json:
        here.show_json({**stretch.facts(), "file": str(file)})
        return
    _show_stretch(here, stretch)
    here.out.print(f"kept: {file} (it holds customers' values)", markup=False, soft_wrap=True)


@app.command("run")
def run(
    context: typer.Context,
    service: Wanted,
    *,
    load: LoadFile = None,
    rate: Rate = None,
    rising: Annotated[
        bool, typer.Option("--rising", help="At rising rates, from --rate on, up to its limit.")
    ] = False,
    restored: Annotated[
        bool, typer.Option("--restored", help="On the instance restored beside it, writes and all.")
    ] = False,
    clients: Clients = 4,
    seconds: Length = 10.0,
    yes: Yes = False,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Replay a load against a service's own instance: what reads, in transactions that may not write.

    With --rising, or without --rate, it takes all that the machine has: while applications are at work there,
    it asks first.
    """
    here = invocation(context, as_json=as_json)
    agreed, wanted = _service(here, stack, contract, service)
    stretch = _read(agreed, wanted, load)
    place = places.restored(wanted) if restored else places.own(wanted)
    units = stretch.units if place.may_write else stretch.reading
    if not place.may_write and (rising or rate is None):
        _ask(here, yes, f"This takes all that {place.database.label} has, for its applications to notice.")
    check = here.interruption.check
    if rising:
        found = limit.rising(
            place,
            units,
            clients=clients,
            seconds=seconds,
            first_rate=rate or 10.0,
            check=check,
            say=here.warn,
        )
        if as_json:
            here.show_json(_facts(stretch, units) | {"place": place.name} | found.as_json())
        else:
            _show_limit(here, found)
        return
    played, cost = costing(
        place, lambda: play(place, units, clients=clients, seconds=seconds, rate=rate, check=check)
    )
    if as_json:
        here.show_json(_facts(stretch, units) | {"place": place.name, **played.as_json(), **cost.as_json()})
        return
    grid = _grid(place.name)
    _add(grid, played, f"{cost.busy:.0%} of the machine")
    here.out.print(grid)


@app.command("compare")
def compare(
    context: typer.Context,
    service: Wanted,
    *,
    load: LoadFile = None,
    rate: Rate = None,
    clients: Clients = 2,
    seconds: Length = 10.0,
    rounds: Annotated[int, typer.Option("--rounds", min=1, max=100, help="On each side, by turns.")] = 5,
    yes: Yes = False,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Hold the shared database against a service's own with the same load, which only reads, by turns.

    The service has to follow, or to be moved. What comes out is kept for the gate `performance`.
    """
    here = invocation(context, as_json=as_json)
    agreed, wanted = _service(here, stack, contract, service)
    stretch = _read(agreed, wanted, load)
    if rate is None:
        _ask(
            here,
            yes,
            f"{clients} clients ask the shared database as fast as it answers, for others to notice.",
        )
    found = compare_sides(
        places.shared(agreed, wanted), places.own(wanted), stretch.reading, clients=clients, seconds=seconds,
        rounds=rounds, rate=rate, check=here.interruption.check, say=here.warn,
    )  # fmt: skip
    last = found.rounds[-1]
    keep_measured(
        agreed,
        wanted.name,
        Measured(time.time(), found.loss, found.spread, last.shared.throughput, last.own.throughput, clients),
    )
    if as_json:
        here.show_json(
            _facts(stretch, stretch.reading) | found.as_json() | {"within": found.loss < MOST_LOSS}
        )
        return
    grid = _grid("side")
    for one in found.rounds:
        _add(grid, one.shared, "shared")
        _add(grid, one.own, f"own, loss {one.loss:.1%}")
    here.out.print(grid)
    here.out.print(
        f"{wanted.name}: {found.loss:.1%} of its throughput is lost (rounds {found.spread:.1%} apart), "
        f"{MOST_LOSS:.0%} may be",
        markup=False,
    )


def _service(here: Invocation, stack: str | None, file: Path | None, name: str) -> tuple[Contract, Service]:
    agreed = here.contract(stack, file)
    (wanted,) = chosen(agreed, [name], everything=False)
    return agreed, wanted


def _read(agreed: Contract, service: Service, file: Path | None) -> Stretch:
    stretch = read(file or _kept(agreed, service))
    if stretch.service != service.name:
        raise UnknownService(f"what was recorded is {stretch.service}'s, not {service.name}'s")
    return stretch


def _kept(agreed: Contract, service: Service) -> Path:
    return folder_of(agreed) / f"{service.name}.jsonl"


def _own(service: Service) -> Database:
    return Database(
        f"{service.name}'s own database", "target", service.instance, service.monitoring, plain=True
    )


def _ask(here: Invocation, yes: bool, what: str) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise LoadRefused(f"{what} Pass --yes, or a --rate that they bear")
    here.err.print(what, markup=False, soft_wrap=True)
    typer.confirm("Go on?", abort=True, err=True)


def _facts(stretch: Stretch, units: tuple[Unit, ...]) -> dict[str, Any]:
    return {
        "service": stretch.service,
        "units": len(units),
        "left_out_units": len(stretch.units) - len(units),
    }


def _show_stretch(here: Invocation, stretch: Stretch) -> None:
    facts = stretch.facts()
    rate = "" if stretch.rate is None else f", {stretch.rate:.1f} a second"
    here.out.print(
        f"{stretch.service}: {facts['units']:,} transactions ({facts['reading']:,} only read){rate}, "
        f"{facts['statements']:,} statements",
        markup=False,
    )
    for why, count in stretch.left_out.items():
        here.err.print(f"left out: {count:,}, {why}", markup=False, soft_wrap=True)
    if stretch.covered is None:
        here.err.print("how much of all that is, pg_stat_statements does not say there", markup=False)
    else:
        here.out.print(f"{stretch.covered:.1%} of the calls that pg_stat_statements counted", markup=False)
        for text in stretch.missing:
            here.err.print(f"without an example in the log: {text}", markup=False, soft_wrap=True)


def _show_limit(here: Invocation, found: limit.Limit) -> None:
    grid = _grid("rate")
    for stage in found.stages:
        _add(grid, stage.played, stage.beyond or f"kept up, {stage.cost.busy:.0%} of the machine")
    _add(grid, found.reached, "as fast as answers came")
    here.out.print(grid)
    highest = "none" if found.highest is None else f"{found.highest:.0f} a second"
    foretold = "" if found.forecast is None else f"; the first rate foretold {found.forecast:.0f}"
    here.out.print(f"the highest rate that was kept up: {highest}{foretold}", markup=False)


def _grid(first: str) -> Grid:
    return Grid(first, "wanted", "a second", "p50", "p95", "p99", "p99.9", "failed")


def _add(grid: Grid, played: Played, what: str) -> None:
    parts = [played.percentile(part) for part in (50.0, 95.0, 99.0, 99.9)]
    shown = ["" if one is None else f"{one * 1000:.1f} ms" for one in parts]
    failed = ", ".join(f"{count} by {code}" for code, count in played.errors.items())
    wanted = "" if played.rate is None else f"{played.rate:g}"
    grid.add_row(what, wanted, f"{played.throughput:.0f}", *shown, failed)
