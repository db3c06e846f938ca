"""Reading two databases at one snapshot each, in ranges of blocks, by several sessions at once.

Ranges are of ctid, so that every read is sequential whatever the table's key is; the two sides' blocks
hold different rows, but the sums over all ranges of a table are of the same rows. A coordinating
session holds ACCESS SHARE on every table meanwhile: a rewrite (VACUUM FULL, CLUSTER, ALTER TABLE)
between two ranges would move rows from one into another.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from queue import Empty, LifoQueue

import psycopg
from psycopg import sql

from core.errors import Interrupted
from core.rows import digest
from core.sessions.connections import Database, Side
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.quoting import with_quotes
from migration.catalog.tables import Table, TableName
from migration.copy.throttle import Throttle

query = queries(__package__)


RANGE_BYTES = 64 << 20
"""Bytes of heap and TOAST that one query reads: below a second, so that Ctrl-C is quick."""
_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Shape:
    """What one side holds under a table's name."""

    kind: str
    """`pg_class.relkind`."""
    pages: int
    bytes: int
    columns: tuple[tuple[str, str], ...]
    """Name and type, in order."""

    @property
    def column_names(self) -> tuple[str, ...]:
        """Without the types."""
        return tuple(name for name, _ in self.columns)


@dataclass(frozen=True)
class Range:
    """Blocks `low` to `high` (exclusive; None: to the end) of a table on one side."""

    side: Side
    table: TableName
    low: int
    high: int | None
    bytes: int
    with_children: bool = False

    def relation(self) -> sql.Composable:
        """The table for FROM: without inheritance children, unless it is compared through its root."""
        only = sql.SQL("") if self.with_children else sql.SQL("ONLY ")
        return only + self.table.identifier()

    def condition(self) -> sql.Composable:
        """The range for WHERE."""
        if self.low == 0 and self.high is None:
            return sql.SQL("true")
        low = sql.SQL("ctid >= {}::pg_catalog.tid").format(sql.Literal(f"({self.low},0)"))
        if self.high is None:
            return low
        return low + sql.SQL(" AND ctid < {}::pg_catalog.tid").format(sql.Literal(f"({self.high},0)"))


