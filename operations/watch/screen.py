"""The screen: a line a service in 80 columns, then what is wrong. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from operations.watch.look import Picture, ServiceLook
from operations.watch.rates import Rate

MOST_LINES = 12
"""Of what is wrong; the rest is counted."""
_UNITS = ((2**40, "T"), (2**30, "G"), (2**20, "M"), (2**10, "k"))
_TIMES = ((86_400, "d"), (3600, "h"), (60, "m"))


def screen(picture: Picture, of: Mapping[str, Rate], width: int) -> RenderableType:
    """All of it, at most `width` columns wide (80 at least are used)."""
    grid = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), width=min(width, 80))
    grid.add_column("service", no_wrap=True, overflow="ellipsis", max_width=13)
    grid.add_column("at", no_wrap=True, max_width=6)
    for heading in ("conn", "tx/s", "ms", "p95", "p99", "wait", "hit", "lock", "disk", "WAL", "bak"):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_column("state", no_wrap=True, overflow="ellipsis", max_width=10)
    for one in picture.services:
        grid.add_row(*_cells(one, of.get(one.service, Rate())))
    lines = list(_wrong(picture))
    more = [Text(f"and {len(lines) - MOST_LINES} more")] if len(lines) > MOST_LINES else []
    return Group(_head(picture, min(width, 80)), grid, *lines[:MOST_LINES], *more)


def _head(picture: Picture, width: int) -> Text:
    left = f"{picture.stack}  {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(picture.at))} UTC"
    if picture.alarms is None:
        right, style = "alarms: nobody watches", "yellow"
    elif picture.alarms:
        right, style = f"{len(picture.alarms)} of {picture.rules} alarms fire", "bold red"
    else:
        right, style = f"none of {picture.rules} alarms fires", "green"
    head = Text(left, style="bold")
    head.append(" " * max(2, width - len(left) - len(right)))
    head.append(right, style=style)
    return head


def _cells(one: ServiceLook, rate: Rate) -> Iterator[Text]:
    figures, row = one.figures, one.instance
    gateway = bool(figures.get("gateway_up"))
    yield Text(one.service, style="" if row and gateway else "bold red")
    yield Text(one.leads_to or "?", style="" if gateway else "bold red")
    if row:
        full = row["connections"] > 0.9 * row["max_connections"]
        yield Text(f"{row['connections']}/{row['max_connections']}", style="bold red" if full else "")
    else:
        yield Text("down", style="bold red")
    yield Text("" if rate.transactions is None else f"{rate.transactions:.0f}")
    yield Text("" if rate.milliseconds is None else f"{rate.milliseconds:.3g}")
    yield Text("" if rate.spread is None else short(rate.spread.p95))
    yield Text("" if rate.spread is None else short(rate.spread.p99))
    yield _waited(figures, gateway=gateway)
    yield Text(
        "" if rate.cache is None else f"{rate.cache:.0%}",
        style="yellow" if rate.cache is not None and rate.cache < 0.9 else "",
    )
    locks = row.get("locks")
    yield Text("" if locks is None else str(locks), style="yellow" if locks else "")
    yield _disk(figures)
    yield Text(size(row["kept_bytes"]) if row else "")
    yield _backup(figures)
    yield Text(one.state or "")


def _waited(figures: Mapping[str, float], *, gateway: bool) -> Text:
    if not gateway:
        return Text("down", style="bold red")
    if figures.get("gateway_paused"):
        return Text("pause", style="bold red")
    waits = figures.get("gateway_longest_wait_seconds", 0.0)
    return Text(age(waits) if waits >= 1 else "0", style="yellow" if waits >= 1 else "")


def _disk(figures: Mapping[str, float]) -> Text:
    if "disk_free_bytes" not in figures:
        return Text("")
    used = 1 - figures["disk_free_bytes"] / max(figures["disk_size_bytes"], 1)
    return Text(f"{used:.0%}", style="bold red" if used > 0.9 else "")


def _backup(figures: Mapping[str, float]) -> Text:
    if "backup_supervisor_up" not in figures:
        return Text("off")
    if not figures["backup_supervisor_up"]:
        return Text("down", style="bold red")
    old = figures.get("backup_age_seconds")
    style = "" if figures.get("backup_receiver_up") else "bold red"
    return Text("?" if old is None else age(old), style=style)


def _wrong(picture: Picture) -> Iterator[Text]:
    for alarm in picture.alarms or ():
        style = "bold red" if alarm.severity == "critical" else "yellow"
        yield Text(f"{alarm.name}: {alarm.summary}", style=style, overflow="fold")
    for one in picture.services:
        if one.problem is not None:
            yield Text(f"{one.service}: {one.problem}", style="red", overflow="fold")


def size(count: float) -> str:
    """Bytes in at most five columns: 812, 1.2M, 34G."""
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:.2g}{name}" if count < 10 * unit else f"{count / unit:.0f}{name}"
    return f"{count:.0f}"


def short(milliseconds: float) -> str:
    """Milliseconds in at most four columns: 0.4, 12, 930, 2.1s, 40s."""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.2g}s" if milliseconds < 10_000 else f"{milliseconds / 1000:.0f}s"
    return f"{milliseconds:.1f}" if milliseconds < 10 else f"{milliseconds:.0f}"


def age(seconds: float) -> str:
    """Seconds in at most four columns: 12s, 5m, 3h, 20d."""
    for unit, name in _TIMES:
        if seconds >= unit:
            return f"{seconds / unit:.0f}{name}"
    return f"{max(seconds, 0):.0f}s"
