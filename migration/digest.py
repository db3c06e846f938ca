"""A row as text, and that text as two 64-bit numbers, the same on every server that may be compared.

The text is the row's own (`ROW(...)::text`, PostgreSQL's record output): it quotes what needs quoting,
writes NULL as nothing and an empty string as `""`, keeps a numeric's scale and a string's trailing
spaces, and writes the shortest text that a float reads back from exactly. Under the settings of
`sql/verify_session.sql` it does not depend on the session.

The numbers are `hashtextextended` with two seeds: PostgreSQL's own hash (Jenkins' lookup3, 64 bits of
it) has not changed since version 11, hash partitioning depends on that. It does depend on the byte
order of the machine, so `probe` asks both servers for known answers first, and MD5 is taken where they
disagree. `COLLATE "C"` makes it a hash of the bytes under any collation, also nondeterministic ones.
Why not MD5 always, and what was measured: docs/decisions/0030-verification-digest.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg import sql

from migration.errors import SourceSettings
from migration.queries import query
from migration.statements import statement

SEEDS = (0x57415149, 0x54492D32)
"""Two arbitrary seeds, different from 0 (which hash partitioning uses)."""

BUCKET_SEED = 0x6275636B
"""The seed of the hash that spreads keys over buckets."""

Function = Literal["hashtextextended", "md5"]


@dataclass(frozen=True)
class Digest:
    """How rows are hashed in one comparison: the same function on both sides."""

    function: Function = "hashtextextended"

    def pair(self, text: sql.Composable) -> tuple[sql.Composable, sql.Composable]:
        """Two int8 expressions over a text expression."""
        if self.function == "hashtextextended":
            return _seeded(text, SEEDS[0]), _seeded(text, SEEDS[1])
        return _half(text, 1), _half(text, 17)

    def pair_of(self, column: str) -> tuple[sql.Composable, sql.Composable]:
        """`pair` over a column of text."""
        return self.pair(sql.Identifier(column))

    def single(self, text: sql.Composable) -> sql.Composable:
        """One int8 expression over a text expression."""
        return self.pair(text)[0]

    def bucket(self, text: sql.Composable, buckets: int) -> sql.Composable:
        """An int8 expression from 0 to `buckets` - 1; `buckets` is a power of two."""
        spread = _seeded(text, BUCKET_SEED) if self.function == "hashtextextended" else _half(text, 9)
        return sql.SQL("({} & {})").format(spread, sql.Literal(buckets - 1))


def image(columns: Sequence[str]) -> sql.Composable:
    """The text expression of a row (or of a part of one) made of these columns, in this order."""
    listed = sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    return sql.SQL('(ROW({})::pg_catalog.text COLLATE pg_catalog."C")').format(listed)


def texts(columns: Sequence[str]) -> sql.Composed:
    """The text[] expression of these columns' values, one by one; empty for none."""
    listed = [sql.SQL("{}::pg_catalog.text").format(sql.Identifier(column)) for column in columns]
    return sql.SQL("ARRAY[{}]::pg_catalog.text[]").format(sql.SQL(", ").join(listed))


def prepare(conn: psycopg.Connection[Any]) -> None:
    """Give the current transaction the settings under which a row's text is the same everywhere."""
    conn.execute(query("verify_session"))


def choose(source: psycopg.Connection[Any], target: psycopg.Connection[Any]) -> Digest:
    """The fastest digest on which both servers agree.

    Raises SourceSettings when the databases' encodings differ: the same character is then other bytes.
    """
    answers = [_probe(conn) for conn in (source, target)]
    (source_encoding, source_hashes), (target_encoding, target_hashes) = answers
    if source_encoding != target_encoding:
        raise SourceSettings(
            f"the shared database is encoded in {source_encoding} and the target in {target_encoding}; "
            f"make the target's database with ENCODING {source_encoding}, or rows cannot be compared exactly"
        )
    return Digest("hashtextextended" if source_hashes == target_hashes else "md5")


def _probe(conn: psycopg.Connection[Any]) -> tuple[str, list[str]]:
    seeds = [sql.Literal(seed) for seed in (*SEEDS, BUCKET_SEED)]
    row = conn.execute(statement("verify_probe").format(seeds=sql.SQL(", ").join(seeds))).fetchone()
    if row is None:
        raise AssertionError("an aggregate without GROUP BY gives one row")
    return row[0], row[1]


def _seeded(text: sql.Composable, seed: int) -> sql.Composable:
    return sql.SQL('pg_catalog.hashtextextended({} COLLATE pg_catalog."C", {})').format(
        text, sql.Literal(seed)
    )


def _half(text: sql.Composable, start: int) -> sql.Composable:
    half = sql.SQL("pg_catalog.substr(pg_catalog.md5({}), {}, 16)").format(text, sql.Literal(start))
    return sql.SQL("('x' || {})::pg_catalog.bit(64)::pg_catalog.int8").format(half)
