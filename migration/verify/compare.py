"""Compares every row of two databases, exactly, while both go on: down to the key of a row that differs.

Each row becomes two 64-bit hashes of its text (`core.rows.digest`), each table a count and two sums of
them: equal for the same rows in any order, different with a probability of all but 2^-128 otherwise
(sums, not XOR: a row that is there twice must not cancel itself). A table that differs is read again in
buckets of keys, and the buckets that differ once more, row by row: two more reads name the rows, however
large the table is. Why buckets of hashed keys and not ranges of keys:
docs/decisions/0030-verification-digest.md.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.progress.interface import Progress
from core.rows.digest import Digest, choose, image, typed
from core.sessions.connections import Database, Side
from core.sessions.session import Connection
from migration.catalog.tables import Table, TableName
from migration.copy.throttle import Throttle, Unthrottled
from migration.verify.model import ComparedTable, Difference, Totals, Verification
from migration.verify.rows import Naming
from migration.verify.scan import RANGE_BYTES, Range, Scan, Shape, ranges, readers

NAMED_AT_MOST = 100
"""Rows of one table that are named; a table that is wrong all over need not be printed."""


NAMING_RANGE_BYTES = 1 << 30
"""Larger ranges where rows are named: each of them returns its sums of up to 65,536 buckets."""


def compare(
    source: Database,
    target: Database,
    tables: Sequence[Table],
    *,
    source_snapshot: str | None,
    target_snapshot: str | None,
    workers: int,
    progress: Progress,
    stop: threading.Event,
    named_at_most: int = NAMED_AT_MOST,
    throttle: Throttle | None = None,
) -> Verification:
    """Compare the rows of `tables` on both sides.

    The snapshots are exported ones (`pg_export_snapshot`) of the same instant, held open by the caller;
    with None, a side's own is taken now, which is right only while nothing writes. Tables without rows
    of their own (partitioned parents, foreign tables) are passed over: their partitions are compared.
    `workers` sessions read at once, over both sides together; `throttle` holds them back between two ranges.

    Both roles need SELECT on the tables, and BYPASSRLS (or ownership) where row security is on: a
    policy that would hide rows is an error, never a shorter table.

    Raises SourceSettings, ConnectionLost, StepTimeout, CopyFailed, Interrupted. Rows that differ are not
    an exception: see `Verification.require`.
    """
    begun = time.monotonic()
    wanted = {table.name: table for table in tables if table.holds_rows}
    with readers(source, target, source_snapshot, target_snapshot) as sides:
        chosen = choose(sides["source"].coordinator, sides["target"].coordinator)
        shapes = {side: reader.shapes(list(wanted)) for side, reader in sides.items()}
        comparison = _Comparison(
            shapes=shapes,
            digest=chosen,
            scan=Scan(sides, workers, stop, throttle or Unthrottled()),
            progress=progress,
            named_at_most=named_at_most,
        )
        compared = comparison.run(list(wanted.values()))
    return Verification(compared, chosen.function, time.monotonic() - begun)


@dataclass
class _Comparison:
    shapes: dict[Side, dict[TableName, Shape]]
    digest: Digest
    scan: Scan
    progress: Progress
    named_at_most: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    totals: dict[tuple[Side, TableName], Totals] = field(default_factory=lambda: defaultdict(Totals))
    seconds: dict[TableName, float] = field(default_factory=lambda: defaultdict(float))
    left: dict[TableName, int] = field(default_factory=lambda: defaultdict(int))

    def run(self, tables: Sequence[Table]) -> tuple[ComparedTable, ...]:
        """Totals of every table, then the rows of those that differ."""
        work = [part for table in tables for part in self._ranges(table.name)]
        work.sort(key=lambda part: -self._bytes(part.table))
        for part in work:
            self.left[part.table] += 1
        self.progress.phase("verify", sum(part.bytes for part in work))
        for table in tables:
            self.progress.table(str(table.name), self._bytes(table.name))
        self.scan.run(work, self._read_totals)
        return tuple(self._verdict(table) for table in tables)

    def _ranges(self, name: TableName, range_bytes: int = RANGE_BYTES) -> list[Range]:
        held = [(side, shapes[name]) for side, shapes in self.shapes.items() if name in shapes]
        per_side = [ranges(side, name, shape, range_bytes) for side, shape in held]
        # Alternating sides keeps both servers busy.
        longest = max((len(parts) for parts in per_side), default=0)
        return [parts[i] for i in range(longest) for parts in per_side if i < len(parts)]

    def _bytes(self, name: TableName) -> int:
        return sum(held[name].bytes for held in self.shapes.values() if name in held)

    def _columns(self, name: TableName) -> tuple[str, ...]:
        """The columns that both sides have, in the source's order."""
        sides = [held[name].column_names for held in self.shapes.values() if name in held]
        return tuple(column for column in sides[0] if all(column in other for other in sides[1:]))

    def _typed(self, name: TableName) -> Mapping[str, str] | Sequence[str]:
        """The same, as `image` takes them."""
        shapes = [held[name] for held in self.shapes.values() if name in held]
        types = {column: kind for shape in shapes for column, kind in shape.columns}
        size = max(shape.bytes for shape in shapes)
        return typed(((column, types[column]) for column in self._columns(name)), size)

    def _read_totals(self, connection: Connection, part: Range) -> None:
        begun = time.monotonic()
        typed_image = image(self._typed(part.table))
        composed = self.digest.totals(typed_image, part.relation(), part.condition())
        row = connection.execute(composed).fetchone()
        if row is None:
            raise AssertionError("an aggregate without GROUP BY gives one row")
        totals = Totals(row[0], int(row[1]), int(row[2]))
        name = str(part.table)
        with self.lock:
            self.totals[part.side, part.table] += totals
            self.seconds[part.table] += time.monotonic() - begun
            self.left[part.table] -= 1
            left, seconds = self.left[part.table], self.seconds[part.table]
            rows = self.totals["source", part.table].rows
        self.progress.advance(name, part.bytes, totals.rows if part.side == "source" else 0)
        if left == 0:
            self.progress.done(name, rows, self._bytes(part.table), seconds)

    def _verdict(self, table: Table) -> ComparedTable:
        name = table.name
        source, target = self.totals["source", name], self.totals["target", name]
        structure = self._structure(name)
        named: list[Difference] = []
        unnamed = 0
        if source != target and all(name in held for held in self.shapes.values()):
            self.progress.note(f"{name} differs; naming its rows")
            naming = Naming(
                scan=self.scan,
                work=self._ranges(name, NAMING_RANGE_BYTES),
                table=name,
                columns=self._columns(name),
                typed=self._typed(name),
                key=table.key,
                digest=self.digest,
            )
            named, unnamed = naming.run(max(source.rows, target.rows), self.named_at_most)
        size = self.shapes["source"][name].bytes if name in self.shapes["source"] else 0
        return ComparedTable(name, source, target, structure, tuple(named), unnamed, size, self.seconds[name])

    def _structure(self, name: TableName) -> tuple[str, ...]:
        there = [side for side, held in self.shapes.items() if name in held]
        if len(there) < 2:
            where = f"exists on the {there[0]} only" if there else "exists on neither side"
            return (f"{name} {where}",)
        source, target = (self.shapes[side][name] for side in ("source", "target"))
        types = dict(target.columns)
        lines = [
            f"{name}.{column} is {kind} on the source and {types.get(column, 'missing')} on the target"
            for column, kind in source.columns
            if types.get(column) != kind
        ]
        known = set(source.column_names)
        lines += [f"{name}.{c} is on the target only" for c in target.column_names if c not in known]
        return tuple(lines)
