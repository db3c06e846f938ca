"""`queries`: statements of applications that join or write across services, or keep something in sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Grid
from rich.text import Text

from core.cli import AsJson, ContractFile, Services, Stack, chosen, invocation
from core.errors import GateClosed
from core.services_yaml import in_words
from core.sessions.stack import source_database
from migration.catalog.read import read_catalog
from migration.commands.queries_transactions import (
    DEFAULT_WATCH_WAL_GIB,
    WatchTransactions,
    WatchWal,
    require_none,
    summary,
    transactions_grid,
    watch_and_keep,
)
from migration.traffic.logs import read_log
from migration.traffic.queries import CrossingQuery
from migration.traffic.read import read_all, tools
from migration.traffic.session_state import ADVICE, session_uses
from migration.traffic.transactions import CrossingTransactions

_SHOWN = 300
"""Characters of a statement on a terminal; `--json` has all of it."""


def queries(
    context: typer.Context,
    *,
    services: Services = None,
    stack: Stack = None,
    contract: ContractFile = None,
    log: Annotated[
        list[Path] | None,
        typer.Option(
            "--log", metavar="FILE", help="A log of the shared server as well: stderr, csv or json."
        ),
    ] = None,
    watch: WatchTransactions = None,
    watch_wal: WatchWal = DEFAULT_WATCH_WAL_GIB,
    as_json: AsJson = False,
) -> None:
    """List statements that join or write across services, how often they ran and by whom. Touches nothing.

    And those that keep something in their session, which a gateway's pool takes away (docs/applications.md).
    From pg_stat_statements of the shared database, and from logs. With --watch-transactions also which pairs
    of services one transaction writes to, statement by statement; what it saw is kept for the gate. Exit
    status 0: none that a rule of services.yaml does not allow; 27: there are; 130: Ctrl-C cut the watch
    short, and until then there were none.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=not services)
    source = source_database(agreed)
    with source.connect() as connection, source.translated("reading its catalogue"):
        catalog = read_catalog(connection, application=agreed.source.application.name)
        row = connection.execute("SHOW log_line_prefix").fetchone()
    ran, judge = read_all(agreed, catalog, source)
    statements = list(ran.statements)
    for path in log or ():
        statements += read_log(path, source.endpoint.database, row[0] if row else "", tools(agreed))
    found = judge.judge(statements)
    if services:
        names = {service.name for service in wanted}
        found = [query for query in found if names.intersection(query.services)]
    kept = session_uses(statements)
    watched = None
    pairs: list[CrossingTransactions] = []
    if watch is not None:
        watched = watch_and_keep(here, source, agreed, judge.plan, seconds=watch, gib=watch_wal)
        names = {service.name for service in wanted}
        pairs = [pair for pair in watched.pairs if names.intersection(pair.services)]
    if as_json:
        here.show_json(
            {
                "pg_stat_statements": ran.as_json(),
                "statements": len(statements),
                "queries": [query.as_json() for query in found],
                "sessions": [use.as_json() for use in kept],
                "transactions": None
                if watched is None
                else {**watched.as_json(), "pairs": [pair.as_json() for pair in pairs]},
            }
        )
    else:
        if found:
            here.out.print(queries_grid(found))
        since = f" since {ran.since:%Y-%m-%d %H:%M %Z}" if ran.since else ""
        here.out.print(
            f"{len(found)} of {len(statements)} different statements cross services{since}.",
            *(f"Kept in a session by {use}. Instead: {ADVICE[use.kind]}" for use in kept),
            sep="\n",
            markup=False,
        )
        if watched is not None and watch is not None:
            if pairs:
                here.out.print(transactions_grid(pairs))
            here.out.print(summary(watched, pairs, watch), markup=False)
    if ran.advice:
        here.err.print(f"pg_stat_statements cannot be read: {ran.advice}", markup=False)
    if ran.forgotten:
        here.err.print(
            f"pg_stat_statements threw statements away {ran.forgotten} times: raise pg_stat_statements.max",
            markup=False,
        )
    open_ones = [query for query in found if not query.reason]
    if open_ones:
        first = open_ones[0]
        raise GateClosed(
            f"{len(open_ones)} statements cross services, the first: {first.text[:_SHOWN]}"
            f" ({', '.join(first.services)}); change them, or allow them,"
            f" {in_words(f'services: {first.services[0]}: crossing: {first.line}')}"
        )
    if watched is not None and watch is not None:
        require_none(watched, pairs, watch)


def queries_grid(found: list[CrossingQuery]) -> Grid:
    """The statements, for a person."""
    grid = Grid(title="Statements that cross services", title_justify="left")
    for name in ("how", "services", "role"):
        grid.add_column(name)
    for name in ("calls", "total"):
        grid.add_column(name, justify="right")
    for name in ("statement", "allowed because"):
        grid.add_column(name, overflow="fold")
    for query in found:
        text = query.text if len(query.text) <= _SHOWN else query.text[:_SHOWN] + "..."
        if text.startswith(("DO ", "CALL ")):
            text += f"\nnames {', '.join(query.names)}"
        if query.dropped:
            text += f"\nservices.yaml drops: {', '.join(query.dropped)}"
        total = _total(query.milliseconds)
        grid.add_row(
            query.kind,
            ", ".join(query.services),
            query.role or "?",
            f"{query.calls:,}",
            total,
            Text(text),
            Text(query.reason or "not allowed", style="" if query.reason else "red"),
        )
    return grid


def _total(milliseconds: float) -> str:
    """Nothing where it is not known."""
    if not milliseconds:
        return ""
    return f"{milliseconds:,.0f} ms" if milliseconds >= 1 else "< 1 ms"
