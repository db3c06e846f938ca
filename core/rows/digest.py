"""A row as text, and that text as two 64-bit numbers, the same on every server that may be compared.

The text is the row's own (`ROW(...)::text`, PostgreSQL's record output): it quotes what needs quoting,
writes NULL as nothing and an empty string as `""`, keeps a numeric's scale and a string's trailing
spaces, and writes the shortest text that a float reads back from exactly. Under the settings of
`core.sessions.settings.COMPARING` it does not depend on the session.

The numbers are `hashtextextended` with two seeds: PostgreSQL's own hash (Jenkins' lookup3, 64 bits of
it) has not changed since version 11, hash partitioning depends on that. It does depend on the byte
order of the machine, so `probe` asks both servers for known answers first, and MD5 is taken where they
disagree. `COLLATE "C"` makes it a hash of the bytes under any collation, also nondeterministic ones.
Why not MD5 always, and what was measured: docs/decisions/0030-verification-digest.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg import sql

from core.errors import SourceSettings
from core.sessions.queries import statements
from core.sessions.settings import COMPARING, use

statement = statements(__package__)

SEEDS = (0x57415149, 0x54492D32)
"""Two arbitrary seeds, different from 0 (which hash partitioning uses)."""

BUCKET_SEED = 0x6275636B
"""The seed of the hash that spreads keys over buckets."""

LONGEST_TEXT = 1_000_000_000
"""A row's text of more bytes is not made: PostgreSQL makes none of more than 1 GiB, quotes included."""
HUGE_FROM_BYTES = 2 << 20
"""Smaller tables hold no such row: values are compressed to a 255th at most."""

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

    def totals(
        self, image: sql.Composable, table: sql.Composable, where: sql.Composable | None = None
    ) -> sql.Composed:
        """The statement that gives count and both sums over a table's rows, `image` being a row's text."""
        hash1, hash2 = self.pair_of("image")
        return statement("totals").format(
            hash1=hash1, hash2=hash2, image=image, table=table, range=where or sql.SQL("true")
        )

    def bucket(self, text: sql.Composable, buckets: int) -> sql.Composable:
        """An int8 expression from 0 to `buckets` - 1; `buckets` is a power of two."""
        spread = _seeded(text, BUCKET_SEED) if self.function == "hashtextextended" else _half(text, 9)
        return sql.SQL("({} & {})").format(spread, sql.Literal(buckets - 1))


def image(columns: Sequence[str] | Mapping[str, str], of: str | None = None) -> sql.Composable:
    """The text expression of a row (or of a part of one) made of these columns, in this order.

    `of` is what the query calls the table, where it has others. Where `columns` has their types, too, a row
    that is too long for a text is made of the MD5 of its longest kinds of value (`huge_rows`).
    """
    whole = sql.SQL("ROW({})::pg_catalog.text").format(
        sql.SQL(", ").join(_column(column, of) for column in columns)
    )
    if isinstance(columns, Mapping) and (length := text_length(columns, of)) is not None:
        hashed = sql.SQL(", ").join(
            sql.SQL("pg_catalog.md5({})" if _longest(kind) else "{}").format(_column(column, of))
            for column, kind in columns.items()
        )
        whole = sql.SQL("CASE WHEN {} < {} THEN {} ELSE ROW({})::pg_catalog.text END").format(
            length, LONGEST_TEXT, whole, hashed
        )
    return sql.SQL('({} COLLATE pg_catalog."C")').format(whole)


def text_length(columns: Mapping[str, str], of: str | None = None) -> sql.Composable | None:
    """The int8 expression of how long a row's text is, about, by its values' heads; None for short ones."""
    lengths = [
        sql.SQL("coalesce({}::pg_catalog.int8 * pg_catalog.octet_length({}), 0)").format(
            2 if kind == "bytea" else 1, _column(column, of)
        )
        for column, kind in columns.items()
        if _longest(kind)
    ]
    return sql.SQL(" + ").join(lengths) if lengths else None


def _longest(kind: str) -> bool:
    """Whether values of a type may be hundreds of megabytes, and say how long they are without being read."""
    return kind in {"bytea", "text", "character varying"}


def typed(columns: Iterable[tuple[str, str]], table_bytes: int) -> Mapping[str, str] | Sequence[str]:
    """Columns for `image`: with their types where the table is large enough for a row of that length."""
    named = dict(columns)
    return named if table_bytes >= HUGE_FROM_BYTES else tuple(named)


def texts(columns: Sequence[str], of: str | None = None) -> sql.Composed:
    """The text[] expression of these columns' values, one by one; empty for none."""
    listed = [sql.SQL("{}::pg_catalog.text").format(_column(column, of)) for column in columns]
    return sql.SQL("ARRAY[{}]::pg_catalog.text[]").format(sql.SQL(", ").join(listed))


def _column(name: str, of: str | None) -> sql.Identifier:
    return sql.Identifier(name) if of is None else sql.Identifier(of, name)


def prepare(conn: psycopg.Connection[Any]) -> None:
    """Give the current transaction the settings under which a row's text is the same everywhere."""
    use(conn, COMPARING, local=True)


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


def probe(conn: psycopg.Connection[Any]) -> str:
    """What a server's encoding and hash function are, in short: sums of two that say the same compare."""
    encoding, hashes = _probe(conn)
    return f"{encoding} {hashlib.sha256(' '.join(hashes).encode()).hexdigest()[:16]}"


def _probe(conn: psycopg.Connection[Any]) -> tuple[str, list[str]]:
    seeds = [sql.Literal(seed) for seed in (*SEEDS, BUCKET_SEED)]
    row = conn.execute(statement("probe").format(seeds=sql.SQL(", ").join(seeds))).fetchone()
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
