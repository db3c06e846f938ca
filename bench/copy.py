"""How fast a service's tables get to their own server, against `pg_dump | psql` and pgcopydb.

    python -m bench.copy [--scale 50] [--rounds 5] [--source-version 15] [--target-version 17] [--workers 2]

`psql_pipes` is what a person would write by hand: ranges of the large table from psql to psql, two at a
time (bench/psql_pipes.py); it reports no progress, checks nothing and needs the tables to be known.

pgbench's tables (scale 50: 5 million rows, 755 MB) go from one server to another: schema, rows, keys and
indexes, statistics. Each way starts as a process of its own and ends when all of that is done; the ways
take turns, and begin with another one each round, so that a noisy machine is noisy for all of them.
The last line is JSON: seconds (medians), and how many times as fast as the others we are.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from psycopg import sql

from bench import common, psql_pipes
from bench.copy_work import SCHEMA, TABLES, Work, run
from components.contract import (
    Contract,
    Endpoint,
    LocalGatewayControl,
    LocalInstanceControl,
    Login,
    Service,
    Source,
)
from core.progress.make import make_progress
from core.sessions.connections import Database, Side
from migration.catalog.read import read_catalog
from migration.copy.sequences import move_sequences
from migration.copy.tables import CopyTask, copy_tables
from migration.plan.make import make_plan
from migration.schema.create import build_indexes, create_schema
from migration.schema.dump import dump_schema

OWNER = "bench_owner"
ENVIRONMENT = "WAQITI_BENCH_COPY"
"""Ports and versions for the process that copies our way."""


def main() -> None:
    """Measure and print."""
    options = _options()
    if os.environ.get(ENVIRONMENT):
        _copy_our_way(options)
        return
    ways = _ways(options)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    with ExitStack() as stack:
        work = _prepare(stack, options)
        for number in range(options.rounds):
            names = [*list(ways)[number % len(ways) :], *list(ways)[: number % len(ways)]]
            for name in names:
                _fresh_target(work)
                started = time.monotonic()
                ways[name](work)
                seconds[name].append(time.monotonic() - started)
                rows = _check(work, options.scale)
                common.say(f"round {number + 1}: {name} {seconds[name][-1]:.2f} s, {rows:,} rows")
    _report(options, seconds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scale", type=int, default=50, help="pgbench's scale; 50 is 755 MB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--source-version", type=int, default=15)
    parser.add_argument("--target-version", type=int, default=17)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


def _ways(options: argparse.Namespace) -> dict[str, Callable[[Work], None]]:
    ways: dict[str, Callable[[Work], None]] = {
        "ours": _ours,
        "dump_pipe": _dump_pipe,
        "psql_pipes": psql_pipes.copy,
    }
    if shutil.which("pgcopydb"):
        ways["pgcopydb"] = _pgcopydb
    else:
        common.say("pgcopydb is not on PATH: measured without it (Debian: apt-get install pgcopydb)")
    return ways


def _prepare(stack: ExitStack, options: argparse.Namespace) -> Work:
    folder = stack.enter_context(common.work_folder())
    source = stack.enter_context(common.running_server(folder / "source", options.source_version))
    target = stack.enter_context(common.running_server(folder / "target", options.target_version))
    work = Work(source, target, options.target_version, options.workers)
    with common.database(source, "source", "postgres").connect() as connection:
        connection.execute("CREATE DATABASE shared")
    with common.database(target, "target", "postgres").connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(OWNER)))
    common.say(f"filling the source with pgbench's tables at scale {options.scale}")
    run(work.from_, [source.binaries / "pgbench", "-i", "-q", "-s", str(options.scale)])
    with work.from_.connect() as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
        for table in TABLES:
            connection.execute(
                sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(
                    sql.Identifier("public", table), sql.Identifier(SCHEMA)
                )
            )
        connection.execute("VACUUM ANALYZE")
    return work


def _fresh_target(work: Work) -> None:
    with common.database(work.target, "target", "postgres").connect() as connection:
        connection.execute("DROP DATABASE IF EXISTS own")
        connection.execute(sql.SQL("CREATE DATABASE own OWNER {}").format(sql.Identifier(OWNER)))
        connection.execute("CHECKPOINT")
    with work.from_.connect() as connection:
        connection.execute("CHECKPOINT")


def _check(work: Work, scale: int) -> int:
    """All rows, keys and statistics are there; else the way was not faster but lazier."""
    with work.to.connect() as connection:
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(SCHEMA)))
        row = connection.execute(
            "SELECT (SELECT count(*) FROM pgbench_accounts) + (SELECT count(*) FROM pgbench_branches)"
            " + (SELECT count(*) FROM pgbench_tellers) + (SELECT count(*) FROM pgbench_history),"
            " (SELECT count(*) FROM pg_constraint WHERE contype = 'p' AND connamespace = %s::regnamespace),"
            " (SELECT reltuples FROM pg_class WHERE relname = 'pgbench_accounts')",
            [SCHEMA],
        ).fetchone()
    assert row is not None
    rows, keys, estimate = row
    assert rows == scale * 100_011, f"{rows} rows instead of {scale * 100_011}"
    assert keys == 3, f"{keys} primary keys instead of 3"
    assert abs(estimate / (scale * 100_000) - 1) < 0.05, f"no statistics (reltuples {estimate})"
    return int(rows)


def _ours(work: Work) -> None:
    described = (work.source.port, work.target.port, work.target_version, work.workers)
    command = [sys.executable, "-m", "bench.copy"]
    subprocess.run(
        command,
        env={**os.environ, ENVIRONMENT: ",".join(map(str, described))},
        check=True,
        cwd=Path(__file__).parent.parent,
    )


def _dump_pipe(work: Work) -> None:
    """Without and with statistics, because pg_dump of these versions does not dump them."""
    programs = work.target.binaries
    with common.client_environment(work.from_) as out, common.client_environment(work.to) as into:
        dump = subprocess.Popen(
            [work.source.binaries / "pg_dump", "--no-owner", "--no-acl"], env=out, stdout=subprocess.PIPE
        )
        load = subprocess.run(
            [programs / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"],
            env=into,
            stdin=dump.stdout,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        assert dump.stdout is not None
        dump.stdout.close()
        assert dump.wait() == 0
        assert load.returncode == 0
    run(work.to, [programs / "vacuumdb", "-q", "--analyze-only", "-j", str(work.workers)])


def _pgcopydb(work: Work) -> None:
    jobs = str(work.workers)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["pgcopydb", "clone", "--table-jobs", jobs, "--index-jobs", jobs, "--no-owner", "--no-acl",
             "--dir", f"{folder}/pgcopydb"],
            env={**os.environ, "PGCOPYDB_SOURCE_PGURI": _uri(work.from_),
                 "PGCOPYDB_TARGET_PGURI": _uri(work.to)},
            check=True, capture_output=True,
        )  # fmt: skip


def _uri(database: Database) -> str:
    endpoint, login = database.endpoint, database.login
    password = quote(login.password.get_secret_value(), "")
    return f"postgres://{login.name}:{password}@{endpoint.address}:{endpoint.port}/{endpoint.database}"


def _report(options: argparse.Namespace, seconds: dict[str, list[float]]) -> None:
    medians = {name: common.median(values) for name, values in seconds.items()}
    for name, value in medians.items():
        common.say(f"{name}: median {value} s of {', '.join(f'{one:.2f}' for one in seconds[name])}")
    ours = medians["ours"]
    common.conclude(
        {
            "scale": options.scale,
            "rounds": options.rounds,
            "versions": f"{options.source_version} to {options.target_version}",
            "seconds": medians,
            "ratio_vs_pgcopydb": round(medians["pgcopydb"] / ours, 2) if "pgcopydb" in medians else None,
            "ratio_vs_dump_pipe": round(medians["dump_pipe"] / ours, 2),
            "ratio_vs_psql_pipes": round(medians["psql_pipes"] / ours, 2),
            **common.machine(),
        }
    )


def _copy_our_way(options: argparse.Namespace) -> None:
    """What `run` does between the pause and the verification, in a process of its own."""
    source_port, target_port, version, workers = map(int, os.environ[ENVIRONMENT].split(","))
    source, target = (_reached(port, name) for port, name in ((source_port, "shared"), (target_port, "own")))
    contract = _contract(source, target, version)
    stop = threading.Event()
    with (
        tempfile.TemporaryDirectory() as folder,
        make_progress("silent") as progress,
        source.connect(autocommit=False) as connection,
    ):
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        plan = make_plan(contract, read_catalog(connection))
        own = plan.services["bench"]
        dump = dump_schema(source, Path(folder), version, snapshot=row[0])
        create_schema(contract, plan, "bench", dump, target, progress=progress, stop=stop)
        tasks = [CopyTask("bench", table, target) for table in own.tables]
        copy_tables(source, tasks, row[0], workers=workers, progress=progress, stop=stop)
        build_indexes(contract, plan, "bench", dump, target, workers=workers, progress=progress, stop=stop)
        move_sequences(source, target, own.sequences)


def _reached(port: int, name: str) -> Database:
    side: Side = "source" if name == "shared" else "target"
    endpoint = Endpoint(host="localhost", address="127.0.0.1", port=port, database=name, sslmode="disable")
    return Database(name, side, endpoint, common.ADMINISTRATOR)


def _contract(source: Database, target: Database, version: int) -> Contract:
    nobody = Login(name=common.ADMINISTRATOR.name, password=common.ADMINISTRATOR.password)
    nowhere = "/nonexistent"
    service = Service(
        name="bench", schema_name=SCHEMA, endpoint=target.endpoint, instance=target.endpoint,
        version=version, owner=OWNER, service=nobody, migration=nobody, monitoring=nobody, backup=nobody,
        gateway_control=LocalGatewayControl(
            sockets=nowhere, port=1, administrator=nobody, routes=nowhere, service_userlist=nowhere
        ),
        instance_control=LocalInstanceControl(binaries=nowhere, data=nowhere, sockets=nowhere),
        pool_maximum=1,
    )  # fmt: skip
    return Contract(
        project="bench",
        stack="bench",
        platform="local",
        program="0",
        catalogue_digest="",
        source=Source(endpoint=source.endpoint, administrator=source.login, application=source.login),
        services={"bench": service},
    )


if __name__ == "__main__":
    common.ending(main)
