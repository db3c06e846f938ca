"""What `queries --watch-transactions` shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table as Grid
from rich.text import Text

from migration.commands.common import finite
from migration.plan_view import size
from migration.transactions import CrossingTransactions, Watched

WatchTransactions = Annotated[
    float | None,
    typer.Option(
        "--watch-transactions", metavar="SECONDS", min=1, max=86_400, callback=finite,
        help="Decode the shared server's WAL for so long, and find transactions that write to two services.",
    ),
]  # fmt: skip
WatchWal = Annotated[
    float,
    typer.Option(
        "--watch-wal", metavar="GIB", min=0.001, max=1024, callback=finite,
        help="End the watch after so much WAL, GiB.",
    ),
]  # fmt: skip
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
            ", ".join(pair.services), f"{pair.transactions:,}", Text("\n".join(pair.examples)),
            Text(pair.reason or "not allowed", style="" if pair.reason else "red"),
        )  # fmt: skip
    return grid


def summary(watched: Watched, pairs: Sequence[CrossingTransactions]) -> str:
    """One line: how many, of how many, in how much."""
    over = "; the WAL's limit ended it" if watched.ended == "wal" else ""
    return (
        f"{len(pairs)} pairs of services are written to by one transaction, of {watched.transactions:,} in"
        f" {watched.seconds:,.0f} s and {size(watched.wal_bytes)} of WAL{over}. The WAL does not say"
        " which role or application it was, nor what was only read or rolled back."
    )
