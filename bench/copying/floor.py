"""What no way can do without: the source only reading, the target only writing, the target only indexing.

Each is measured by PostgreSQL's own programs, as many at a time as a copy has workers.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import common
from bench.copying.ways import analyze, restore
from bench.copying.work import SCHEMA, Work, dump_sections, fresh_target

PARTS = ("reading", "writing", "indexing")

_TABLES = """
    SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind = 'r' ORDER BY pg_catalog.pg_table_size(c.oid) DESC
"""


def floor(work: Work, rounds: int) -> dict[str, float]:
    """Median seconds of each of `PARTS`; large objects are not among what is read and written."""
    with work.from_.connect() as connection:
        tables = [name for (name,) in connection.execute(_TABLES, [SCHEMA])]
    seconds: dict[str, list[float]] = {part: [] for part in PARTS}
    with tempfile.TemporaryDirectory() as folder:
        files = {table: Path(folder) / f"{number}.copy" for number, table in enumerate(tables)}
        dump_sections(work, folder)
        _at_once(work, tables, lambda table: _read(work, table, files[table]))
        for number in range(rounds):
            seconds["reading"].append(_timed(lambda: _read_all(work, tables)))
            fresh_target(work)
            restore(work, f"{folder}/pre-data")
            seconds["writing"].append(
                _timed(lambda: _at_once(work, tables, lambda table: _write(work, table, files[table])))
            )
            seconds["indexing"].append(_timed(lambda: _index(work, f"{folder}/post-data")))
            said = ", ".join(f"{part} {seconds[part][-1]:.2f} s" for part in PARTS)
            common.say(f"floor, round {number + 1}: {said}")
    return {part: common.median(values) for part, values in seconds.items()}


def _read_all(work: Work, tables: list[str]) -> None:
    _at_once(work, tables, lambda table: _read(work, table, Path("/dev/null")))


def _at_once(work: Work, tables: list[str], act: Callable[[str], None]) -> None:
    with ThreadPoolExecutor(work.workers) as pool:
        list(pool.map(act, tables))


def _read(work: Work, table: str, to: Path) -> None:
    with common.client_environment(work.from_) as environment, to.open("wb") as file:
        command: list[str | Path] = [work.target.binaries / "psql", "-X", "-q"]
        command += ["-c", f"COPY {table} TO STDOUT (FORMAT binary)"]
        subprocess.run(command, env=environment, stdout=file, check=True)


def _write(work: Work, table: str, held: Path) -> None:
    with common.client_environment(work.to) as environment, held.open("rb") as file:
        copy = f"COPY {table} FROM STDIN (FORMAT binary, FREEZE)"
        command: list[str | Path] = [
            work.target.binaries / "psql",
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            "BEGIN",
        ]
        command += ["-c", f"TRUNCATE ONLY {table}", "-c", copy, "-c", "COMMIT"]
        subprocess.run(command, env=environment, stdin=file, check=True)


def _index(work: Work, dump: str) -> None:
    restore(work, dump)
    analyze(work)


def _timed(act: Callable[[], None]) -> float:
    begun = time.monotonic()
    act()
    return time.monotonic() - begun
