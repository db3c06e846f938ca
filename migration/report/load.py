"""What samples come to: transactions a second and what each took, before, during and after a move. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from migration.sampling.kept import Counters, Sample, Statements

POINTS = 240
"""Of one plot at most."""


@dataclass(frozen=True)
class Point:
    """A stretch between two looks."""

    at: float
    """Its middle, in seconds since 1970."""
    seconds: float
    per_second: float
    milliseconds: float | None
    """Each took on average; None: there was none."""

    def as_json(self) -> list[float | None]:
        """When, a second, milliseconds."""
        took = None if self.milliseconds is None else round(self.milliseconds, 3)
        return [round(self.at, 1), round(self.per_second, 2), took]


@dataclass(frozen=True)
class Stretch:
    """Averages over some time."""

    seconds: float
    per_second: float
    milliseconds: float | None
    longest_gap: float = 0.0
    """Seconds without a look."""

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {key: None if value is None else round(value, 3) for key, value in vars(self).items()}


@dataclass(frozen=True)
class Load:
    """Of one service through its gateway, or of one database's statements."""

    points: tuple[Point, ...]
    before: Stretch | None = None
    during: Stretch | None = None
    after: Stretch | None = None

    @property
    def stretches(self) -> tuple[tuple[str, Stretch], ...]:
        """Those that are known."""
        named = (("before", self.before), ("during", self.during), ("after", self.after))
        return tuple((name, one) for name, one in named if one is not None)

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            **{name: one.as_json() for name, one in self.stretches},
            "points": [one.as_json() for one in self.points],
        }


def load_of(samples: Sequence[Sample], service: str, began: float | None, ended: float | None) -> Load | None:
    """A service's transactions through its gateway; `began`, `ended`: its move's. None: not sampled."""
    seen = [(one.at, one.gateways[service]) for one in samples if service in one.gateways]

    def grown(one: Counters, other: Counters) -> tuple[float, float]:
        return other.transactions - one.transactions, (other.transaction_us - one.transaction_us) / 1000

    found = _load(seen, grown, began, ended)
    if found is None or found.before is not None:
        return found
    recent = next((one.recent[service] for one in samples if service in one.recent), None)
    if recent is None or began is None or seen[0][0] > began + 60:
        return found
    return Load(
        found.points, Stretch(60.0, recent.transactions, recent.milliseconds), found.during, found.after
    )


def statements_of(samples: Sequence[Sample], service: str | None, ended: float | None = None) -> Load | None:
    """The statements that a service's own database (None: the shared one) was sent, by pg_stat_statements."""
    found = [(one.at, one.shared if service is None else one.own.get(service)) for one in samples]
    seen = [(at, one) for at, one in found if one is not None]

    def grown(one: Statements, other: Statements) -> tuple[float, float]:
        return other.calls - one.calls, other.milliseconds - one.milliseconds

    return _load(seen, grown, None, ended)


def _load(
    seen: Sequence[tuple[float, Any]],
    grown: Callable[[Any, Any], tuple[float, float]],
    began: float | None,
    ended: float | None,
) -> Load | None:
    points = list(_points(seen, grown))
    if not points:
        return None
    start, end = began or float("-inf"), ended or float("inf")
    return Load(
        tuple(_points(_thinned(seen), grown)),
        _stretch([one for one in points if one.at < start]),
        _stretch([one for one in points if start <= one.at <= end]),
        _stretch([one for one in points if one.at > end]),
    )


def _thinned(seen: Sequence[tuple[float, Any]]) -> list[tuple[float, Any]]:
    """So few that a plot can show them: counters grow, so that what is left out is in the next one."""
    apart = (seen[-1][0] - seen[0][0]) / POINTS
    kept = [seen[0]]
    for one in seen[1:]:
        if one[0] - kept[-1][0] >= apart:
            kept.append(one)
    return kept if kept[-1] is seen[-1] else [*kept, seen[-1]]


def _points(
    seen: Sequence[tuple[float, Any]], grown: Callable[[Any, Any], tuple[float, float]]
) -> Iterator[Point]:
    for (at, one), (later, other) in pairwise(seen):
        events, took = grown(one, other)
        # A server that was started anew counts from 0.
        if later - at > 0.2 and events >= 0 and took >= 0:
            yield Point(
                (at + later) / 2, later - at, events / (later - at), took / events if events else None
            )


def _stretch(points: Sequence[Point]) -> Stretch | None:
    seconds = sum(one.seconds for one in points)
    events = sum(one.per_second * one.seconds for one in points)
    took = sum((one.milliseconds or 0.0) * one.per_second * one.seconds for one in points)
    if seconds < 1.0:
        return None
    return Stretch(
        seconds, events / seconds, took / events if events else None, max(one.seconds for one in points)
    )
