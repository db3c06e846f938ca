"""The work of bench/copy.py: two servers and pgbench's tables."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import common
from core.sessions.connections import Database
from servers.postgres import PostgresServer

SCHEMA = "bench_schema"
TABLES = ("pgbench_accounts", "pgbench_branches", "pgbench_history", "pgbench_tellers")


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