def ranges(side: Side, table: TableName, shape: Shape, range_bytes: int = RANGE_BYTES) -> list[Range]:
    """The whole table in ranges of about so many bytes; the last one is open, so that nothing is left out."""
    if shape.kind == "p":
        return [Range(side, table, 0, None, shape.bytes, with_children=True)]
    count = max(1, min(shape.pages, -(-shape.bytes // range_bytes)))
    bounds = [shape.pages * i // count for i in range(count)]
    size = shape.bytes // count
    return [
        Range(side, table, low, high, size) for low, high in zip(bounds, [*bounds[1:], None], strict=True)
    ]


class Reader:
    """One side at one snapshot: a coordinating session, and others lent to workers."""

    def __init__(self, database: Database, snapshot: str | None) -> None:
        self.database = database
        self._snapshot = snapshot
        self._idle: LifoQueue[Connection] = LifoQueue()
        self._opened: list[Connection] = []
        self._lock = threading.Lock()
        self.coordinator = self._open()

    def shapes(self, tables: Sequence[TableName]) -> dict[TableName, Shape]:
        """Lock the tables against rewrites until the end, and describe them; missing ones are left out."""
        parameters = {"schemas": [t.schema for t in tables], "names": [t.name for t in tables]}
        with self.database.translated("reading the catalogue"):
            present = {row[:2] for row in self.coordinator.execute(query("shape"), parameters)}
            found = [t for t in tables if (t.schema, t.name) in present]
            if found:
                listed = sql.SQL(", ").join(t.identifier() for t in found)
                self.coordinator.execute(sql.SQL("LOCK TABLE ONLY {} IN ACCESS SHARE MODE").format(listed))
            rows = self.coordinator.execute(query("shape"), parameters).fetchall()
        return {
            TableName(schema, name): Shape(
                kind, pages, size, tuple(zip(columns, map(with_quotes, types), strict=True))
            )
            for schema, name, kind, pages, size, columns, types in rows
        }

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        """A session of this snapshot, for one worker at a time."""
        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = self._open()
        yield connection
        self._idle.put(connection)

    def cancel(self) -> None:
        """Interrupt whatever the sessions are doing."""
        with self._lock:
            opened = list(self._opened)
        for connection in opened:
            try:
                connection.cancel_safe(timeout=2)
            except psycopg.Error:
                connection.close()

    def close(self) -> None:
        """Close every session."""
        for connection in self._opened:
            connection.close()

    def _open(self) -> Connection:
        connection = self.database.connect(application_name="waqiti-migration-verify")
        with self._lock:
            self._opened.append(connection)
        try:
            self._begin(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _begin(self, connection: Connection) -> None:
        with self.database.translated("taking its snapshot for the verification"):
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if self._snapshot is not None:
                taken = sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(self._snapshot))
                connection.execute(taken)
            else:
                row = connection.execute("SELECT pg_catalog.pg_export_snapshot()").fetchone()
                self._snapshot = None if row is None else row[0]
            digest.prepare(connection)


class Scan:
    """Both sides, and the workers that read them."""

    def __init__(
        self, readers: dict[Side, Reader], workers: int, stop: threading.Event, throttle: Throttle
    ) -> None:
        self._readers = readers
        self._workers = workers
        self._stop = stop
        self._throttle = throttle

    def run(self, work: Sequence[Range], read: Callable[[Connection, Range], None]) -> None:
        """Call `read` for every range, `workers` at a time; it must be thread-safe.

        Raises what `read` raised first, in the terms of `core.errors`; Interrupted when `stop` is set.
        """
        failed = threading.Event()

        def one(part: Range) -> None:
            if failed.is_set() or self._stop.is_set() or self._rest(part, failed):
                return
            reader = self._readers[part.side]
            try:
                with reader.lent() as connection, reader.database.translated(f"verifying {part.table}"):
                    read(connection, part)
            except BaseException:
                failed.set()
                raise

        with ThreadPoolExecutor(self._workers, thread_name_prefix="verify") as pool:
            futures = [pool.submit(one, part) for part in work]
            pending = set(futures)
            try:
                while pending and not failed.is_set() and not self._stop.is_set():
                    _, pending = wait(pending, timeout=_LOOK_SECONDS, return_when=FIRST_EXCEPTION)
            except BaseException:
                failed.set()
                raise
            finally:
                if pending and (failed.is_set() or self._stop.is_set()):
                    for reader in self._readers.values():
                        reader.cancel()
        if self._stop.is_set():
            raise Interrupted("the verification was stopped; nothing was changed, run it again at any time")
        for future in futures:
            future.result()

    def _rest(self, part: Range, failed: threading.Event) -> bool:
        """As the throttle says, ahead of a range; returns whether nobody wants to go on any more."""
        until = time.monotonic() + self._throttle.rest(part.bytes if part.side == "source" else 0)
        while not failed.is_set() and (left := until - time.monotonic()) > 0:
            if self._stop.wait(min(left, _LOOK_SECONDS)):
                break
        return failed.is_set() or self._stop.is_set()


@contextmanager
def readers(
    source: Database, target: Database, source_snapshot: str | None, target_snapshot: str | None
) -> Iterator[dict[Side, Reader]]:
    """Open both sides; without a snapshot, a side's own is taken now and shared by its sessions."""
    with ExitStack() as stack:
        opened: dict[Side, Reader] = {}
        for side, database, snapshot in (
            ("source", source, source_snapshot),
            ("target", target, target_snapshot),
        ):
            reader = Reader(database, snapshot)
            stack.callback(reader.close)
            opened["source" if side == "source" else "target"] = reader
        yield opened


def names(tables: Sequence[Table]) -> list[TableName]:
    """The names of the tables that hold rows of their own."""
    return [table.name for table in tables if table.holds_rows]
