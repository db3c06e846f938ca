"""The figures of docs/performance.md, each a ratio of two things that took turns in one run.

    python -m bench.all [--only NAME]... [--quick] [--factor 1] [--rounds 5] [--list]

A copy of each shape (bench/copying/shapes.py) against other tools and against the parts that no way can do
without; the verification of all rows against the plain scan that hashes them; a reference across two servers
against the join in one. `--quick` is a fiftieth of the size and three rounds: minutes on a busy machine, and
good for whether a way is lost, not for how fast it is. One line of JSON a figure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench import common
from bench.copying.floor import floor
from bench.copying.rounds import measure
from bench.copying.shapes import SHAPES, Shape
from bench.copying.verification import against_plain_scan
from bench.copying.ways import known_ways
from bench.copying.work import servers

QUICK_FACTOR, QUICK_ROUNDS = 0.02, 3
WITHOUT_SUBSCRIPTION = frozenset({"large_objects"})
"""Shapes that a subscription's own copy does not bring whole."""


@dataclass(frozen=True)
class Sizes:
    """How large and how often."""

    factor: float
    rounds: int
    source_version: int
    target_version: int
    workers: int

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "factor": self.factor,
            "rounds": self.rounds,
            "versions": f"{self.source_version} to {self.target_version}",
            "workers": self.workers,
        }


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    what: str
    measure: Callable[[Sizes], Mapping[str, Any]]


def main() -> None:
    """Measure and print."""
    options = _options()
    figures = {figure.name: figure for figure in _figures()}
    if options.list:
        for figure in figures.values():
            print(f"{figure.name}: {figure.what}")
        return
    wanted = options.only or list(figures)
    unknown = [name for name in wanted if name not in figures]
    if unknown:
        raise SystemExit(f"no figure is called {unknown[0]}; --list names them")
    sizes = Sizes(
        options.factor or (QUICK_FACTOR if options.quick else 1.0),
        options.rounds or (QUICK_ROUNDS if options.quick else 5),
        options.source_version,
        options.target_version,
        options.workers,
    )
    for name in wanted:
        common.say(f"{name}: {figures[name].what}")
        measured = figures[name].measure(sizes)
        common.conclude({"figure": name, **measured, **sizes.as_json(), **common.machine()})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", metavar="NAME", help="this figure; may be given again")
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the size, three rounds")
    parser.add_argument("--factor", type=float, help="the share of the full size")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--list", action="store_true", help="name the figures and end")
    parser.add_argument("--source-version", type=int, default=15)
    parser.add_argument("--target-version", type=int, default=17)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


def _figures() -> list[Figure]:
    copies = [
        Figure(f"copy_{shape.name}", f"{shape.what}, copied", partial(_copy, shape))
        for shape in SHAPES.values()
    ]
    return [
        *copies,
        Figure("scaling", "pgbench at ten times the size: time per byte", _scaling),
        Figure("verification", "all rows compared, against the plain scan that hashes them", _verification),
        Figure("consistency", "a reference across two servers, against the join in one", _consistency),
    ]


def _copy(shape: Shape, sizes: Sizes) -> dict[str, Any]:
    """Ours against the others, and against the largest unavoidable part."""
    ways = dict(known_ways())
    if shape.name in WITHOUT_SUBSCRIPTION:
        del ways["subscription"]
    with servers(
        sizes.source_version,
        sizes.target_version,
        sizes.workers,
        lambda work: shape.fill(work, sizes.factor),
    ) as work:
        taken = measure(work, ways, sizes.rounds)
        parts = floor(work, sizes.rounds)
    slowest = max(parts.values())
    ours = taken.medians()["ours"]
    return {**taken.as_json(), "floor": parts, "ours_by_slowest_part": round(ours / slowest, 2)}


def _scaling(sizes: Sizes) -> dict[str, Any]:
    """Seconds for the same bytes, ten times as many at once against a tenth of them."""
    found = {}
    for factor in (sizes.factor / 10, sizes.factor):
        with servers(
            sizes.source_version,
            sizes.target_version,
            sizes.workers,
            lambda work, factor=factor: SHAPES["pgbench"].fill(work, factor),  # type: ignore[misc]
        ) as work:
            ours = measure(work, {"ours": known_ways()["ours"]}, sizes.rounds)
        found[factor] = ours.medians()["ours"]
    small, large = found.values()
    return {"seconds": {"a tenth": small, "all": large}, "time_per_byte": round(large / small / 10, 2)}


def _verification(sizes: Sizes) -> dict[str, Any]:
    with servers(
        sizes.source_version,
        sizes.target_version,
        sizes.workers,
        lambda work: SHAPES["pgbench"].fill(work, sizes.factor),
    ) as work:
        return against_plain_scan(work, sizes.rounds)


def _consistency(sizes: Sizes) -> dict[str, Any]:
    """bench/consistency.py has it."""
    command = [sys.executable, "-m", "bench.consistency", "--rows", str(round(1_000_000 * sizes.factor))]
    command += ["--rounds", str(sizes.rounds), "--source-version", str(sizes.source_version)]
    command += ["--target-version", str(sizes.target_version)]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return {kind: found[kind] for kind in ("number", "text")}


if __name__ == "__main__":
    common.ending(main)
