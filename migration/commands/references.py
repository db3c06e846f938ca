"""`references`: the replicas of other services' columns; let go before a disk is full, and brought back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.table import Table as Grid

from components.contract import Contract, Service
from core.cli import AsJson, ContractFile, Invocation, Stack, Yes, invocation
from core.errors import MigrationError, ReplicaBehind
from core.progress.units import size
from core.sessions.stack import choose_services, source_database
from migration.commands.common import DEFAULT_WAL_GIB, WalLimit
from migration.commands.verbs import ask, at_work
from migration.references.lag import Reading, read_readings
from migration.references.refill import refill
from migration.references.stop import Stopped, stop


def references(
    context: typer.Context,
    *,
    drop_over_limit: Annotated[
        bool,
        typer.Option("--drop-over-limit", help="Drop slots over --wal-limit; these replicas are stale then."),
    ] = False,
    refill_services: Annotated[
        list[str] | None,
        typer.Option(
            "--refill", metavar="SERVICE", help="Fill what this service reads anew where it does not follow."
        ),
    ] = None,
    wal_limit: WalLimit = DEFAULT_WAL_GIB,
    stack: Stack = None,
    contract: ContractFile = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Show every replica that a `reference` keeps: who reads whom, its state, its lag, the WAL kept for it.

    Touches nothing unless asked to. Usable on a schedule. With --json: one line. Exit status 0: all follow,
    or are being filled, and keep no more WAL than they may; 35: one does not.
    """
    here = invocation(context, as_json=as_json)
    here.one_line = True
    agreed = here.contract(stack, contract)
    limit = int(wal_limit * 2**30)
    to_fill = choose_services(agreed, refill_services) if refill_services else []
    if drop_over_limit:
        _drop(here, agreed, limit, yes=yes)
    if to_fill:
        _refill(here, agreed, to_fill, yes=yes)
    readings = _read(agreed)
    _show(here, readings, limit)
    _require(readings, limit)


def _read(contract: Contract) -> tuple[Reading, ...]:
    source = source_database(contract)
    with source.connect() as connection, source.translated("reading the references"):
        return read_readings(contract, connection)


def _drop(here: Invocation, contract: Contract, limit: int, *, yes: bool) -> None:
    over = [reading for reading in _read(contract) if reading.is_over(limit)]
    if over:
        names = ", ".join(f"{r.link.name} ({size(r.retained_bytes or 0)})" for r in over)
        ask(
            here,
            yes,
            f"This drops the slots {names}. Those who read these replicas go on with the rows that are there "
            "now, which stay as they are, and get old, until `references --refill`.",
        )
    stopped: list[Stopped] = []
    for reading in over:
        here.interruption.check()
        try:
            with here.interruption.shield():
                one = stop(contract, reading, limit)
        except MigrationError as error:
            # The others' disks must not wait for this one; it is still over its limit below.
            _tell(here, f"the slot {reading.link.name} was not dropped: {error}")
            continue
        stopped += [] if one is None else [one]
    here.show_json({"dropped": [one.as_json() for one in stopped]})
    for one in stopped:
        note = f"; {one.note}" if one.note else ""
        _tell(
            here,
            f"{one.dependent}'s replica of {one.referenced} is stale from now on: its slot was dropped, "
            f"which let go of {size(one.freed_bytes)} of WAL{note}",
        )
    here.interruption.check()


def _refill(here: Invocation, contract: Contract, services: Sequence[Service], *, yes: bool) -> None:
    ask(
        here,
        yes,
        f"This fills those replicas of {', '.join(service.name for service in services)} anew that do not "
        "follow. Who reads them sees what is there now, until all the new rows are there at once.",
    )
    results: list[Mapping[str, Any]] = []
    with at_work(here, contract) as verbs, here.progress() as progress:
        for service in services:
            results += refill(contract, service, verbs.online(progress).runner)
    here.show_json({"refilled": results})
    for one in () if here.as_json else results:
        rows = f", {one['rows']:,} rows, equal" if "rows" in one else ""
        here.out.print(f"{one['dependent']} of {one['referenced']}: {one['note']}{rows}", markup=False)


def _show(here: Invocation, readings: Sequence[Reading], limit: int) -> None:
    if here.as_json:
        listed = [
            {"dependent": one.link.dependent, **one.as_json(), "over_limit": one.is_over(limit)}
            for one in readings
        ]
        here.show_json({"wal_limit_bytes": limit, "replicas": listed})
        return
    grid = Grid("replica in", "of", "followed in", "columns", "state", "lag", "WAL kept")
    for one in readings:
        columns = "; ".join(f"{table} ({', '.join(names)})" for table, names in one.link.tables)
        where = "its own" if one.link.publisher == "own" else "the shared"
        kept = "" if one.retained_bytes is None else size(one.retained_bytes)
        grid.add_row(one.link.dependent, one.link.referenced, where, columns, one.state, one.behind(), kept)
    here.out.print(grid)
    for one in readings:
        for said in one.problems(limit):
            _tell(here, f"{one.link.dependent}, replica of {one.link.referenced}: {said}")


def _tell(here: Invocation, line: str) -> None:
    # A line stays one where a program reads it.
    here.err.print(line, markup=False, soft_wrap=not here.err.is_terminal)


def _require(readings: Sequence[Reading], limit: int) -> None:
    bad = [(one, said) for one in readings for said in one.problems(limit)[:1]]
    if not bad:
        return
    (first, said), more = bad[0], f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
    raise ReplicaBehind(f"{first.link.dependent}'s replica of {first.link.referenced}: {said}{more}")
