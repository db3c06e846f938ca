"""How long statements took between two looks, as percentiles, by what pg_stat_statements counted. Pure.

It counts calls, times and their spread for each statement, not each call. Of two looks the calls in between
are known exactly, and so are their mean and standard deviation; how they lie around that is taken as
log-normal. So percentiles are estimates: good where statements differ from each other more than each from
itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Counted = Mapping[tuple[int, int], tuple[int, float, float]]
"""By statement and role: calls, milliseconds of all of them, their standard deviation."""

MOST = 200
"""Statements that are looked at; the most frequent."""
_HALVINGS = 30


@dataclass(frozen=True)
class Spread:
    """Milliseconds within which so many percent of the statements were done."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class _Timed:
    calls: int
    mean: float
    deviation: float

    def part_below(self, milliseconds: float) -> float:
        """Part of the calls that took less."""
        if self.deviation <= self.mean * 1e-6:
            return 1.0 if milliseconds >= self.mean else 0.0
        variance = math.log1p((self.deviation / self.mean) ** 2)
        middle = math.log(self.mean) - variance / 2
        return 0.5 * (1 + math.erf((math.log(milliseconds) - middle) / math.sqrt(2 * variance)))


def spread(before: Counted | None, now: Counted | None) -> Spread | None:
    """Of the calls between two looks; None where there were none, or nothing counts."""
    if before is None or now is None:
        return None
    timed = sorted(_timed(before, now), key=lambda one: -one.calls)[:MOST]
    if not timed:
        return None
    return Spread(*(_percentile(timed, part) for part in (0.50, 0.95, 0.99)))


def _timed(before: Counted, now: Counted) -> Iterator[_Timed]:
    for key, (calls, total, deviation) in now.items():
        calls_before, total_before, deviation_before = before.get(key, (0, 0.0, 0.0))
        more = calls - calls_before
        mean = (total - total_before) / more if more > 0 else 0.0
        if mean <= 0:
            continue  # no call, or forgotten meanwhile and counted anew
        squares = _squares(calls, total, deviation) - _squares(calls_before, total_before, deviation_before)
        yield _Timed(more, mean, math.sqrt(max(squares / more - mean**2, 0.0)))


def _squares(calls: int, total: float, deviation: float) -> float:
    """The sum of the squares of all times."""
    return calls * (deviation**2 + (total / calls) ** 2) if calls else 0.0


def _percentile(timed: list[_Timed], part: float) -> float:
    every = sum(one.calls for one in timed)
    low = min(one.mean for one in timed) / 1000
    high = max(one.mean + 50 * one.deviation for one in timed) * 1.001
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        if sum(one.calls * one.part_below(middle) for one in timed) < part * every:
            low = middle
        else:
            high = middle
    return high
