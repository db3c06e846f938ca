"""Looks on after a switch: whether the service does as well on its own database as it did before."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from migration.slo.band import Band, Figures, Look, Patience, figures
from migration.slo.before import EVERY_SECONDS
from migration.slo.look import Eyes


@dataclass(frozen=True)
class Watched:
    """What came of it."""

    band: Band
    now: Figures
    """Over all the time, or over the looks that left the band."""
    seconds: float
    left: str | None
    """Why it left the band; None: it did not."""

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "before": self.band.before.as_json(),
            "after": self.now.as_json(),
            "seconds": round(self.seconds, 1),
            "left": self.left,
        }


def watch_after(
    eyes: Eyes, band: Band, seconds: float, check: Callable[[], None], say: Callable[[str | None], None]
) -> Watched:
    """Look for `seconds`, and no longer than until the service is out of its band for the policy's patience.

    `say` is told why it is out of the band, as long as it is; `check` raises where somebody wants to stop.
    """
    patience = Patience(band.policy.patience)
    begun = time.monotonic()
    looks: list[Look] = [eyes.look()]
    out_from = 0
    while time.monotonic() - begun < seconds:
        check()
        time.sleep(min(EVERY_SECONDS, max(0.05, begun + seconds - time.monotonic())))
        looks.append(eyes.look())
        why = band.left(figures(looks[-2:]))
        say(why)
        if why is None:
            out_from = len(looks) - 1
        if patience.look(looks[-1].at, why):
            now = figures(looks[out_from:])
            return Watched(band, now, time.monotonic() - begun, band.left(now) or why)
    return Watched(band, figures(looks), time.monotonic() - begun, None)
