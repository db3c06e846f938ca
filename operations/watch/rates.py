"""What counters did between two looks. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from operations.watch.look import Picture, ServiceLook
from operations.watch.spread import Spread, spread


@dataclass(frozen=True)
class Rate:
    """Of one service, between two looks; None where it is not known."""

    transactions: float | None = None
    """A second, through the gateway where that answers, else as the database counts them."""
    milliseconds: float | None = None
    """A transaction, on average, without its wait for a connection."""
    cache: float | None = None
    """Part of what was read that was in the cache."""
    spread: Spread | None = None
    """How long statements took in its own database."""


def rates(before: Picture | None, now: Picture) -> dict[str, Rate]:
    """By service. Without a picture before there are none but the cache's, over all time."""
    earlier = {one.service: one for one in before.services} if before else {}
    seconds = now.steady - before.steady if before else 0.0
    return {one.service: _rate(earlier.get(one.service), one, seconds) for one in now.services}


def _rate(before: ServiceLook | None, now: ServiceLook, seconds: float) -> Rate:
    hits, reads = _grown(before, now, "hits"), _grown(before, now, "reads")
    if not hits and not reads:
        hits, reads = now.instance.get("hits"), now.instance.get("reads")
    cache = hits / (hits + reads) if hits is not None and reads is not None and hits + reads > 0 else None
    if before is None or seconds <= 0:
        return Rate(cache=cache)
    passed = _counted(before, now, "gateway_transactions_total")
    took = _counted(before, now, "gateway_transaction_seconds_total")
    if passed is None:
        passed = _grown(before, now, "transactions")
    return Rate(
        None if passed is None else passed / seconds,
        took / passed * 1000 if took is not None and passed else None,
        cache,
        spread(before.statements, now.statements),
    )


def _grown(before: ServiceLook | None, now: ServiceLook, name: str) -> float | None:
    if before is None or name not in before.instance or name not in now.instance:
        return None
    grown = now.instance[name] - before.instance[name]
    return grown if grown >= 0 else None  # a server that was started anew counts from 0


def _counted(before: ServiceLook, now: ServiceLook, name: str) -> float | None:
    if name not in before.figures or name not in now.figures:
        return None
    grown = now.figures[name] - before.figures[name]
    return grown if grown >= 0 else None
