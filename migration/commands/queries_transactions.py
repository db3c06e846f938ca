"""`queries --watch-transactions`: the watch, what it shows, and what it is taken for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Annotated

import typer
from rich.table import Table as Grid
from rich.text import Text

from components.contract import Contract
from core.cli import Invocation, finite
from core.errors import GateClosed, Interrupted
from core.progress.units import size
from core.services_yaml import in_words
from core.sessions.connections import Database
from migration.plan.model import Plan
from migration.traffic.transactions import CrossingTransactions, Watched
from migration.traffic.watch import note_watched, watch_transactions

WatchTransactions = Annotated[
    float | None,
    typer.Option(
        "--watch-transactions",
        metavar="SECONDS",
        min=1,
        max=86_400,
        callback=finite,
        help="Decode the shared server's WAL for so long, and find transactions that write to two services.",
    ),
]
WatchWal = Annotated[
    float,
    typer.Option(
        "--watch-wal",
        metavar="GIB",
        min=0.001,
        max=1024,
        callback=finite,
        help="End the watch after so much WAL, GiB.",
    ),
]
DEFAULT_WATCH_WAL_GIB = 1.0


def transactions_grid(pairs: Sequence[CrossingTransactions]) -> Grid:
    """The pairs of services, for a person."""
    grid = Grid(title="Transactions that write to two services", title_justify="left")
    grid.add_column("services")
    grid.add_column("transactions", justify="right")
    for name in ("they write", "allowed because"):
        grid.add_column(name, overflow="fold")
    for pair in pairs:
        grid.add_row(
            ", ".join(pair.services),
            f"{pair.transactions:,}",
            Text("\n".join(pair.examples)),
            Text(pair.reason or "not allowed", style="" if pair.reason else "red"),
        )
    return grid


def watch_and_keep(
    here: Invocation, source: Database, contract: Contract, plan: Plan, *, seconds: float, gib: float
) -> Watched:
    """Watch, and keep what was seen. Once it has begun, Ctrl-C ends the watch instead of the command."""
    with ExitStack() as shielded:

        def begun() -> None:
            shielded.enter_context(here.interruption.shield())
            here.err.print("watching; Ctrl-C ends it and shows what was seen until then", markup=False)

        here.err.print(f"watching the transactions of {source.where} for {seconds:g} s", markup=False)
        watched = watch_transactions(
            source,
            contract,
            plan,
            seconds=seconds,
            wal_bytes=int(gib * 2**30),
            begun=begun,
            stop=here.interruption.stop,
        )
        if watched.ended != "interrupted" or any(not pair.reason for pair in watched.pairs):
            # Two seconds that saw nothing are not to take the place of a day that did.
            note_watched(source, watched)
    return watched


def require_none(watched: Watched, pairs: Sequence[CrossingTransactions], seconds: float) -> None:
    """Raise GateClosed where a pair is not allowed; Interrupted where none is, but the watch was cut short.

    That nothing was found says less then than was asked for.
    """
    open_pairs = [pair for pair in pairs if not pair.reason]
    if open_pairs:
        worst = open_pairs[0]
        raise GateClosed(
            f"{len(open_pairs)} pairs of services are written to by one transaction, the first:"
            f" {', '.join(worst.services)} ({', '.join(worst.examples[:4])}); commit them apart, or allow"
            f" them, {in_words(f'services: {worst.services[0]}: crossing: {worst.line}')}"
        )
    if watched.ended == "interrupted":
        raise Interrupted(
            f"the watch was cut short, after {watched.seconds:,.0f} of {seconds:,.0f} s: what was seen until"
            " then has nothing that no rule allows, and is shown, not kept"
        )


def summary(watched: Watched, pairs: Sequence[CrossingTransactions], seconds: float) -> str:
    """One line: how many, of how many, in how much, of the `seconds` that were asked for."""
    over = {
        "time": "",
        "wal": "; the WAL's limit ended it",
        "interrupted": f", cut short: {seconds:,.0f} s were asked for",
    }[watched.ended]
    return (
        f"{len(pairs)} pairs of services are written to by one transaction, of {watched.transactions:,} in"
        f" {watched.seconds:,.0f} s and {size(watched.wal_bytes)} of WAL{over}. The WAL does not say"
        " which role or application it was, nor what was only read or rolled back."
    )
