"""The comparison of all rows, against the plain scan of both sides that hashes them, as many at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench import common
from bench.copying import ours
from bench.copying.work import TABLES, Work, fresh_target
from core.progress.interface import Silent
from core.sessions.connections import Database
from migration.catalog.read import read_catalog
from migration.verify.compare import compare

_SCAN = """
    SELECT count(*), sum(hashtextextended(x, 0)), sum(hashtextextended(x, 1))
    FROM (SELECT t::text COLLATE "C" AS x FROM bench_schema.{} AS t OFFSET 0) AS written
"""
"""OFFSET 0: the text is made once for both sums."""


def against_plain_scan(work: Work, rounds: int) -> dict[str, Any]:
    """Seconds of both on pgbench's tables, which our way has copied, in turn; and their ratio."""
    fresh_target(work)
    ours.copy(work)
    with work.from_.connect() as connection:
        tables = [t for t in read_catalog(connection).tables.values() if t.name.schema == "bench_schema"]

    def exact() -> None:
        found = compare(
            work.from_,
            work.to,
            tables,
            source_snapshot=None,
            target_snapshot=None,
            workers=work.workers,
            progress=Silent(),
            stop=threading.Event(),
        )
        found.require()

    def plain() -> None:
        with ThreadPoolExecutor(work.workers) as pool:
            list(pool.map(_scan, [(side, table) for table in TABLES for side in (work.from_, work.to)]))

    seconds: dict[str, list[float]] = {"ours": [], "plain_scan": []}
    for _ in range(rounds):
        for name, act in (("ours", exact), ("plain_scan", plain)):
            seconds[name].append(_timed(act))
    medians = {name: common.median(values) for name, values in seconds.items()}
    return {"seconds": medians, "ratio": round(medians["ours"] / medians["plain_scan"], 2)}


def _scan(what: tuple[Database, str]) -> None:
    database, table = what
    with database.connect() as connection:
        connection.execute(b"SET max_parallel_workers_per_gather = 0")
        connection.execute(_SCAN.format(table).encode()).fetchone()


def _timed(act: Callable[[], None]) -> float:
    begun = time.monotonic()
    act()
    return time.monotonic() - begun
