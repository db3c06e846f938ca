"""Whether the verification of live databases is exact, how long it holds writers, and how fast it reads.

    python -m bench.verification [--rounds 100] [--scale 5] [--rate 400] [--faults 1000] [--rows 10000000]

1. Rounds: pgbench writes to the source at a steady rate while the target is verified again and again, at
   snapshots of one instant. Any row called different is a false alarm. Writers and the apply worker are
   held for moments only; the 95th percentile over both sides and all rounds is `stall_ms_p95`.
2. Faults: so many seeded ones are made on the target; each must be named (and nothing else).
3. One bit of one row of a large table is flipped; it must be named.

The last line is JSON.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from bench import common
from core.progress.interface import Silent
from core.sessions.connections import Database
from migration.catalog.read import read_catalog
from migration.catalog.tables import Table
from migration.replicate.flow import Flow
from migration.verify.compare import compare
from migration.verify.model import Verification
from migration.verify.snapshots import consistent_snapshots
from servers import binaries
from tests.support import faults

CLIENTS = 8


@dataclass(frozen=True)
class Pair:
    """A source and a target, of one database each."""

    source: Database
    target: Database
    source_version: int


def main() -> None:
    """Measure, and print."""
    options = _options()
    with ExitStack() as stack:
        folder = stack.enter_context(common.work_folder())
        source = stack.enter_context(common.running_server(folder / "source", options.source_version))
        target = stack.enter_context(common.running_server(folder / "target", options.target_version))

        def fresh(name: str) -> Pair:
            sides = [
                common.database(source, "source", "postgres"),
                common.database(target, "target", "postgres"),
            ]
            for side in sides:
                with side.connect() as connection:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            return Pair(
                common.database(source, "source", name),
                common.database(target, "target", name),
                options.source_version,
            )

        result = {
            **live_rounds(fresh("live"), options),
            **seeded_faults(fresh("faults"), options.faults),
            **one_bit(fresh("large"), options.rows),
            "versions": [options.source_version, options.target_version],
            **common.machine(),
        }
    common.conclude(result)


def live_rounds(pair: Pair, options: argparse.Namespace) -> dict[str, Any]:
    """Verify again and again under load."""
    common.say(f"making pgbench's tables at scale {options.scale} on both sides")
    for side in (pair.source, pair.target):
        _pgbench(pair, side, "-i", "-q", "-s", str(options.scale))
    tables = _tables(pair.source, "public")
    names = [table.name for table in tables]
    held: list[float] = []
    stalls: list[float] = []
    applies: list[float] = []
    alarms = attempts = 0
    with Flow("bench", "forward", pair.source, pair.target) as flow:
        flow.publish(tables)
        flow.make_slot()
        flow.subscribe(tables, enabled=True)
        flow.prove(60)
        with _load(pair, options.rate, options.rounds) as failed:
            for number in range(1, options.rounds + 1):
                with consistent_snapshots(flow, names) as taken:
                    found = _compare(pair, tables, (taken.publisher, taken.subscriber))
                alarms += not found.equal
                stalls.append(taken.longest_attempt_ms)
                applies.append(taken.apply_ms)
                held += [taken.longest_attempt_ms, taken.apply_ms]
                attempts += taken.attempts
                if number % 10 == 0 or not found.equal:
                    common.say(
                        f"round {number}: {found.rows:,} rows in {found.seconds:.1f} s, writers held "
                        f"{taken.longest_attempt_ms:.1f} ms, apply {taken.apply_ms:.1f} ms"
                        + ("" if found.equal else f": {found.differences[:3]}")
                    )
        flow.drop()
    return {
        "rounds": options.rounds,
        "false_alarms": alarms,
        "stall_ms_p95": _p95(held),
        "source_stall_ms_p95": _p95(stalls),
        "source_stall_ms_max": round(max(stalls), 1),
        "apply_stall_ms_p95": _p95(applies),
        "attempts_per_round": round(attempts / options.rounds, 2),
        "transactions_per_second": options.rate,
        "load_failed": failed[0],
    }


def seeded_faults(pair: Pair, count: int) -> dict[str, Any]:
    """Make faults of all kinds, and count those that are named."""
    common.say(f"seeding {count} faults")
    for side in (pair.source, pair.target):
        with side.connect() as connection:
            faults.create(connection)
    tables = _tables(pair.source, faults.SCHEMA)
    clean = _compare(pair, tables, (None, None))
    seeded = list(faults.seeded(seed=1, count=count))
    with pair.target.connect() as connection:
        faults.inflict(connection, seeded)
    wrong = _compare(pair, tables, (None, None))
    named = Counter((d.table.name, d.kind, d.key.get("id") or "") for d in wrong.differences)
    found = 0
    for fault in seeded:
        if all(named[expected] > 0 for expected in fault.expected):
            found += 1
            named.subtract(fault.expected)
    return {
        "faults_seeded": count,
        "faults_found": found,
        "named_without_a_fault": sum(named.values()) + (not clean.equal),
    }


def one_bit(pair: Pair, rows: int) -> dict[str, Any]:
    """Flip one bit of one row of a large table."""
    common.say(f"making a table of {rows:,} rows on both sides")
    for side in (pair.source, pair.target):
        with side.connect() as connection:
            connection.execute("SET synchronous_commit = off")
            connection.execute(
                "CREATE TABLE large (id bigint, digest bytea, amount numeric(12,2), at timestamptz)"
            )
            connection.execute(
                sql.SQL(
                    "INSERT INTO large SELECT g, decode(md5(g::text), 'hex'), g / 100.0,"
                    " timestamptz '2024-01-01 00:00:00+00' + g * interval '1 s' FROM generate_series(1, {}) g"
                ).format(rows)
            )
            connection.execute("ALTER TABLE large ADD PRIMARY KEY (id)")
            connection.execute("VACUUM (ANALYZE) large")
    tables = _tables(pair.source, "public")
    clean = _compare(pair, tables, (None, None))
    victim = rows * 7 // 11
    with pair.target.connect() as connection:
        connection.execute(
            "UPDATE large SET digest = set_bit(digest, 101, 1 - get_bit(digest, 101)) WHERE id = %s", [victim]
        )
    wrong = _compare(pair, tables, (None, None))
    named = [(d.key, d.columns) for d in wrong.differences]
    return {
        "one_bit_rows": rows,
        "one_bit_found": clean.equal and named == [({"id": str(victim)}, ("digest",))],
        "seconds_equal": round(clean.seconds, 1),
        "seconds_to_name": round(wrong.seconds, 1),
        "rows_per_second": round(clean.rows / clean.seconds),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.verification", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--scale", type=int, default=5, help="pgbench's: 100,000 accounts each")
    parser.add_argument("--rate", type=int, default=400, help="transactions a second")
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--source-version", type=int, default=15)
    parser.add_argument("--target-version", type=int, default=17)
    return parser.parse_args()


def _tables(database: Database, schema: str) -> list[Table]:
    with database.connect() as connection:
        tables = read_catalog(connection).tables.values()
    return [table for table in tables if table.name.schema == schema and table.holds_rows]


def _compare(
    pair: Pair, tables: Sequence[Table], snapshots: tuple[str, str] | tuple[None, None]
) -> Verification:
    return compare(
        pair.source,
        pair.target,
        tables,
        source_snapshot=snapshots[0],
        target_snapshot=snapshots[1],
        workers=2,
        progress=Silent(),
        stop=threading.Event(),
        named_at_most=10_000,
    )


def _pgbench(pair: Pair, side: Database, *arguments: str) -> None:
    program = binaries.postgres_bin(pair.source_version) / "pgbench"
    with common.client_environment(side) as environment:
        subprocess.run([program, *arguments], env=environment, check=True, capture_output=True)


@contextmanager
def _load(pair: Pair, rate: int, rounds: int) -> Iterator[list[bool]]:
    """pgbench at a steady rate; the list says afterwards whether a statement failed or the load died."""
    program = binaries.postgres_bin(pair.source_version) / "pgbench"
    failed = [False]
    arguments = ["-n", "-c", str(CLIENTS), "-j", "2", "-R", str(rate), "-T", str(60 + 60 * rounds)]
    with common.client_environment(pair.source) as environment:
        running = subprocess.Popen(
            [program, *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            time.sleep(2)
            yield failed
            failed[0] = running.poll() is not None
        finally:
            running.terminate()
            running.communicate(timeout=30)


def _p95(values: Sequence[float]) -> float:
    return round(statistics.quantiles(values, n=20, method="inclusive")[-1], 1)


if __name__ == "__main__":
    common.ending(main)
