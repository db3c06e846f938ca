"""Gates: no transaction of the applications writes to the service and to another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from migration.gates.model import Gate, judged
from migration.gates.scene import Check, Scene, check
from migration.plan.make import make_plan
from migration.traffic.transactions import Watched, of_service
from migration.traffic.watch import note_watched, read_watched, watch_transactions

_NAME = "transactions"


@check(_NAME, "cutover")
def transactions(scene: Scene) -> Iterator[Gate]:
    """By the last watch, or by a new one where the limits say how long."""
    watched = _watched(scene)
    if watched is None:
        # No no-go: who has none like that should not have to watch to know it.
        yield Gate(
            _NAME,
            "unknown",
            "nobody has watched yet",
            "none",
            "`queries --watch-transactions 600` while the applications work as usual",
        )
        return
    pairs = list(of_service(watched.pairs, scene.name))
    left = [pair for pair in pairs if not pair.reason]
    days = (datetime.now(UTC) - watched.made).days
    figure = (
        f"{sum(pair.transactions for pair in left):,} of {watched.transactions:,} in {watched.seconds:,.0f} s"
        f" until {watched.made:%Y-%m-%d %H:%M} UTC"
    )
    if left:
        other = next(name for name in left[0].services if name != scene.name)
        figure += f", the first with {other}: {', '.join(left[0].examples[:4])}"
    elif pairs:
        figure += f"; {len(pairs)} pairs allowed by services.yaml"
    if not left and days >= scene.limits.watched_days:
        advice = "`queries --watch-transactions 600` sees what they do now"
        yield Gate(_NAME, "unknown", f"{figure}, {days} days ago", "none", advice)
        return
    yield judged(
        _NAME,
        bool(left),
        figure,
        f"`queries {scene.name} --watch-transactions 600` lists them: commit the two writes apart, with an"
        " outbox or a saga between them, or allow the pair in services.yaml; then watch again",
        limit="none",
        overridable=True,
    )


def _watched(scene: Scene) -> Watched | None:
    if not scene.limits.watch_seconds:
        return read_watched(scene.there, scene.contract)
    plan = make_plan(scene.contract, scene.plan.catalog)
    watched = watch_transactions(scene.source, scene.contract, plan, seconds=scene.limits.watch_seconds)
    note_watched(scene.source, watched)
    return watched


TRANSACTIONS: tuple[Check, ...] = (transactions,)
