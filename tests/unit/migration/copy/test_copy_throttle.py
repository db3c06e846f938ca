"""A copy keeps to its rate, and makes way when the source gets slower."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.pacing import LONGEST_REST_SECONDS, SMALLEST_SHARE
from migration.copy.throttle import Governor, RateLimit, Unthrottled

pytestmark = pytest.mark.unit


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(st.floats(0.01, 1), st.integers(0, 30_000_000)), min_size=50, max_size=200))
def test_over_any_stretch_the_rate_is_kept(steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    limit = RateLimit(20e6, clock)
    moved, debt = 0, 0.0
    began = clock.now
    for busy, step in steps:
        clock.now += busy
        moved += step
        rest = limit.rest(step)
        assert 0 <= rest <= LONGEST_REST_SECONDS
        clock.now += rest
        debt = max(debt + step / 20e6 - busy - rest, 0)
    # Whatever has not been rested off yet is still owed.
    assert moved <= (clock.now - began + debt) * 20e6 * 1.001 + 1


def test_what_was_not_used_is_not_saved_up() -> None:
    clock = Clock()
    limit = RateLimit(10e6, clock)
    clock.now += 3600
    assert limit.rest(10_000_000) == pytest.approx(1.0)


def test_without_a_throttle_nobody_rests() -> None:
    assert Unthrottled().rest(10**12) == 0


def test_a_source_as_fast_as_before_is_copied_from_without_rest() -> None:
    clock = Clock()
    governor = Governor(0.002, clock)
    for _ in range(100):
        governor.observe(0.004)
        clock.now += 0.25
        assert governor.rest(1000) == 0


def test_a_source_that_gets_slower_is_spared_until_it_is_itself_again() -> None:
    clock = Clock()
    governor = Governor(0.002, clock)
    for _ in range(40):
        governor.observe(0.080)
    assert governor.share.value == SMALLEST_SHARE
    governor.rest(0)
    clock.now += 0.1
    assert governor.rest(0) == pytest.approx(0.9)
    for _ in range(20):
        governor.observe(0.002)
    assert governor.share.value == pytest.approx(1.0)


def test_one_slow_probe_among_fast_ones_is_no_reason() -> None:
    governor = Governor(0.002, Clock())
    for seconds in [0.002, 0.002, 0.500, 0.002, 0.002, 0.400, 0.002]:
        governor.observe(seconds)
    assert governor.share.value == 1.0


def test_a_very_fast_source_has_some_slack() -> None:
    assert Governor(0.0001, Clock()).allowed == pytest.approx(0.0101)


@given(st.lists(st.floats(0, 10), max_size=200))
def test_the_share_stays_within_its_bounds(probes: list[float]) -> None:
    governor = Governor(0.01, Clock())
    for seconds in probes:
        governor.observe(seconds)
        assert SMALLEST_SHARE <= governor.share.value <= 1
