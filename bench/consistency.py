"""How long a reference is checked across two servers, against a join in one database by hand.

    python -m bench.consistency [--rows 1000000] [--rounds 5]

So many dependent rows refer to a fifth as many keys, once by number and once by text. Across: dependent
rows on one server, referenced ones on another, streams merged here. By hand: both tables in one database and
`SELECT count(*) ... LEFT JOIN ... WHERE ... IS NULL`, nothing sent. Rounds alternate. One in 10,000 rows is
an orphan. The last line is JSON.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

from bench import common
from core.references.check import check_reference
from core.references.keys import CrossingKey
from core.references.model import Reference
from core.sessions.connections import Database
from migration.catalog.tables import TableName

KINDS = {"number": "bigint", "text": "text"}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--source-version", type=int, default=15)
    parser.add_argument("--target-version", type=int, default=17)
    options = parser.parse_args()
    result: dict[str, Any] = {"rows": options.rows, "rounds": options.rounds, **common.machine()}
    with (
        common.work_folder() as folder,
        common.running_server(folder / "one", options.source_version) as one,
        common.running_server(folder / "other", options.target_version) as other,
    ):
        sides = (common.database(one, "source", "postgres"), common.database(other, "target", "postgres"))
        for side in sides:
            _fill(side, options.rows)
        for kind in KINDS:
            result[kind] = _measure(sides, kind, options)
    common.conclude(result)


def _measure(sides: tuple[Database, Database], kind: str, options: argparse.Namespace) -> dict[str, Any]:
    key = CrossingKey(
        TableName("payments", kind),
        f"{kind}_fkey",
        f"FOREIGN KEY (payer) REFERENCES users.{kind}(id)",
        "users",
    )
    reference = Reference(key, "payments", "users", ("shared", "own"), enforced=False)

    def across() -> int:
        return check_reference(reference, sides, limit=10, look_again=0.0).orphan_rows

    def by_hand() -> int:
        with sides[0].connect() as connection:
            row = connection.execute(
                f"SELECT count(*) FROM payments.{kind} p LEFT JOIN users.{kind} u ON u.id = p.payer"  # noqa: S608
                " WHERE p.payer IS NOT NULL AND u.id IS NULL".encode()
            ).fetchone()
        assert row is not None
        return int(row[0])

    seconds: dict[str, list[float]] = {"across": [], "by_hand": []}
    for number in range(options.rounds + 1):
        found = set()
        for name, way in {"across": across, "by_hand": by_hand}.items():
            took, orphans = _timed(way)
            found.add(orphans)
            if number:  # the first round warms the caches
                seconds[name].append(took)
        assert len(found) == 1, found
        common.say(f"{kind}, round {number}: " + ", ".join(f"{k} {v[-1:]}" for k, v in seconds.items()))
    medians = {name: common.median(values) for name, values in seconds.items()}
    return {**medians, "ratio": round(medians["across"] / medians["by_hand"], 2), "orphan_rows": found.pop()}


def _timed(way: Callable[[], int]) -> tuple[float, int]:
    begun = time.monotonic()
    result = way()
    return time.monotonic() - begun, result


def _fill(side: Database, rows: int) -> None:
    keys = rows // 5
    with side.connect() as connection:
        connection.execute("CREATE SCHEMA users; CREATE SCHEMA payments")
        for kind, kind_of_sql in KINDS.items():
            value = "n" if kind == "number" else "md5(n::text)"
            for statement in (
                f"CREATE TABLE users.{kind} (id {kind_of_sql} PRIMARY KEY, filler text)",
                f"INSERT INTO users.{kind} SELECT {value}, repeat('x', 50)"  # noqa: S608
                f" FROM generate_series(1, {keys}) AS n",
                f"CREATE TABLE payments.{kind} (id int PRIMARY KEY, payer {kind_of_sql}, filler text)",
                f"INSERT INTO payments.{kind} SELECT g, {value}, repeat('x', 50) FROM (SELECT g,"  # noqa: S608
                f" CASE WHEN g % 10000 = 0 THEN -g ELSE 1 + (g::bigint * 7919) % {keys} END AS n"
                f" FROM generate_series(1, {rows}) AS g) AS s",
                f"VACUUM ANALYZE users.{kind}",
                f"VACUUM ANALYZE payments.{kind}",
            ):
                connection.execute(statement.encode())


if __name__ == "__main__":
    common.ending(main)
