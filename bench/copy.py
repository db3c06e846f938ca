"""How fast a service's tables get to their own server, against `pg_dump | psql` and pgcopydb.

    python -m bench.copy [--scale 50] [--rounds 5] [--source-version 15] [--target-version 17] [--workers 2]

`psql_pipes` is what a person would write by hand: ranges of the large table from psql to psql, two at a
time (bench/copying/psql_pipes.py); it reports no progress, checks nothing and needs the tables to be known.

pgbench's tables (scale 50: 5 million rows, 755 MB) go from one server to another: schema, rows, keys and
indexes, statistics. Each way starts as a process of its own and ends when all of that is done; the ways
take turns, and begin with another one each round, so that a noisy machine is noisy for all of them.
The last line is JSON: seconds (medians), and how many times as fast as the others we are. Other shapes and
other ways: `python -m bench.all`.
"""

from __future__ import annotations

import argparse

from bench import common
from bench.copying import psql_pipes
from bench.copying.rounds import measure
from bench.copying.shapes import PGBENCH_SCALE, SHAPES
from bench.copying.ways import known_ways
from bench.copying.work import servers


def main() -> None:
    """Measure and print."""
    options = _options()
    known = known_ways()
    ways = {name: known[name] for name in ("ours", "dump_pipe", "pgcopydb") if name in known}
    ways["psql_pipes"] = psql_pipes.copy
    common.say(f"filling the source with pgbench's tables at scale {options.scale}")
    with servers(
        options.source_version,
        options.target_version,
        options.workers,
        lambda work: SHAPES["pgbench"].fill(work, options.scale / PGBENCH_SCALE),
    ) as work:
        taken = measure(work, ways, options.rounds)
    common.conclude(
        {
            "scale": options.scale,
            "rounds": options.rounds,
            "versions": f"{options.source_version} to {options.target_version}",
            **taken.as_json(),
            "ratio_vs_pgcopydb": taken.ratio("pgcopydb"),
            "ratio_vs_dump_pipe": taken.ratio("dump_pipe"),
            "ratio_vs_psql_pipes": taken.ratio("psql_pipes"),
            **common.machine(),
        }
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scale", type=int, default=50, help="pgbench's scale; 50 is 755 MB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--source-version", type=int, default=15)
    parser.add_argument("--target-version", type=int, default=17)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    common.ending(main)
