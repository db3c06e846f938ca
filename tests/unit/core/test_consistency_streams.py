"""Merging sorted streams of key values: exactly what one has and the other has not, however blocks fall."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import MigrationError
from core.references.streams import fields, missing, ranker

pytestmark = pytest.mark.unit

NUMBERS = st.lists(st.integers(-200, 200), unique=True).map(sorted)
SIZES = st.integers(1, 7)


def cut(lines: Sequence[bytes], size: int) -> Iterator[list[bytes]]:
    for begin in range(0, len(lines), size):
        yield list(lines[begin : begin + size])


def flat(found: Iterator[list[bytes]]) -> list[bytes]:
    return [line for block in found for line in block]


@given(NUMBERS, NUMBERS, SIZES, SIZES)
def test_numbers_are_ordered_as_numbers(here: list[int], there: list[int], a: int, b: int) -> None:
    ours = [str(n).encode() for n in here]
    theirs = [str(n).encode() for n in there]
    found = flat(missing(cut(ours, a), cut(theirs, b), ranker([True])))
    assert found == [line for line in ours if line not in set(theirs)]


@given(st.lists(st.binary(max_size=3)), st.lists(st.binary(max_size=3)), SIZES, SIZES)
def test_texts_are_ordered_by_their_bytes_not_by_their_escapes(
    here: list[bytes], there: list[bytes], a: int, b: int
) -> None:
    ours = [escaped(text) for text in sorted(set(here))]
    theirs = [escaped(text) for text in sorted(set(there))]
    found = flat(missing(cut(ours, a), cut(theirs, b), ranker([False])))
    assert [fields(line)[0] for line in found] == sorted(set(here) - set(there))


@given(
    st.sets(st.tuples(st.binary(max_size=2), st.integers(-9, 9))),
    st.sets(st.tuples(st.binary(max_size=2), st.integers(-9, 9))),
    SIZES,
)
def test_columns_are_ordered_one_after_the_other(
    here: set[tuple[bytes, int]], there: set[tuple[bytes, int]], size: int
) -> None:
    def lines(pairs: set[tuple[bytes, int]]) -> list[bytes]:
        return [escaped(text) + b"\t" + str(number).encode() for text, number in sorted(pairs)]

    found = flat(missing(cut(lines(here), size), cut(lines(there), size), ranker([False, True])))
    assert found == lines(here - there)


def test_another_order_than_expected_is_an_error_and_never_an_orphan() -> None:
    numbers_in_order = [[b"2"], [b"10"]]
    with pytest.raises(MigrationError, match="another order"):
        flat(missing(numbers_in_order, [], ranker([False])))


def escaped(text: bytes) -> bytes:
    """As COPY writes it."""
    for plain, written in (
        (b"\\", b"\\\\"),
        (b"\n", b"\\n"),
        (b"\t", b"\\t"),
        (b"\r", b"\\r"),
        (b"\b", b"\\b"),
    ):
        text = text.replace(plain, written)
    return text
