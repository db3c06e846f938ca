"""What the ways of copying work on: two servers, and what is in the first of them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from bench import common
from core.sessions.connections import Database
from core.sessions.session import Connection
from servers.postgres import PostgresServer

SCHEMA = "bench_schema"
OWNER = "bench_owner"
TABLES = ("pgbench_accounts", "pgbench_branches", "pgbench_history", "pgbench_tellers")

_RELATIONS = """
    SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname), c.reltuples
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind = 'r' ORDER BY 1
"""
_MADE = """
    SELECT (SELECT count(*) FROM pg_catalog.pg_class WHERE relnamespace = s.oid AND relkind IN ('i', 'I')),
           (SELECT count(*) FROM pg_catalog.pg_constraint WHERE connamespace = s.oid AND contype <> 'n'),
           (SELECT count(*) FROM pg_catalog.pg_largeobject_metadata)
    FROM pg_catalog.pg_namespace s WHERE s.nspname = %s
"""
_AT_ONCE = 200
"""Tables that one statement counts."""
_COUNTED_FROM = 10_000
"""Rows of a table from which on its statistics are looked at."""


@dataclass(frozen=True)
class Work:
    """Two servers, and how to copy from one to the other."""

    source: PostgresServer
    target: PostgresServer
    target_version: int
    workers: int

    @property
    def from_(self) -> Database:
        """The shared database."""
        return common.database(self.source, "source", "shared")

    @property
    def to(self) -> Database:
        """The service's own database."""
        return common.database(self.target, "target", "own")


@dataclass(frozen=True)
class Contents:
    """What has to be there after a copy; else the way was not faster but lazier."""

    rows: Mapping[str, int]
    indexes: int
    constraints: int
    large_objects: int


@contextmanager
def servers(
    source_version: int, target_version: int, workers: int, fill: Callable[[Work], None]
) -> Iterator[Work]:
    """Two servers, the first one filled by `fill`, and then vacuumed and analyzed."""
    with (
        common.work_folder() as folder,
        common.running_server(folder / "source", source_version) as source,
        common.running_server(folder / "target", target_version) as target,
    ):
        work = Work(source, target, target_version, workers)
        with common.database(source, "source", "postgres").connect() as connection:
            connection.execute("CREATE DATABASE shared")
        with common.database(target, "target", "postgres").connect() as connection:
            connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(OWNER)))
        with work.from_.connect() as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
        fill(work)
        with work.from_.connect() as connection:
            connection.execute("VACUUM ANALYZE")
        yield work


def fresh_target(work: Work) -> None:
    """An empty database to copy to, and nothing left to write on either server."""
    with common.database(work.target, "target", "postgres").connect() as connection:
        connection.execute("DROP DATABASE IF EXISTS own")
        connection.execute(sql.SQL("CREATE DATABASE own OWNER {}").format(sql.Identifier(OWNER)))
        connection.execute("CHECKPOINT")
    with work.from_.connect() as connection:
        connection.execute("CHECKPOINT")


def contents(database: Database, *, analyzed: bool = False) -> Contents:
    """What a database holds. With `analyzed`, asserts that large tables have statistics."""
    with database.connect() as connection:
        found = connection.execute(_RELATIONS, [SCHEMA]).fetchall()
        rows = dict(_counted(connection, [name for name, _ in found]))
        made = connection.execute(_MADE, [SCHEMA]).fetchone()
    assert made is not None, f"there is no schema {SCHEMA}"
    for name, estimate in found if analyzed else ():
        known = rows[name] < _COUNTED_FROM or abs(estimate / rows[name] - 1) < 0.1
        assert known, f"{name} has no statistics (reltuples {estimate} of {rows[name]})"
    return Contents(rows, *made)


def _counted(connection: Connection, names: Sequence[str]) -> Iterator[tuple[str, int]]:
    for first in range(0, len(names), _AT_ONCE):
        some = names[first : first + _AT_ONCE]
        # The names are the server's own, quoted by it.
        counts = " UNION ALL ".join(f"SELECT {n}, count(*) FROM {name}" for n, name in enumerate(some))  # noqa: S608
        for number, rows in connection.execute(counts.encode()):
            yield some[number], rows


def run(database: Database, command: Sequence[str | Path]) -> str:
    """Run a client of PostgreSQL against a database; return what it printed."""
    with common.client_environment(database) as environment:
        done = subprocess.run(
            list(command),
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    return done.stdout


def dump_sections(work: Work, folder: str) -> None:
    """What stands before the rows and after them, as files `pre-data` and `post-data`, for `pg_restore`."""
    for section in ("pre-data", "post-data"):
        options = ("-Fc", "--no-owner", "--no-acl", f"--section={section}", "-f", f"{folder}/{section}")
        run(work.from_, [work.source.binaries / "pg_dump", *options])
