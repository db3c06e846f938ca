"""`status`: where each service is."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table as Grid

from migration.commands.common import (
    All,
    AsJson,
    ContractFile,
    Invocation,
    Services,
    Stack,
    chosen,
    invocation,
)
from migration.commands.verbs import DEFAULT_WAL_GIB, WalLimit
from migration.errors import Interrupted
from migration.plan_view import size
from migration.progress_tally import duration
from migration.service_status import ServiceStatus, read_status


def status(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    stack: Stack = None,
    contract: ContractFile = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on showing it, with the time left, until Ctrl-C.")
    ] = False,
    interval: Annotated[float, typer.Option("--interval", min=0.2, help="Seconds between looks.")] = 2.0,
    wal_limit: WalLimit = DEFAULT_WAL_GIB,
    as_json: AsJson = False,
) -> None:
    """Show each service's state, route, lag, sizes and last verification. Touches nothing.

    With --watch and --json: one JSON object a line.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything or not services)

    def look() -> list[ServiceStatus]:
        return read_status(agreed, wanted, int(wal_limit * 2**30))

    if watch:
        # Ctrl-C is how one stops looking.
        with contextlib.suppress(Interrupted):
            _watch(here, look, interval)
        return
    found = look()
    if as_json:
        here.show_json({"services": {one.service: one.as_json() for one in found}})
        return
    here.out.print(_grid(found, Rates()))
    _show_problems(here, found)


class Rates:
    """How quickly followers catch up, from one look to the next."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, int]] = {}
        self._per_second: dict[str, float] = {}

    def look(self, found: Sequence[ServiceStatus], now: float) -> None:
        """Take note of how far each one is, at `now` seconds of a steady clock."""
        for one in found:
            if one.behind is None:
                self._last.pop(one.service, None)
                self._per_second.pop(one.service, None)
                continue
            if one.service in self._last:
                then, before = self._last[one.service]
                self._per_second[one.service] = (before - one.behind.bytes) / max(now - then, 1e-3)
            self._last[one.service] = (now, one.behind.bytes)

    def seconds_left(self, one: ServiceStatus) -> float | None:
        """Until it has caught up; None when it is not known, or it falls behind."""
        rate = self._per_second.get(one.service, 0.0)
        if one.behind is None or rate <= 0:
            return None
        return one.behind.bytes / rate


def _watch(here: Invocation, look: Callable[[], list[ServiceStatus]], interval: float) -> None:
    rates = Rates()
    if here.as_json or not here.out.is_terminal:
        while True:
            found = look()
            rates.look(found, time.monotonic())
            for one in found:
                _line(here, one, rates)
            sys.stdout.flush()
            time.sleep(interval)
    with Live(console=here.out, auto_refresh=False) as live:
        while True:
            found = look()
            rates.look(found, time.monotonic())
            live.update(_grid(found, rates), refresh=True)
            time.sleep(interval)


def _line(here: Invocation, one: ServiceStatus, rates: Rates) -> None:
    if here.as_json:
        left = rates.seconds_left(one)
        document = one.as_json() | {"seconds_left": None if left is None else round(left, 1)}
        sys.stdout.write(json.dumps(document) + "\n")
        return
    sys.stdout.write(f"{one.service}: {one.state}, leads to {one.route or '?'}, writes {one.writes}")
    sys.stdout.write(f", {_behind(one, rates)} behind\n" if one.behind else "\n")


def _show_problems(here: Invocation, found: Sequence[ServiceStatus]) -> None:
    for one in found:
        for problem in one.problems:
            here.err.print(f"{one.service}: {problem}", markup=False)


def _grid(found: Sequence[ServiceStatus], rates: Rates) -> Grid:
    grid = Grid(
        "service", "state", "leads to", "writes", "behind", "in the shared", "in its own", "verified", "since"
    )
    for one in found:
        grid.add_row(*_cells(one, rates))
    return grid


def _cells(one: ServiceStatus, rates: Rates) -> tuple[str, ...]:
    return (
        one.service,
        one.state + (f" ({one.step})" if one.step else ""),
        one.route or "?",
        one.writes,
        _behind(one, rates),
        "" if one.source_bytes is None else size(one.source_bytes),
        "" if one.target_bytes is None else size(one.target_bytes),
        one.verified or "",
        "" if one.since is None else f"{one.since:%Y-%m-%d %H:%M:%S}",
    )


def _behind(one: ServiceStatus, rates: Rates) -> str:
    if one.behind is None:
        return ""
    said = size(one.behind.bytes)
    if one.behind.seconds:
        said += f", {one.behind.seconds:.1f} s"
    if not one.behind.active:
        said += ", nobody connected"
    left = rates.seconds_left(one)
    return said if left is None or left < 1 else f"{said}, {duration(left)} left"
