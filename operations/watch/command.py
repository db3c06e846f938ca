"""`watch`: all services on one screen."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer
from rich.live import Live

from core.cli import AsJson, ContractFile, Services, Stack, chosen, finite, invocation
from core.errors import Interrupted
from operations.watch.look import Picture, Watch
from operations.watch.rates import rates
from operations.watch.screen import screen

FIRST_SECONDS = 1.0
"""Between the two looks of `--once`: rates need two."""


def watch(
    context: typer.Context,
    *,
    services: Services = None,
    once: Annotated[bool, typer.Option("--once", help="Show it once, after a second, and end.")] = False,
    interval: Annotated[
        float, typer.Option("--interval", min=0.2, callback=finite, help="Seconds between looks.")
    ] = 2.0,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Show all services on one screen until Ctrl-C.

    Columns: at (where its gateway leads), conn(ections), transactions a second, ms (of one, on average),
    p95 and p99 (milliseconds of a statement in its own database, estimated by pg_stat_statements), wait (of
    the client that waits longest), hit (in the cache), lock (waits), disk (used), WAL (kept by the worst
    slot), bak (age of its backup), state of its move. With --json: one JSON object a line.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=not services)
    with contextlib.closing(Watch(agreed, tuple(wanted))) as watching:
        if once:
            before = watching.look()
            time.sleep(FIRST_SECONDS)
            now = watching.look()
            if as_json:
                here.show_json(_document(before, now))
            else:
                here.out.print(screen(now, rates(before, now), min(here.out.width, 80)))
            return
        # Ctrl-C is how one stops looking.
        with contextlib.suppress(Interrupted):
            if as_json or not here.out.is_terminal:
                for before_, now in _pictures(watching, interval):
                    if as_json:
                        sys.stdout.write(json.dumps(_document(before_, now), default=str) + "\n")
                        sys.stdout.flush()
                    else:
                        here.out.print(screen(now, rates(before_, now), 80))
                    here.interruption.check()
            with Live(console=here.out, auto_refresh=False, screen=True) as live:
                for before_, now in _pictures(watching, interval):
                    with here.interruption.shield():
                        live.update(screen(now, rates(before_, now), here.out.width), refresh=True)
                    here.interruption.check()


def _pictures(watching: Watch, interval: float) -> Iterator[tuple[Picture | None, Picture]]:
    before: Picture | None = None
    while True:
        now = watching.look()
        yield before, now
        before = now
        time.sleep(interval)


def _document(before: Picture | None, now: Picture) -> dict[str, object]:
    document = now.as_json()
    for name, rate in rates(before, now).items():
        document["services"][name]["per_second"] = rate.transactions
        document["services"][name]["milliseconds"] = rate.milliseconds
        document["services"][name]["cache"] = rate.cache
        document["services"][name]["percentiles_ms"] = None if rate.spread is None else asdict(rate.spread)
        del document["services"][name]["statements"]
    return document
