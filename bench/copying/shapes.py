"""What is copied: databases of one schema, each hard in another way. `factor` is the share of full size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from bench.copying.work import SCHEMA, TABLES, Work, run


class _Statements(Protocol):
    def __call__(self, factor: float) -> Iterator[str]:
        """What fills the schema, which is the search_path."""


@dataclass(frozen=True)
class Shape:
    """A database to copy."""

    name: str
    what: str
    """At full size."""
    statements: _Statements | None
    """None: pgbench fills it."""

    def fill(self, work: Work, factor: float) -> None:
        """Fill the shared database, whose schema is there and empty."""
        if self.statements is None:
            _pgbench(work, factor)
            return
        with work.from_.connect() as connection:
            connection.execute(f"SET search_path = {SCHEMA}, public".encode())
            for statement in self.statements(factor):
                connection.execute(statement.encode())


PGBENCH_SCALE = 50


def _pgbench(work: Work, factor: float) -> None:
    scale = max(1, round(PGBENCH_SCALE * factor))
    run(work.from_, [work.source.binaries / "pgbench", "-i", "-q", "-s", str(scale)])
    with work.from_.connect() as connection:
        for table in TABLES:
            connection.execute(f"ALTER TABLE public.{table} SET SCHEMA {SCHEMA}".encode())


def _scaled(number: int, factor: float) -> int:
    return max(1, round(number * factor))


def _five_indexes(factor: float) -> Iterator[str]:
    yield "CREATE TABLE orders (id bigint, code text, mail text, state int, tags text[], note text)"
    yield (
        "INSERT INTO orders SELECT n, md5(n::text), 'Name' || n % 500000 || '@Example.org', n % 10,"  # noqa: S608
        " ARRAY['t' || n % 97, 't' || n % 1009], repeat('x', n % 60)"
        f" FROM generate_series(1, {_scaled(3_000_000, factor)}) AS n"
    )
    yield "ALTER TABLE orders ADD CONSTRAINT orders_id UNIQUE (id)"
    yield "CREATE INDEX by_code ON orders (code)"
    yield "CREATE INDEX open_ones ON orders (mail) WHERE state = 3"
    yield "CREATE INDEX by_mail ON orders (lower(mail))"
    yield "CREATE INDEX by_tag ON orders USING gin (tags)"


def _hundred_columns(factor: float) -> Iterator[str]:
    kinds = ("int", "text", "timestamptz", "numeric")
    values = (
        "n + {0}",
        "'v' || n % 1000 + {0}",
        "'2026-01-01'::timestamptz + n * '1 s'::interval",
        "n / 7.0",
    )
    columns = ", ".join(f"c{number} {kinds[number % 4]}" for number in range(99))
    listed = ", ".join(values[number % 4].format(number) for number in range(99))
    rows = _scaled(300_000, factor)
    yield f"CREATE TABLE wide (id int PRIMARY KEY, {columns})"
    yield f"INSERT INTO wide SELECT n, {listed} FROM generate_series(1, {rows}) AS n"  # noqa: S608


def _toast(factor: float) -> Iterator[str]:
    yield "CREATE TABLE documents (id int PRIMARY KEY, body text)"
    # md5 of a number does not compress: what is stored is what is sent.
    yield (
        "INSERT INTO documents SELECT n, (SELECT string_agg(md5((n * 10000 + k)::text), '')"  # noqa: S608
        " FROM generate_series(1, 32 * (1 + n % 100)) AS k)"
        f" FROM generate_series(1, {_scaled(10_000, factor)}) AS n"
    )


def _narrow(factor: float) -> Iterator[str]:
    rows = _scaled(10_000_000, factor)
    yield "CREATE TABLE narrow (id int PRIMARY KEY, value int)"
    yield f"INSERT INTO narrow SELECT n, n % 1000 FROM generate_series(1, {rows}) AS n"  # noqa: S608


def _small_tables(factor: float) -> Iterator[str]:
    for number in range(_scaled(2_000, factor)):
        yield (
            f"CREATE TABLE small_{number} (id int PRIMARY KEY, code text NOT NULL, at timestamptz);"  # noqa: S608
            f" CREATE INDEX ON small_{number} (code);"
            f" INSERT INTO small_{number} SELECT n, 'c' || n, '2026-01-01' FROM generate_series(1, 20) AS n"
        )


def _partitions(factor: float) -> Iterator[str]:
    parts, rows = 60, _scaled(50_000, factor)
    yield "CREATE TABLE events (id bigint, at int, what text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)"
    for number in range(parts):
        yield (
            f"CREATE TABLE events_{number} PARTITION OF events FOR VALUES FROM ({number}) TO ({number + 1})"
        )
    yield "CREATE INDEX ON events (what)"
    yield (
        "INSERT INTO events SELECT n, n % 60, 'event ' || n % 1000"  # noqa: S608
        f" FROM generate_series(1, {parts * rows}) AS n"
    )


def _large_objects(factor: float) -> Iterator[str]:
    yield "CREATE TABLE scans (id int PRIMARY KEY, object oid)"
    yield (
        "INSERT INTO scans SELECT n, lo_from_bytea(0, decode(repeat(md5(n::text), 3200), 'hex'))"  # noqa: S608
        f" FROM generate_series(1, {_scaled(2_000, factor)}) AS n"
    )


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("pgbench", "pgbench at scale 50: 5 million rows, 755 MB", None),
        Shape("five_indexes", "3 million rows; text, partial, expression, GIN, unique", _five_indexes),
        Shape("hundred_columns", "300,000 rows of 100 columns", _hundred_columns),
        Shape("toast", "10,000 texts of 1 to 100 kB, half a GB, that do not compress", _toast),
        Shape("narrow", "10 million rows of two integers", _narrow),
        Shape("small_tables", "2,000 tables of 20 rows, a key and an index each", _small_tables),
        Shape("partitions", "3 million rows in 60 partitions, a key and an index", _partitions),
        Shape("large_objects", "2,000 large objects of 50 kB", _large_objects),
    )
}
