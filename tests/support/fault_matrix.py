"""Which combinations of faults are tried: all of them, or so many that every step meets every fault.

CI tries each step with each fault once, the rest (which way, which versions) by turns. With
`WAQITI_ALL_FAULTS` set, the whole product is tried (docs/decisions/0051-faults-that-are-tried.md).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import product
from typing import TypeVar

S = TypeVar("S")
F = TypeVar("F")
W = TypeVar("W")

ALL = bool(os.environ.get("WAQITI_ALL_FAULTS"))


def each(steps: Sequence[S], faults: Sequence[F], ways: Sequence[W]) -> list[tuple[S, F, W]]:
    """Every step with every fault, the ways by turns; all combinations if everything is tried."""
    if ALL:
        return list(product(steps, faults, ways))
    return [
        (step, fault, ways[(i + j) % len(ways)])
        for i, step in enumerate(steps)
        for j, fault in enumerate(faults)
    ]


def by_turns(steps: Sequence[S], faults: Sequence[F], ways: Sequence[W]) -> list[tuple[S, F, W]]:
    """Every step once, faults and ways by turns, for what takes long; all if everything is tried."""
    if ALL:
        return list(product(steps, faults, ways))
    pairs = list(product(faults, ways))
    return [(step, *pairs[i % len(pairs)]) for i, step in enumerate(steps)]


def names(cases: Sequence[tuple[object, ...]]) -> list[str]:
    """An id for each case."""
    return ["-".join(str(getattr(part, "name", part)) for part in case) for case in cases]
