"""The memory of builds: a part of what the instance is said to have, whatever somebody has set there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.schema.create import LEAST_MEMORY_KILOBYTES, MOST_MEMORY_KILOBYTES, memory_kilobytes

pytestmark = pytest.mark.unit


@given(st.none() | st.integers(0, 2**31), st.integers(-1, 200))
def test_it_stays_within_its_bounds(cache: int | None, workers: int) -> None:
    assert LEAST_MEMORY_KILOBYTES <= memory_kilobytes(cache, workers) <= MOST_MEMORY_KILOBYTES


@given(st.integers(2**21, 2**23), st.integers(1, 8))
def test_all_builds_together_have_a_quarter_of_the_cache_at_most(cache: int, workers: int) -> None:
    assert memory_kilobytes(cache, workers) * workers <= cache // 4


def test_the_wallets_builds_have_192_megabytes_each() -> None:
    assert memory_kilobytes(1_572_864, 2) == 196_608
