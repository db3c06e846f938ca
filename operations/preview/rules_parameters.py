"""What changed parameters mean: PostgreSQL's own table says when each comes into force. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.tuning.parameters import known_parameters
from operations.preview.meaning import Effect, Meaning
from operations.preview.steps import Change, differences
from operations.preview.waits import restart

_SHOWN = 6


def changed_parameters(service: str | None, change: Change, version: int, platform: str) -> list[Meaning]:
    """At most two: what needs a restart, and what a reload brings into force."""
    by_restart: list[Change] = []
    by_reload: list[Change] = []
    for one in differences(change.before or {}, change.after or {}):
        (by_restart if _context(one.name, version) == "postmaster" else by_reload).append(one)
    found = []
    if by_restart:
        found.append(Meaning(service, Effect.RESTART, listed(by_restart), restart(platform)))
    if by_reload:
        sessions = all(_context(one.name, version) in ("user", "superuser") for one in by_reload)
        means = "for new transactions" if sessions else "nobody waits"
        found.append(Meaning(service, Effect.RELOAD, listed(by_reload), means))
    return found


def listed(changes: list[Change]) -> str:
    """`name` before → after, some of them."""
    shown = [f"`{one.name}` {_value(one.before)} → {_value(one.after)}" for one in changes[:_SHOWN]]
    more = [f"and {len(changes) - _SHOWN} more"] if len(changes) > _SHOWN else []
    return ", ".join([*shown, *more])


def _context(name: str, version: int) -> str:
    # What the table lacks belongs to a library that is loaded at the start; its settings are for sessions.
    limits: Mapping[str, Any] = known_parameters(version).get(name, {})
    return str(limits.get("context", "superuser"))


def _value(value: Any) -> str:
    return "(default)" if value is None else f"{value}"
