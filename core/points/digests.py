"""The digest of every row of a service at one snapshot.

Hashes, text and settings are those of the exact verification (`digest`); a table is three numbers,
whichever server and whatever order of rows. Left out are what a restore does not bring back (unlogged
tables), what has no rows of its own, and large objects, whose rows only a superuser may read whole.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql

from core.errors import Interrupted
from core.names import TableName
from core.points.model import ServiceDigest, TableDigest
from core.rows import digest
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection

query = queries(__package__)


@dataclass(frozen=True)
class Rows:
    """A service's rows: where, in which schema (the first of these that is there), at which snapshot."""

    service: str
    database: Database
    schemas: Sequence[str]
    snapshot: str | None
    """An exported one; None: as they are now."""


def digest_all(rows: Sequence[Rows], stop: threading.Event, workers: int = 2) -> dict[str, ServiceDigest]:
    """The digests of some services, `workers` of them at once.

    Raises Interrupted when `stop` is set, and the errors of `Database.translated`.
    """
    opened: list[Connection] = []

    def one(wanted: Rows) -> ServiceDigest:
        if stop.is_set():
            raise Interrupted("interrupted while digests were taken")
        with closing(wanted.database.connect(application_name="waqiti-digest")) as connection:
            opened.append(connection)
            with wanted.database.translated(f"taking the digests of {wanted.service}"):
                return _digest(connection, wanted)

    with ThreadPoolExecutor(workers, thread_name_prefix="digest") as pool:
        futures = {wanted.service: pool.submit(one, wanted) for wanted in rows}
        try:
            while not all(future.done() for future in futures.values()):
                if stop.wait(0.05):
                    break
        finally:
            if not all(future.done() for future in futures.values()):
                stop.set()
                for connection in opened:
                    with suppress(psycopg.Error):
                        connection.cancel_safe(timeout=2)
        if stop.is_set():
            raise Interrupted("interrupted while digests were taken")
        return {service: future.result() for service, future in futures.items()}


def _digest(connection: Connection, wanted: Rows) -> ServiceDigest:
    begun = time.monotonic()
    tables: dict[str, TableDigest] = {}
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if wanted.snapshot is not None:
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(wanted.snapshot)))
        digest.prepare(connection)
        probe = digest.probe(connection)
        for schema in wanted.schemas:
            found = connection.execute(query("tables"), {"schemas": [schema]}).fetchall()
            for schema_name, name, size, columns, types in found:
                table = TableName(schema_name, name)
                typed = digest.typed(zip(columns, types, strict=True), size)
                tables[str(table)] = _table(connection, table, typed)
            if found:
                break
    return ServiceDigest(probe=probe, tables=tables, seconds=round(time.monotonic() - begun, 3))


def _table(
    connection: Connection, table: TableName, columns: Mapping[str, str] | Sequence[str]
) -> TableDigest:
    composed = digest.Digest().totals(digest.image(columns), sql.SQL("ONLY ") + table.identifier())
    row = connection.execute(composed).fetchone()
    if row is None:
        raise AssertionError("an aggregate without GROUP BY gives one row")
    whole = (1 << 128) - 1
    return TableDigest(rows=row[0], digest=f"{int(row[1]) & whole:032x}{int(row[2]) & whole:032x}")
