"""Gate: the service's own database answers its load about as fast as the shared one does.

`python -m operations load compare` measures it and keeps the result; this reads the last and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from core.performance import MOST_LOSS, Measured, read_measured
from core.progress.units import duration
from migration.gates.model import Gate, judged
from migration.gates.scene import Check, Scene, check

_NAME = "performance"
OLD_SECONDS = 30 * 86_400.0
"""What was measured longer ago says nothing of today."""


def judge(service: str, found: Measured | None, now: float) -> Gate:
    """More than the limit is a no-go, which may be skipped; what nobody measured stops nothing."""
    limit, advice = f"{MOST_LOSS:.0%} lost", f"python -m operations load compare {service}"
    if found is None:
        return Gate(_NAME, "unknown", "its load was not held against both databases yet", limit, advice)
    figure = (
        f"{found.loss:.1%} lost ({found.shared_per_second:.0f} a second on the shared database, "
        f"{found.own_per_second:.0f} on its own; rounds {found.spread:.1%} apart), "
        f"{duration(max(now - found.at, 0.0))} ago"
    )
    if found.loss >= MOST_LOSS:
        remedy = f"`python -m operations size {service}` says what it lacks; then {advice}"
        return judged(_NAME, True, figure, remedy, limit=limit, overridable=True)
    return judged(_NAME, now - found.at > OLD_SECONDS, figure, advice, limit=limit, otherwise="warn")


@check(_NAME, "cutover", "finish")
def performance(scene: Scene) -> Iterator[Gate]:
    """Less than 5% of the throughput is lost, by the last comparison."""
    yield judge(scene.name, read_measured(scene.contract, scene.name), time.time())


PERFORMANCE: tuple[Check, ...] = (performance,)
