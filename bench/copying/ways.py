"""Other tools' ways to copy a database, statistics included, as each is used by who knows it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from psycopg import sql

from bench import common
from bench.copying import ours
from bench.copying.work import Work, dump_sections, run
from core.sessions.connections import Database

FOLLOWS = "waqiti_bench"
"""Publication and subscription of `subscription`."""


def dump_pipe(work: Work) -> None:
    """`pg_dump | psql`, then statistics."""
    programs = work.target.binaries
    with common.client_environment(work.from_) as out, common.client_environment(work.to) as into:
        dump = subprocess.Popen(
            [work.source.binaries / "pg_dump", "--no-owner", "--no-acl"], env=out, stdout=subprocess.PIPE
        )
        subprocess.run(
            [programs / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"],
            env=into,
            stdin=dump.stdout,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        assert dump.stdout is not None
        dump.stdout.close()
        assert dump.wait() == 0
    analyze(work)


def dump_folder(work: Work) -> None:
    """`pg_dump -Fd -j`, then `pg_restore -j`, then statistics."""
    jobs = str(work.workers)
    with tempfile.TemporaryDirectory() as folder:
        where = f"{folder}/dump"
        run(
            work.from_,
            [work.source.binaries / "pg_dump", "-Fd", "-j", jobs, "--no-owner", "--no-acl", "-f", where],
        )
        restore(work, where)
    analyze(work)


def pgcopydb(work: Work) -> None:
    """`pgcopydb clone`; it analyzes by itself."""
    jobs = str(work.workers)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["pgcopydb", "clone", "--table-jobs", jobs, "--index-jobs", jobs, "--no-owner", "--no-acl",
             "--dir", f"{folder}/pgcopydb"],
            env={**os.environ, "PGCOPYDB_SOURCE_PGURI": _uri(work.from_),
                 "PGCOPYDB_TARGET_PGURI": _uri(work.to)},
            check=True, capture_output=True,
        )  # fmt: skip


def subscription(work: Work) -> None:
    """A subscription's own copy of the rows, then indexes and keys, then statistics."""
    with tempfile.TemporaryDirectory() as folder:
        dump_sections(work, folder)
        restore(work, f"{folder}/pre-data")
        name = sql.Identifier(FOLLOWS)
        with work.from_.connect() as there, work.to.connect() as here:
            there.execute(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(name))
            there.execute(sql.SQL("CREATE PUBLICATION {} FOR ALL TABLES").format(name))
            to = sql.Literal(_uri(work.from_))
            here.execute(sql.SQL("CREATE SUBSCRIPTION {0} CONNECTION {1} PUBLICATION {0}").format(name, to))
            try:
                _wait_for_rows(work.to)
            finally:
                here.execute(sql.SQL("DROP SUBSCRIPTION {}").format(name))
                there.execute(sql.SQL("DROP PUBLICATION {}").format(name))
        restore(work, f"{folder}/post-data")
    analyze(work)


def _wait_for_rows(database: Database) -> None:
    left = "SELECT count(*) FROM pg_catalog.pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')"
    with database.connect() as connection:
        while connection.execute(left).fetchone() != (0,):
            time.sleep(0.02)


def restore(work: Work, dump: str | Path) -> None:
    """`pg_restore -j` of a dump into the target; its own version's, which reads all older ones."""
    programs = work.target.binaries
    command: list[str | Path] = [programs / "pg_restore", "-j", str(work.workers), "--no-owner", "--no-acl"]
    run(work.to, [*command, "-d", "own", dump])


def analyze(work: Work) -> None:
    """Statistics, for the dumps that have none."""
    run(work.to, [work.target.binaries / "vacuumdb", "-q", "--analyze-only", "-j", str(work.workers)])


def _uri(database: Database) -> str:
    endpoint, login = database.endpoint, database.login
    password = quote(login.password.get_secret_value(), "")
    return f"postgres://{login.name}:{password}@{endpoint.address}:{endpoint.port}/{endpoint.database}"


Way = Callable[[Work], None]


def known_ways() -> Mapping[str, Way]:
    """All that can be measured here, by name; ours first."""
    ways: dict[str, Way] = {
        "ours": ours.copy,
        "dump_pipe": dump_pipe,
        "dump_folder": dump_folder,
        "subscription": subscription,
    }
    if shutil.which("pgcopydb"):
        ways["pgcopydb"] = pgcopydb
    else:
        common.say("pgcopydb is not on PATH: measured without it (Debian: apt-get install pgcopydb)")
    return ways
