"""Percentiles between two looks, by what pg_stat_statements counted of each statement."""

from __future__ import annotations

import math
import random
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.watch.screen import short
from operations.watch.spread import spread

pytestmark = pytest.mark.unit


def counted(times: list[float]) -> tuple[int, float, float]:
    """As pg_stat_statements keeps them."""
    return len(times), sum(times), pstdev(times) if len(times) > 1 else 0.0


def test_only_what_was_called_in_between_counts() -> None:
    before, after = [500.0] * 50, [2.0] * 100
    found = spread({(1, 1): counted(before)}, {(1, 1): counted(before + after)})
    assert found is not None
    assert (found.p50, found.p95, found.p99) == pytest.approx((2.0, 2.0, 2.0), rel=0.05)


def test_statements_that_differ_are_told_apart() -> None:
    now = {(1, 1): counted([1.0] * 900), (2, 1): counted([50.0] * 80), (3, 1): counted([900.0] * 20)}
    found = spread({}, now)
    assert found is not None
    assert (found.p50, found.p95, found.p99) == pytest.approx((1.0, 50.0, 900.0), rel=0.05)


def test_a_statement_that_differs_from_itself_is_estimated() -> None:
    drawing = random.Random(7)
    times = sorted(math.exp(drawing.gauss(1.0, 0.8)) for _ in range(20_000))
    found = spread({}, {(1, 1): counted(times)})
    assert found is not None
    for part, estimated in ((0.50, found.p50), (0.95, found.p95), (0.99, found.p99)):
        assert estimated == pytest.approx(times[int(part * len(times))], rel=0.15)


def test_nothing_counted_or_called_is_none() -> None:
    one = {(1, 1): (5, 5.0, 0.0)}
    assert spread(None, one) is None
    assert spread(one, None) is None
    assert spread(one, one) is None
    assert spread({(1, 1): (9, 90.0, 1.0)}, one) is None, "it was reset meanwhile"


@given(st.lists(st.floats(0.001, 10_000), min_size=2, max_size=50))
def test_percentiles_are_in_order_and_near_what_was_seen(times: list[float]) -> None:
    found = spread({}, {(1, 1): counted(times)})
    assert found is not None
    assert 0 < found.p50 <= found.p95 <= found.p99
    assert found.p50 <= 2.1 * fmean(times)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0.04, "0.0"), (3.21, "3.2"), (42.4, "42"), (999, "999"), (2100, "2.1s"), (41_000, "41s")],
)  # fmt: skip
def test_milliseconds_are_short(milliseconds: float, text: str) -> None:
    assert short(milliseconds) == text
