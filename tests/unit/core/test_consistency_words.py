"""Whole numbers in words of 64: exactly what one side has and the other has not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import MigrationError
from core.references.words import BITS, close_together, missing_words, numbers, words

pytestmark = pytest.mark.unit

BIGINTS = st.integers(-(2**63), 2**63 - 1) | st.integers(-200, 200)
SETS = st.sets(BIGINTS)


def lines(values: Iterable[int], size: int) -> Iterator[list[bytes]]:
    """As a server sends them: `word<TAB>bits`, the bits a signed bigint, in blocks."""
    held: dict[int, int] = {}
    for value in values:
        held[value >> 6] = held.get(value >> 6, 0) | 1 << (value & 63)
    sent = [b"%d\t%d" % (word, (bits ^ 1 << 63) - (1 << 63)) for word, bits in sorted(held.items())]
    for begin in range(0, len(sent), size):
        yield sent[begin : begin + size]


@given(SETS, SETS, st.integers(1, 5), st.integers(1, 5))
def test_what_the_other_side_has_not_is_found_in_order(
    here: set[int], there: set[int], a: int, b: int
) -> None:
    missing = missing_words(words(lines(here, a)), words(lines(there, b)))
    found = [number for word in missing for number in numbers(word)]
    assert found == sorted(here - there)


@given(SETS)
def test_no_number_is_lost_in_a_word(values: set[int]) -> None:
    assert [n for word in words(lines(values, 3)) for n in numbers(word)] == sorted(values)


@pytest.mark.parametrize("sent", [[b"2\t1", b"1\t1"], [b"1\t1", b"1\t2"]])
def test_words_that_do_not_ascend_are_an_error_and_no_orphan(sent: list[bytes]) -> None:
    with pytest.raises(MigrationError, match="ascending"):
        list(words([sent]))


def test_words_are_used_where_they_are_shorter_than_lines() -> None:
    assert close_together(200_000, 1, 200_000)
    assert close_together(BITS, 0, 8 * BITS - 1)
    assert not close_together(BITS, 0, 8 * BITS)
    assert not close_together(200_000, 1, 2**62)
    assert not close_together(0, None, None), "an empty table"
    assert not close_together(-1, 1, 2), "nobody has counted the rows yet"
