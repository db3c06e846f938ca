"""Quantities of memory as the API has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.platforms.kubernetes.manifests import quantity
from components.platforms.kubernetes.room import kilobytes

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("said", "kb"),
    [
        ("24599368Ki", 24599368),
        ("2Gi", 2 * 1024**2),
        ("1048576", 1024),
        ("2G", 1953125),
        ("", 0),
        ("many", 0),
    ],
)
def test_a_quantity_is_kilobytes(said: str, kb: int) -> None:
    assert kilobytes(said) == kb


@given(st.integers(min_value=1, max_value=10**12))
def test_what_the_stack_asks_for_is_read_back_as_it_was(kb: int) -> None:
    assert kilobytes(quantity(kb)) == kb
