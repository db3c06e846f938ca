"""Restore points over eight databases under load: the pause, failures, and what a real restore finds.

    python -m bench.restore_points [--rounds 20] [--clients 4] [--restores 20]

Brings up eight instances, their gateways and a shared database; every act of a client writes a cause in one
service and its effect in the next, through all eight. In each round a restore point is made, and one gateway
is paused and resumed alone, in turn. Then all eight are really restored to the last `--restores` points, one
point after the other, and checked: effects without their cause, and the digests that were taken live. Last
the counter-proof: points that were made one service after the other. The last line is JSON.
"""

from __future__ import annotations

import argparse
import shutil
import time
from typing import Any

from bench import common
from core.points.create import Limits, Wanted, create_point
from core.points.model import Point
from core.points.store import PointStore
from operations.restore_points.restored import RestoreVerdict, check_restored
from tests.support.clusters import Clusters
from tests.support.folders import own_folder
from tests.support.point_world import EIGHT, Chain, PointWorld, point_world


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--restores", type=int, default=20)
    options = parser.parse_args()
    folder = own_folder()
    clusters = Clusters(folder / "clusters")
    try:
        common.say("eight instances, eight gateways")
        with point_world(folder, clusters, EIGHT) as world:
            common.conclude({**measure(world, options), **common.machine()})
    finally:
        clusters.destroy()
        shutil.rmtree(folder, ignore_errors=True)


def measure(world: PointWorld, options: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    store = PointStore(world.contract, world.folder / "state")
    world.take_base_backups()
    pauses: list[float] = []
    alone: list[float] = []
    points: list[Point] = []
    names = list(world.contract.services)
    with Chain(world, options.clients) as chain:
        for number in range(options.rounds):
            wanted = Wanted(f"round-{number}", limits=Limits(pause=2.0, attempts=10))
            points.append(create_point(world.contract, wanted, store))
            pauses.append(points[-1].pause_ms or 0.0)
            chain.wait_for_more(3)
            alone.append(_pause_one(world, names[number % len(names)]))
            chain.wait_for_more(3)
            common.say(f"round {number}: {pauses[-1]:.0f} ms all, {alone[-1]:.0f} ms one")
        _make_in_turn(world, chain)
        acts, failed, longest = chain.done, list(chain.failed), chain.longest
    verdicts = [_restore(world, point) for point in points[len(points) - options.restores :]]
    in_turn = _restore(world, points[-1].model_copy(update={"name": "in-turn", "digests": {}}))
    return {
        "rounds": options.rounds,
        "acts": acts,
        "statements_failed": len(failed),
        "longest_statement_ms": round(longest * 1000, 1),
        "pause_ms": {"median": common.median(pauses), "max": max(pauses)},
        "parts_ms": {
            part: common.median([point.parts_ms[part] for point in points]) for part in points[0].parts_ms
        },
        "one_gateway_ms": {"median": common.median(alone), "max": max(alone)},
        "ratio": round(common.median(pauses) / common.median(alone), 2),
        "restored": len(verdicts),
        "violations": sum(one.orphan_rows for verdict in verdicts for one in verdict.references),
        "tables_differing": sum(len(verdict.differing) for verdict in verdicts),
        "rows_compared": sum(verdict.rows for verdict in verdicts),
        "in_turn_violations": sum(one.orphan_rows for one in in_turn.references),
    }


def _pause_one(world: PointWorld, service: str) -> float:
    """Milliseconds of one gateway's pause, its session opened before, as for all."""
    gateway = world.gateway(service)
    with gateway.connected():
        begun = time.monotonic()
        try:
            gateway.pause(5.0)
        finally:
            gateway.resume()
        return round((time.monotonic() - begun) * 1000, 1)


def _make_in_turn(world: PointWorld, chain: Chain) -> None:
    for place in world.contract.services:
        with world.place(place).connect() as connection:
            connection.execute("SELECT pg_create_restore_point('in-turn')")
        chain.wait_for_more(1)


def _restore(world: PointWorld, point: Point) -> RestoreVerdict:
    with world.restored(point.name) as databases:
        verdict = check_restored(world.contract, point, databases)
    broken = sum(one.orphan_rows for one in verdict.references)
    common.say(
        f"{point.name}: {verdict.rows:,} rows, {len(verdict.differing)} differ, {broken} without a cause"
    )
    return verdict


if __name__ == "__main__":
    common.ending(main)
