"""Sorted streams of key values, merged: what one has and the other has not. Pure but for reading COPY.

A value is a line as COPY's text format writes it. Lines are compared as they are, in sets; only at the ends
of blocks does their order matter. So a million values cost a second, and memory holds two blocks.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

from psycopg import Copy

from core.errors import MigrationError

BLOCK_LINES = 20_000
"""Lines that are held of each stream."""

Rank = Callable[[bytes], tuple[int | bytes, ...]]

_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"\\": b"\\"}


def blocks(copy: Copy, lines: int = BLOCK_LINES) -> Iterator[list[bytes]]:
    """The lines of a COPY TO STDOUT, without their newlines, in blocks of at least `lines`."""
    held: list[bytes] = []
    for data in copy:
        held.append(bytes(data))
        if len(held) >= lines:
            yield b"".join(held).split(b"\n")[:-1]
            held.clear()
    if held:
        yield b"".join(held).split(b"\n")[:-1]


def fields(line: bytes) -> list[bytes]:
    """The columns of a line, unescaped. There are no NULLs in it."""
    return [_unescaped(part) for part in line.split(b"\t")]


def ranker(whole_numbers: Sequence[bool]) -> Rank:
    """How lines are ordered: column by column, as whole numbers where so said, else by their bytes."""

    def rank(line: bytes) -> tuple[int | bytes, ...]:
        parts = fields(line)
        return tuple(int(p) if number else p for p, number in zip(parts, whole_numbers, strict=True))

    return rank


def missing(
    dependent: Iterable[list[bytes]], referenced: Iterable[list[bytes]], rank: Rank
) -> Iterator[list[bytes]]:
    """The lines of `dependent` that are not in `referenced`, in order, block by block.

    Raises MigrationError when a server's order is not the one that `rank` gives.
    """
    there = _in_order(referenced, rank)
    here: list[bytes] | None = next(there, None)
    for block in _in_order(dependent, rank):
        rest = block
        while rest:
            while here is not None and rank(here[-1]) < rank(rest[0]):
                here = next(there, None)
            if here is None:
                yield rest
                break
            end = bisect_right(rest, rank(here[-1]), key=rank)
            # What is left of `rest` comes after all of this block, what was before it is done.
            present = set(here)
            gone = [line for line in rest[:end] if line not in present]
            if gone:
                yield gone
            rest = rest[end:]


def _in_order(stream: Iterable[list[bytes]], rank: Rank) -> Iterator[list[bytes]]:
    last: tuple[int | bytes, ...] | None = None
    for block in stream:
        first = rank(block[0])
        if (last is not None and first < last) or rank(block[-1]) < first:
            raise MigrationError(
                "a server sorted key values in another order than the other one does: "
                "report this, with the types of the key's columns"
            )
        last = rank(block[-1])
        yield block


def _unescaped(part: bytes) -> bytes:
    if b"\\" not in part:
        return part
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), part)
