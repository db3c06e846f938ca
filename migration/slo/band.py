"""What a service did between looks, and whether that is still as good as it was before. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from components.contract import SloPolicy

LEAST_TRANSACTIONS = 5
"""Of fewer the time says nothing."""
LEAST_COUNTED = 20
"""Of fewer commits and rollbacks the part that failed says nothing."""
SLACK_SECONDS = 0.010
"""That much longer a transaction may always take."""
STANDING_SECONDS = 1.0
"""While nothing goes through and a client waits longer, the service stands still."""


@dataclass(frozen=True)
class Look:
    """One moment. Counters grow from look to look."""

    at: float
    """Seconds of a steady clock."""
    transactions: int
    """That went through the gateway."""
    seconds: float
    """That they took, their waits for a connection included."""
    commits: int
    rollbacks: int
    """Of the database that the gateway leads to."""
    longest_wait: float
    """Seconds that a client of the gateway waits now."""
    business: float | None = None
    """What the team's query says; None: there is none, or it says nothing (NULL)."""
    problem: str | None = None
    """Why the service cannot be looked at as its applications see it."""


@dataclass(frozen=True)
class Figures:
    """Over a time; None where too little happened to say it."""

    rate: float
    """Transactions a second."""
    latency: float | None
    """Seconds of a transaction, on average."""
    errors: float | None
    """Part of the transactions that were rolled back."""
    business: float | None
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return asdict(self)

    def __str__(self) -> str:
        """For a person."""
        parts = [f"{self.rate:.0f} transactions a second"]
        if self.latency is not None:
            parts.append(f"{self.latency * 1000:.1f} ms each")
        if self.errors is not None:
            parts.append(f"{self.errors:.1%} rolled back")
        if self.business is not None:
            parts.append(f"business {self.business:g}")
        return ", ".join(parts)


def figures(looks: Sequence[Look]) -> Figures:
    """From the first look to the last of at least two, in the order of time."""
    first, last = looks[0], looks[-1]
    seconds = max(last.at - first.at, 1e-6)
    passed = last.transactions - first.transactions
    latency: float | None = None
    if passed >= LEAST_TRANSACTIONS:
        latency = (last.seconds - first.seconds) / passed
    elif passed == 0 and last.longest_wait > STANDING_SECONDS:
        latency = last.longest_wait
    committed, rolled_back = last.commits - first.commits, last.rollbacks - first.rollbacks
    counted = committed + rolled_back
    said = [look.business for look in looks[1:] if look.business is not None]
    return Figures(
        rate=max(passed, 0) / seconds,
        latency=latency,
        # A server that was started anew counts from 0.
        errors=rolled_back / counted
        if counted >= LEAST_COUNTED and committed >= 0 and rolled_back >= 0
        else None,
        business=math.fsum(said) / len(said) if said else None,
        problem=next((look.problem for look in reversed(looks) if look.problem is not None), None),
    )


@dataclass(frozen=True)
class Band:
    """What is allowed, by what was before."""

    before: Figures
    policy: SloPolicy

    @property
    def latency(self) -> float | None:
        """Seconds of a transaction at most; None: nothing was measured before."""
        was = self.before.latency
        return None if was is None else max(was * self.policy.latency, was + SLACK_SECONDS)

    @property
    def errors(self) -> float | None:
        """Part of the transactions that may be rolled back."""
        return None if self.before.errors is None else self.before.errors + self.policy.errors

    @property
    def business(self) -> float | None:
        """What the business query has to say at least; None where it said nothing above 0 before."""
        was = self.before.business
        return None if was is None or was <= 0 else was * self.policy.success

    def left(self, now: Figures) -> str | None:
        """Why `now` is out of the band, in one line; None while it is inside, or nothing can be said."""
        found = []
        if now.problem is not None:
            found.append(now.problem)
        if now.latency is not None and self.latency is not None and now.latency > self.latency:
            found.append(
                f"a transaction takes {now.latency * 1000:.0f} ms, {self.latency * 1000:.0f} are allowed "
                f"({(self.before.latency or 0) * 1000:.1f} before)"
            )
        if now.errors is not None and self.errors is not None and now.errors > self.errors:
            found.append(
                f"{now.errors:.1%} of the transactions are rolled back, {self.errors:.1%} are allowed "
                f"({self.before.errors or 0:.1%} before)"
            )
        if self.business is not None and now.problem is None:
            if now.business is None:
                found.append(f"business says nothing, {self.before.business:g} before")
            elif now.business < self.business:
                found.append(
                    f"business is {now.business:g}, at least {self.business:g} is wanted "
                    f"({self.before.business:g} before)"
                )
        return "; ".join(found) or None


@dataclass
class Patience:
    """Whether a service is out of its band for so long, look after look, that it counts."""

    seconds: float
    since: float | None = None
    """When the first of the looks out of the band was."""

    def look(self, at: float, why: str | None) -> bool:
        """Take one look, with why it is out of the band; returns whether it counts."""
        if why is None:
            self.since = None
            return False
        if self.since is None:
            self.since = at
        return at - self.since >= self.seconds
