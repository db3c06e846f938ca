"""Names and positions of WAL: segments, LSNs, time-lines. Standard library alone, pure.

https://www.postgresql.org/docs/current/continuous-archiving.html, src/include/access/xlog_internal.h.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SEGMENT_BYTES = 16 * 2**20
"""initdb's default, which our instances have."""

SEGMENT = re.compile(r"[0-9A-F]{24}")
HISTORY = re.compile(r"[0-9A-F]{8}\.history")


def parse_lsn(text: str) -> int:
    """`16/B374D848` as a number. Raises ValueError."""
    match = re.fullmatch(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})", text)
    if match is None:
        raise ValueError(f"{text!r} is no LSN; it looks like 16/B374D848")
    return int(match[1], 16) << 32 | int(match[2], 16)


def format_lsn(lsn: int) -> str:
    """The number as PostgreSQL writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


@dataclass(frozen=True, order=True)
class Segment:
    """A WAL segment: a time-line and the segment's number."""

    timeline: int
    number: int

    @classmethod
    def named(cls, name: str, size: int = SEGMENT_BYTES) -> Segment:
        """Raises ValueError for a name that is none."""
        if not SEGMENT.fullmatch(name):
            raise ValueError(f"{name!r} is no WAL segment")
        per_log = 2**32 // size
        return cls(int(name[:8], 16), int(name[8:16], 16) * per_log + int(name[16:], 16))

    @classmethod
    def at(cls, timeline: int, lsn: int, size: int = SEGMENT_BYTES) -> Segment:
        """The segment that the byte at `lsn` is in."""
        return cls(timeline, lsn // size)

    def name(self, size: int = SEGMENT_BYTES) -> str:
        """The file's name."""
        per_log = 2**32 // size
        return f"{self.timeline:08X}{self.number // per_log:08X}{self.number % per_log:08X}"

    def start(self, size: int = SEGMENT_BYTES) -> int:
        """The LSN of its first byte."""
        return self.number * size


@dataclass(frozen=True)
class Switch:
    """Where a time-line left its parent: up to `lsn` the history is the parent's."""

    timeline: int
    lsn: int


def parse_history(text: str) -> list[Switch]:
    """A `.history` file: the time-lines before, oldest first, each with the LSN at which it was left."""
    found = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if len(words) >= 2:
            found.append(Switch(int(words[0]), parse_lsn(words[1])))
    return found


def segments_between(
    begin: int, end: int, timeline: int, history: list[Switch], size: int = SEGMENT_BYTES
) -> Iterator[Segment]:
    """The segments that lead from `begin` to the byte before `end` on `timeline`, each on the time-line
    whose file recovery reads: a segment in which a time-line was left is read from its child."""
    for number in range(begin // size, (max(end, begin + 1) - 1) // size + 1):
        owner = timeline
        for switch in history:
            if number < switch.lsn // size:
                owner = switch.timeline
                break
        yield Segment(owner, number)
