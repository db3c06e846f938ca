"""Ways that take turns: each round begins with another one, so that a noisy machine is so for all of them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench import common
from bench.copying.ways import Way
from bench.copying.work import Contents, Work, contents, fresh_target


@dataclass
class Taken:
    """The seconds of each way, in the order of rounds."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    """Why a way is left out."""

    def medians(self) -> dict[str, float]:
        """By way."""
        return {name: common.median(values) for name, values in self.seconds.items() if values}

    def ratio(self, to: str, of: str = "ours") -> float | None:
        """How many times as fast `of` is as `to`; None where one of them was not measured."""
        medians = self.medians()
        return round(medians[to] / medians[of], 2) if {to, of} <= medians.keys() else None

    def as_json(self) -> dict[str, Any]:
        """JSON types only: medians, from the fastest to the slowest round, and ratios to ours."""
        medians = self.medians()
        return {
            "seconds": medians,
            "spread": {n: [round(min(v), 3), round(max(v), 3)] for n, v in self.seconds.items() if v},
            "times_as_fast_as": {name: self.ratio(name) for name in medians if name != "ours"},
            **({"failed": self.failed} if self.failed else {}),
        }


def measure(work: Work, ways: Mapping[str, Way], rounds: int) -> Taken:
    """Let each way copy all of the source, `rounds` times, and look whether all arrived.

    A way that fails, or leaves something behind, is left out from then on, with the reason.
    """
    wanted = contents(work.from_)
    taken = Taken({name: [] for name in ways})
    for number in range(rounds):
        names = [*list(ways)[number % len(ways) :], *list(ways)[: number % len(ways)]]
        for name in names:
            if name not in taken.failed:
                _one(work, name, ways[name], wanted, taken)
    return taken


def _one(work: Work, name: str, way: Way, wanted: Contents, taken: Taken) -> None:
    fresh_target(work)
    begun = time.monotonic()
    try:
        way(work)
        seconds = time.monotonic() - begun
        found = contents(work.to, analyzed=True)
        assert found == wanted, f"{_differs(found, wanted)}"
    except (subprocess.CalledProcessError, AssertionError) as error:
        if name == "ours":
            raise
        taken.failed[name] = _said(error)
        taken.seconds[name].clear()
        common.say(f"{name} is left out: {taken.failed[name]}")
        return
    taken.seconds[name].append(seconds)
    common.say(f"{name} {seconds:.2f} s, {sum(found.rows.values()):,} rows")


def _differs(found: Contents, wanted: Contents) -> str:
    tables = {name for name, rows in wanted.rows.items() if found.rows.get(name) != rows}
    if tables:
        return f"rows of {len(tables)} tables are missing, {min(tables)} for example"
    return (
        f"{found.indexes} indexes of {wanted.indexes}, {found.constraints} constraints of"
        f" {wanted.constraints}, {found.large_objects} large objects of {wanted.large_objects}"
    )


def _said(error: subprocess.CalledProcessError | AssertionError) -> str:
    if isinstance(error, AssertionError):
        return str(error)
    said = (error.stderr or b"") if isinstance(error.stderr, bytes) else (error.stderr or "").encode()
    lines = said.decode(errors="replace").strip().splitlines()
    return f"exit status {error.returncode}: {lines[-1][:200] if lines else 'it said nothing'}"
