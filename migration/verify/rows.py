"""Names the rows of a table that differ: keys in buckets, the buckets that differ, then their rows."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from core.rows.digest import Digest, image, texts
from core.sessions.connections import Side
from core.sessions.queries import statements
from core.sessions.session import Connection
from migration.catalog.tables import TableName
from migration.verify.model import Difference, Totals
from migration.verify.scan import Range, Scan

statement = statements(__package__)

ROWS_PER_BUCKET = 128
MOST_BUCKETS = 1 << 16
ROWS_AT_ONCE = 200_000
"""Rows of differing buckets held in memory at once, both sides together."""


@dataclass(frozen=True)
class _Row:
    key: tuple[str | None, ...]
    hashes: tuple[int, int]
    columns: tuple[int, ...]


def bucket_count(rows: int) -> int:
    """A power of two, so that a bucket holds about ROWS_PER_BUCKET of `rows`."""
    return min(MOST_BUCKETS, 1 << max(0, (rows // ROWS_PER_BUCKET).bit_length()))


@dataclass
class Naming:
    """One table that is known to differ."""

    scan: Scan
    work: Sequence[Range]
    """Ranges that cover the table on both sides."""
    table: TableName
    columns: Sequence[str]
    """Those that both sides have."""
    typed: Mapping[str, str] | Sequence[str]
    """The same, as `image` takes them."""
    key: Sequence[str] | None
    """Without one, rows are told apart by their hash: a changed row is then one missing and one extra."""
    digest: Digest

    def run(self, rows: int, limit: int) -> tuple[list[Difference], int]:
        """The rows that differ, `limit` or a few more, and how many differing buckets were left unread.

        `rows` is about the number of rows of a side.
        """
        if self.key is not None and not set(self.key) <= set(self.columns):
            self.key = None
        spread = image(self.typed if self.key is None else self.key)
        bucket = self.digest.bucket(spread, bucket_count(rows))
        differing = self._differing_buckets(bucket)
        named: list[Difference] = []
        left = sorted(differing)
        while left and len(named) < limit:
            batch = [left.pop()]
            held = differing[batch[0]]
            while left and held + differing[left[-1]] <= ROWS_AT_ONCE:
                batch.append(left.pop())
                held += differing[batch[-1]]
            named += sorted(self._differences(self._rows(bucket, batch)), key=str)
        return named, len(left)

    def _differing_buckets(self, bucket: sql.Composable) -> dict[int, int]:
        """The buckets whose sums differ, and how many rows of both sides are in each."""
        totals: dict[Side, dict[int, Totals]] = {"source": defaultdict(Totals), "target": defaultdict(Totals)}
        lock = threading.Lock()
        hash1, hash2 = self.digest.pair_of("image")

        def read(connection: Connection, part: Range) -> None:
            composed = statement("buckets").format(
                hash1=hash1,
                hash2=hash2,
                bucket=bucket,
                image=image(self.typed),
                table=part.relation(),
                range=part.condition(),
            )
            rows = connection.execute(composed).fetchall()
            with lock:
                for number, count, sum1, sum2 in rows:
                    totals[part.side][number] += Totals(count, int(sum1), int(sum2))

        self.scan.run(self.work, read)
        source, target = totals["source"], totals["target"]
        return {
            number: source[number].rows + target[number].rows
            for number in source.keys() | target.keys()
            if source[number] != target[number]
        }

    def _alone(self, column: str) -> Mapping[str, str] | Sequence[str]:
        return {column: self.typed[column]} if isinstance(self.typed, Mapping) else [column]

    def _rows(self, bucket: sql.Composable, buckets: Sequence[int]) -> dict[Side, list[_Row]]:
        found: dict[Side, list[_Row]] = {"source": [], "target": []}
        lock = threading.Lock()
        hash1, hash2 = self.digest.pair_of("image")
        # ROW() of a column, not the column: its own cast to text may lose what its output keeps.
        hashed = [self.digest.single(image(self._alone(column))) for column in self.columns]

        def read(connection: Connection, part: Range) -> None:
            composed = statement("rows").format(
                key_values=texts(self.key or ()),
                hash1=hash1,
                hash2=hash2,
                image=image(self.typed),
                column_hashes=_int8s(hashed),
                table=part.relation(),
                range=part.condition(),
                bucket=bucket,
            )
            rows = connection.execute(composed, {"buckets": list(buckets)}).fetchall()
            with lock:
                found[part.side] += [_Row(tuple(k), (one, two), tuple(each)) for k, one, two, each in rows]

        self.scan.run(self.work, read)
        return found

    def _differences(self, found: dict[Side, list[_Row]]) -> Iterator[Difference]:
        """What is on one side and not, or not as often, on the other."""
        source, target = Counter(found["source"]), Counter(found["target"])
        missing, extra = list((source - target).elements()), list((target - source).elements())
        unmatched: dict[tuple[str | None, ...], list[_Row]] = defaultdict(list)
        for row in extra:
            unmatched[self._name(row)].append(row)
        for row in missing:
            others = unmatched[self._name(row)]
            if others:
                yield Difference(self.table, "changed", self._named(row), self._changed(row, others.pop()))
            else:
                yield Difference(self.table, "missing", self._named(row))
        for rows in unmatched.values():
            for row in rows:
                yield Difference(self.table, "extra", self._named(row))

    def _name(self, row: _Row) -> tuple[str | None, ...]:
        return row.key if self.key is not None else tuple(str(part) for part in row.hashes)

    def _named(self, row: _Row) -> dict[str, str | None]:
        if self.key is None:
            return {"row": f"{row.hashes[0] & (1 << 64) - 1:016x}"}
        return dict(zip(self.key, row.key, strict=True))

    def _changed(self, one: _Row, other: _Row) -> tuple[str, ...]:
        pairs = zip(self.columns, one.columns, other.columns, strict=True)
        return tuple(column for column, mine, theirs in pairs if mine != theirs)


def _int8s(elements: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL("ARRAY[{}]::pg_catalog.int8[]").format(sql.SQL(", ").join(elements))
