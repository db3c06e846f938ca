"""Whole numbers that lie close together, 64 to a word: what one side has and the other has not. Pure.

A server sends one line for each 64 numbers, `number >> 6` and a bit for each that is there, instead of a line
for each number. Nothing is lost in it: equal words hold the same numbers, and words that differ say which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.errors import MigrationError

SHIFT = 6
BITS = 1 << SHIFT
_MASK = (1 << BITS) - 1

LEAST_SHARE = 0.125
"""Of the numbers between the first and the last that are there: with fewer, words save nothing."""

Word = tuple[int, int]
"""`number >> 6`, and the bits of that word's numbers."""


def close_together(rows: float, first: int | None, last: int | None) -> bool:
    """Whether so many numbers from `first` to `last` are sent in words; `rows` may be an estimate."""
    if first is None or last is None:
        return False
    return rows >= (last - first + 1) * LEAST_SHARE


def words(stream: Iterable[list[bytes]]) -> Iterator[Word]:
    """The lines `word<TAB>bits` of blocks; bits are a signed bigint.

    Raises MigrationError unless words ascend.
    """
    before: int | None = None
    for block in stream:
        for line in block:
            word, bits = map(int, line.split(b"\t"))
            if before is not None and word <= before:
                raise MigrationError(
                    "a server did not sort whole numbers in ascending order: report this, with the types of "
                    "the key's columns"
                )
            before = word
            yield word, bits & _MASK


def missing_words(dependent: Iterable[Word], referenced: Iterable[Word]) -> Iterator[Word]:
    """Of each word of `dependent` the bits that `referenced` has not, where there are any. Both ascend."""
    there = iter(referenced)
    here = next(there, None)
    for word, bits in dependent:
        while here is not None and here[0] < word:
            here = next(there, None)
        gone = bits & ~here[1] if here is not None and here[0] == word else bits
        if gone:
            yield word, gone


def numbers(word: Word) -> Iterator[int]:
    """The numbers of a word, ascending."""
    base, bits = word[0] << SHIFT, word[1]
    while bits:
        lowest = bits & -bits
        yield base + lowest.bit_length() - 1
        bits ^= lowest
