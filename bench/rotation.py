"""Rotations of a gateway's logins under long sessions and new logins: who fails, and how long one takes.

    python -m bench.rotation [--rounds 1000]

A PostgreSQL and a PgBouncer of its own. In each round the other login becomes current beside the one that is,
clients of both work (each one long session that writes and reads, and new logins all the time), and the old
one ends. What `pulumi up` does beside that is not in it: some ten seconds more, which touch no client.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from collections import Counter
from typing import Any

from bench import common
from components.service.turns import FIRST, Turns
from servers import binaries
from tests.support.clusters import Clusters
from tests.support.folders import own_folder
from tests.support.team import Client
from tests.support.turned import Turned, turned_gateway


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000)
    options = parser.parse_args()
    folder = own_folder()
    clusters = Clusters(folder / "clusters")
    try:
        database = clusters.get("target", 17).new_database()
        with turned_gateway(database, binaries.pgbouncer()) as gateway:
            common.conclude({**measure(gateway, options.rounds), **common.machine()})
    finally:
        clusters.destroy()
        shutil.rmtree(folder, ignore_errors=True)


def measure(gateway: Turned, rounds: int) -> dict[str, Any]:
    """All figures."""
    total: Counter[str] = Counter()
    failures: list[str] = []
    took: list[float] = []
    old, begun = Client(gateway.endpoint, gateway.logins[FIRST], "turn 0"), time.monotonic()
    old.__enter__()
    for turn in range(1, rounds + 1):
        since = time.monotonic()
        new = Client(gateway.endpoint, gateway.turn(Turns(turn, changing=True)), f"turn {turn}")
        took.append(time.monotonic() - since)
        new.__enter__()
        new.until(4)
        old.until(4)
        old.__exit__()
        gateway.turn(Turns(turn))
        failures += old.errors
        total += old.counts
        old = new
        if turn % 100 == 0:
            common.say(f"{turn} rotations, {len(failures)} failures")
    old.until(4)
    old.__exit__()
    failures += old.errors
    total += old.counts
    seconds = time.monotonic() - begun
    return {
        "rotations": rounds,
        "failed": len(failures),
        "first_failures": failures[:3],
        "statements": total["statements"],
        "logins": total["logins"],
        "logins_a_second": round(total["logins"] / seconds, 1),
        "switch_ms_median": round(statistics.median(took) * 1000, 1),
    }


if __name__ == "__main__":
    main()
