"""What a service does before it is touched: the middle of its band."""

from __future__ import annotations

import time
from collections.abc import Callable

from core.errors import NotMeasured
from migration.slo.band import Band, Look, figures
from migration.slo.look import Eyes

EVERY_SECONDS = 1.0


def measured(eyes: Eyes, check: Callable[[], None]) -> Band:
    """Look for as long as the policy says; `check` raises where somebody wants to stop.

    Raises NotMeasured where the service cannot be looked at: a band around nothing would never be left.
    """
    policy = eyes.policy
    assert policy is not None  # noqa: S101 (who asks has one)
    looks: list[Look] = [eyes.look()]
    until = time.monotonic() + policy.before
    while time.monotonic() < until or len(looks) < 2:
        check()
        time.sleep(min(EVERY_SECONDS, max(0.05, until - time.monotonic())))
        looks.append(eyes.look())
    found = figures(looks)
    if found.problem is not None:
        raise NotMeasured(
            f"how {eyes.service.name} does cannot be seen: {found.problem}; mend that, or `slo` of "
            f"{eyes.service.name} in services.yaml (then `pulumi up`), and run it again"
        )
    return Band(found, policy)
