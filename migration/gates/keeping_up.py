"""Gate: whether the side that follows can go on keeping up with what is written."""

from __future__ import annotations

from collections.abc import Iterator

from core.progress.units import size
from migration.gates.model import Gate, judged
from migration.gates.scene import Check, Scene, check
from migration.replicate.headroom import look_at

BUSY = 0.7
"""Above this share of the time, queues grow long at each burst (1 / (1 - share) times an empty one's)."""


@check("keeping-up", "cutover", "rollback")
def keeping_up(scene: Scene) -> Iterator[Gate]:
    """The worker that applies, and the sender that decodes, have time left at the rate of now."""
    with scene.flow() as flow:
        found = look_at(flow)
    limit = f"{BUSY:.0%} of the time"
    if found.busy is None:
        yield Gate(
            "keeping-up", "unknown", str(found), limit, "let the role see it: GRANT pg_read_all_stats TO it"
        )
        return
    behind = found.busy > BUSY and found.falling_behind > 0
    said = f"{found}; falling behind by {size(round(found.falling_behind))}/s" if behind else str(found)
    yield judged(
        "keeping-up",
        found.busy > BUSY,
        said,
        "above that rate it falls behind, and a switch waits in vain: move at a quieter time, or see "
        "docs/runbooks/cutover.md, 'Falling behind'",
        limit=limit,
        otherwise="warn",
    )


KEEPING_UP: tuple[Check, ...] = (keeping_up,)
