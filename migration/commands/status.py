"""`status`: where each service is."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table as Grid
from rich.text import Text

from core.cli import All, AsJson, ContractFile, Invocation, Services, Stack, chosen, finite, invocation
from core.errors import Interrupted
from core.progress.tally import percent
from core.progress.units import duration, size
from migration.commands.common import DEFAULT_WAL_GIB, WalLimit
from migration.report.status import ServiceStatus, read_status

_WIDE = 110
"""Narrower terminals see neither sizes nor times."""


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
    interval: Annotated[
        float, typer.Option("--interval", min=0.2, callback=finite, help="Seconds between looks.")
    ] = 2.0,
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
    here.out.print(_grid(found, Rates(), here.out.width))
    for line in _read(found):
        here.out.print(line, markup=False)
    _show_problems(here, found)


class Rates:
    """How quickly copies and followers get on, from one look to the next."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, int]] = {}
        self._per_second: dict[str, float] = {}

    def look(self, found: Sequence[ServiceStatus], now: float) -> None:
        """Take note of how far each one is, at `now` seconds of a steady clock."""
        for one in found:
            to_go = one.bytes_to_go
            if to_go is None:
                self._last.pop(one.service, None)
                self._per_second.pop(one.service, None)
                continue
            if one.service in self._last:
                then, before = self._last[one.service]
                self._per_second[one.service] = (before - to_go) / max(now - then, 1e-3)
            self._last[one.service] = (now, to_go)

    def seconds_left(self, one: ServiceStatus) -> float | None:
        """Until it is copied or has caught up; None when it is not known, or it falls behind."""
        rate = self._per_second.get(one.service, 0.0)
        if one.bytes_to_go is None or rate <= 0:
            return None
        return one.bytes_to_go / rate

    def per_second(self, one: ServiceStatus) -> float:
        """Bytes that came nearer each second; negative for one that falls behind."""
        return self._per_second.get(one.service, 0.0)


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
            with here.interruption.shield():  # half a picture would be drawn a second time
                live.update(_picture(found, rates, here.out.width), refresh=True)
            here.interruption.check()
            time.sleep(interval)


def _line(here: Invocation, one: ServiceStatus, rates: Rates) -> None:
    if here.as_json:
        left = rates.seconds_left(one)
        document = one.as_json() | {"seconds_left": None if left is None else round(left, 1)}
        sys.stdout.write(json.dumps(document) + "\n")
        return
    sys.stdout.write(f"{one.service}: {one.state}, leads to {one.route or '?'}, writes {one.writes}")
    progress = _progress(one, rates)
    reads = "".join(f"; reads {r.link.referenced} ({r.state}), {r.behind()}" for r in one.reads)
    sys.stdout.write(f", {progress}{reads}\n" if progress else f"{reads}\n")


def _show_problems(here: Invocation, found: Sequence[ServiceStatus]) -> None:
    for one in found:
        for problem in one.problems:
            line = f"{one.service}: {problem}"
            here.err.print(line, markup=False, soft_wrap=not here.err.is_terminal)


def _picture(found: Sequence[ServiceStatus], rates: Rates, width: int) -> RenderableType:
    """The table, and below it what is read of others and what is wrong."""
    problems = [f"{one.service}: {problem}" for one in found for problem in one.problems]
    return Group(_grid(found, rates, width), *(Text(line) for line in (*_read(found), *problems)))


def _read(found: Sequence[ServiceStatus]) -> list[str]:
    lines = [
        f"{one.service} reads {reading.link.referenced} ({reading.state}), {reading.behind()}"
        for one in found
        for reading in one.reads
    ]
    return [*lines, *(f"{one.service}: {change}" for one in found for change in one.schema_changes)]


def _grid(found: Sequence[ServiceStatus], rates: Rates, width: int) -> Grid:
    wide = width >= _WIDE
    grid = Grid()
    for heading in ("service", "state", "leads to", "writes", "progress"):
        grid.add_column(heading, no_wrap=heading in {"service", "leads to"})
    for heading in ("in the shared", "in its own") if wide else ():
        grid.add_column(heading, justify="right", no_wrap=True)
    for heading in ("verified", "since") if wide else ("verified",):
        grid.add_column(heading)
    for one in found:
        sizes = ("" if count is None else size(count) for count in (one.source_bytes, one.target_bytes))
        since = "" if one.since is None else f"{one.since:%Y-%m-%d %H:%M:%S}"
        grid.add_row(
            one.service,
            one.state
            + (f" ({one.step})" if one.step else "")
            + (f", together: {', '.join(one.together)}" if one.together else ""),
            one.route or "?",
            one.writes,
            _progress(one, rates),
            *(sizes if wide else ()),
            one.verified or "",
            *((since,) if wide else ()),
        )
    return grid


def _progress(one: ServiceStatus, rates: Rates) -> str:
    """How much is copied, or how far the side that follows is behind; how fast, and for how long yet."""
    parts = []
    left, rate = rates.seconds_left(one), rates.per_second(one)
    if one.copied is not None:
        parts.append(f"{percent(one.copied)} copied")
        if rate > 0:
            parts.append(f"{size(round(rate))}/s")
    elif one.behind is not None:
        parts.append(f"{size(one.behind.bytes)} behind")
        if one.behind.seconds:
            parts.append(f"{one.behind.seconds:.1f} s")
        if not one.behind.active:
            parts.append("nobody connected")
    if left is not None and left >= 1:
        parts.append(f"{duration(left)} left")
    return ", ".join(parts)
