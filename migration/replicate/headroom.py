"""Whether following can keep up: the rate of the WAL, against the rate above which it would fall behind.

One apply worker applies, and one sender decodes, each at its own pace and neither in parallel. One that is at
work for a share of the time would be at its limit at that rate divided by the share. So the limit is known
long before it is met: both are looked at many times in a moment (utilization law, U = X * S:
https://en.wikipedia.org/wiki/Operational_analysis). Where it is met already, what is not applied grows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from core.progress.units import size
from core.sessions.queries import queries
from migration.replicate.flow import Flow
from migration.replicate.slots import slot_names

query = queries(__package__)

FIRST_LOOKS = 10
"""Enough to see that a follower has little to do; who has more is looked at longer."""
LOOKS = 150
BETWEEN_SECONDS = 0.005
QUIET_SHARE = 0.2
"""Of the first looks: below this the rest is spared."""


@dataclass(frozen=True)
class Look:
    """One look at both servers."""

    at: float
    """Seconds of a steady clock."""
    written: float
    """Bytes of WAL that the publisher has written since it was made."""
    behind: float
    """Bytes of them that the subscriber has not confirmed."""
    applying: bool | None
    """None: it cannot be seen."""
    decoding: bool | None


@dataclass(frozen=True)
class Headroom:
    """How much of what following can do is used."""

    written: float
    """Bytes of WAL a second, whosever they are: all of them are decoded."""
    applying: float | None
    """Share of the time that the apply worker is at work, 0 to 1; None: it cannot be seen."""
    decoding: float | None
    """The same of the sender."""
    falling_behind: float
    """Bytes a second by which what is not applied grows; negative while it catches up."""

    @property
    def busy(self) -> float | None:
        """The share of the one that has more to do; None where neither can be seen."""
        return max((share for share in (self.applying, self.decoding) if share is not None), default=None)

    @property
    def wall(self) -> float | None:
        """Bytes of WAL a second above which it would fall behind; None where that is not known.

        While it is catching up it applies more than is written, and that counts.
        """
        if not self.busy:
            return None
        return max(self.written - self.falling_behind, 0.0) / self.busy

    def __str__(self) -> str:
        shares = {"applying": self.applying, "decoding": self.decoding}
        seen = [f"{name} {share:.0%} of the time" for name, share in shares.items() if share is not None]
        limit = "" if self.wall is None else f", room for about {size(round(self.wall))}/s"
        return (
            f"{size(round(self.written))}/s of WAL; {', '.join(seen) or 'its workers cannot be seen'}{limit}"
        )


def headroom(looks: Sequence[Look]) -> Headroom:
    """What `looks` say, two or more of them. Pure."""
    first, last = looks[0], looks[-1]
    seconds = max(last.at - first.at, 1e-6)
    return Headroom(
        (last.written - first.written) / seconds,
        _share([one.applying for one in looks]),
        _share([one.decoding for one in looks]),
        (last.behind - first.behind) / seconds,
    )


def look_at(flow: Flow) -> Headroom:
    """Look at a flow that runs for a moment, or for a second where it has much to do.

    Touches nothing. Raises what `Database.translated` does.
    """
    looks = [_look(flow) for _ in range(FIRST_LOOKS)]
    if (headroom(looks).busy or 0.0) > QUIET_SHARE:
        while len(looks) < LOOKS:
            time.sleep(BETWEEN_SECONDS)
            looks.append(_look(flow))
    return headroom(looks)


def _look(flow: Flow) -> Look:
    time.sleep(BETWEEN_SECONDS)
    with flow.subscriber.translated(f"looking at the subscription {flow.name}"):
        applying = flow.at_subscriber.execute(query("applying"), {"subscription": flow.name}).fetchone()
    with flow.publisher.translated(f"looking at the slot {flow.name}"):
        sending = flow.at_publisher.execute(
            query("sending"), {"slots": slot_names(flow.at_publisher, flow.name)}
        ).fetchone()
    written, behind, decoding = sending or (0.0, 0.0, None)
    return Look(time.monotonic(), written, behind, applying[0] if applying else None, decoding)


def _share(seen: Sequence[bool | None]) -> float | None:
    known = [one for one in seen if one is not None]
    return sum(known) / len(known) if known else None
