"""The fastest way by hand: `psql COPY TO STDOUT | psql COPY FROM STDIN`, ranges of pages, some at a time."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from psycopg import sql

from bench import common
from bench.copying.work import SCHEMA, TABLES, Work, run

RANGES = 8
KEYS = {"pgbench_accounts": "aid", "pgbench_branches": "bid", "pgbench_tellers": "tid"}


def copy(work: Work) -> None:
    """Schema, rows, keys, statistics, with what comes with PostgreSQL."""
    programs = work.target.binaries
    psql: list[str | Path] = [programs / "psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"]
    schema = run(
        work.from_,
        [work.source.binaries / "pg_dump", "--no-owner", "--no-acl", "--schema-only", "--section=pre-data"],
    )
    run(work.to, [*psql, *(part for line in _statements(schema) for part in ("-c", line))])
    giant = sql.Identifier(SCHEMA, TABLES[0])
    size = sql.SQL("SELECT pg_relation_size({}) / 8192").format(sql.Literal(giant.as_string()))
    pages = int(run(work.from_, [*psql, "-c", size.as_string()]))
    jobs: list[tuple[sql.Composable, sql.Composable]] = [
        (giant, _range(giant, pages * number // RANGES, pages * (number + 1) // RANGES))
        for number in range(RANGES)
    ]
    jobs += [(sql.Identifier(SCHEMA, table),) * 2 for table in TABLES[1:]]

    def one(job: tuple[sql.Composable, sql.Composable]) -> None:
        into, what = job
        out = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(what).as_string()
        load = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(into).as_string()
        with common.client_environment(work.from_) as there, common.client_environment(work.to) as here:
            sender = subprocess.Popen([*psql, "-c", out], env=there, stdout=subprocess.PIPE)
            subprocess.run(
                [*psql, "-c", load],
                env=here,
                stdin=sender.stdout,
                check=True,
            )
            assert sender.stdout is not None
            sender.stdout.close()
            assert sender.wait() == 0

    with ThreadPoolExecutor(work.workers) as pool:
        list(pool.map(one, jobs))
    for table, key in KEYS.items():
        statement = sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(
            sql.Identifier(SCHEMA, table), sql.Identifier(key)
        )
        run(work.to, [*psql, "-c", statement.as_string()])
    run(work.to, [programs / "vacuumdb", "-q", "--analyze-only", "-j", str(work.workers)])


def _range(table: sql.Identifier, first: int, end: int) -> sql.Composed:
    return sql.SQL("(SELECT * FROM {} WHERE ctid >= {} AND ctid < {})").format(
        table, sql.Literal(f"({first},0)"), sql.Literal(f"({end},0)")
    )


def _statements(script: str) -> list[str]:
    """pg_dump's script without comments and psql's own commands, a statement each."""
    lines = [line for line in script.splitlines() if line and not line.startswith(("--", "\\"))]
    return [statement for statement in "\n".join(lines).split(";\n") if statement.strip()]
