"""Names and columns for generated schemas: what hypothesis draws, as SQL."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from psycopg import sql

ODD = (
    "t", "select", "Order", 'a"b', "ünïcödé", "a.b", "x y", "S;--", "%s", "{0}", "it's", "日本", "user",
    "$1$", "back\\slash", "tab\tname", "new\nline", "T" * 60, "ü" * 31, "-- kind", "(f)", "pg_x", "_", "0",
)  # fmt: skip
"""Stems of names; a number makes them unique."""
_BYTES = 63
"""PostgreSQL's NAMEDATALEN - 1: a longer name would be cut off with a notice."""


def quoted(*parts: str) -> str:
    """An identifier as SQL."""
    return sql.Identifier(*parts).as_string(None)


def text(value: str) -> str:
    """A string as SQL; an E'' string where it has backslashes."""
    return sql.Literal(value).as_string(None).strip()


def say(template: str, *parts: object) -> str:
    """A statement of pieces that are SQL already."""
    return sql.SQL(template).format(*(sql.SQL(str(part)) for part in parts)).as_string(None)


def fresh_name(stem: str, number: int) -> str:
    """The stem with its number, in no more bytes than a name may have."""
    mark = str(number)
    while len((stem + mark).encode()) > _BYTES:
        stem = stem[:-1]
    return stem + mark


@dataclass(frozen=True)
class Kind:
    """A type, and an expression for its value in row `i`."""

    type: str
    value: str
    sortable: bool = True
    """Has a btree operator class."""
    null: str = "NULL"
    """What an array of it has in the place of NULL: a domain may forbid it."""


BUILTIN = (
    Kind("integer", "(i * 7 - 50)::int"),
    Kind("text", r"E'\\ \t\n ''' || i || 'ü\u2028' || repeat('x', i)"),
    Kind("bigint", "9223372036854775807 - i"),
    Kind("smallint", "(i - 3)::smallint"),
    Kind("numeric", "CASE i % 2 WHEN 0 THEN 'NaN' ELSE '-1e-30' END::numeric"),
    Kind("numeric(12,3)", "i / 7.0"),
    Kind("double precision", "CASE i % 3 WHEN 0 THEN 'NaN' WHEN 1 THEN '-0' ELSE 1 / 3.0 END::float8"),
    Kind("double precision", "CASE i % 2 WHEN 0 THEN '-infinity' ELSE 1e-300 END::float8"),
    Kind("real", "(i / 3.0)::real"),
    Kind("boolean", "i % 2 = 0"),
    Kind("varchar(30)", "'v' || i"),
    Kind("character(5)", "'c ' || i % 10"),
    Kind("bytea", r"decode(lpad(to_hex(i), 8, '0'), 'hex') || '\x005c0a'::bytea"),
    Kind("date", "CASE i % 2 WHEN 0 THEN 'infinity' ELSE '0044-03-15 BC' END::date"),
    Kind("timestamp with time zone", "'2026-03-29 00:59:59.99+00'::timestamptz + i * '1 h 1 us'::interval"),
    Kind("timestamp(3) without time zone", "'1999-12-31 23:59:59.999'::timestamp + i * '1 s'::interval"),
    Kind("time with time zone", "'12:00:00.000001+05:30'::timetz"),
    Kind("interval", "make_interval(0, i, 0, -i, 25, 0, 0.5)"),
    Kind("uuid", "md5(i::text)::uuid"),
    Kind("jsonb", "jsonb_build_object('a', i, 'b', E'\\n\"')"),
    Kind("json", '\'{"a":  1, "a": 2}\'::json', sortable=False),
    Kind("inet", "'10.0.0.1/8'::inet + i"),
    Kind("macaddr", "'08:00:2b:01:02:03'::macaddr"),
    Kind("point", "point(i, 1 / 3.0)", sortable=False),
    Kind("box", "box(point(i, 0), point(0, i))", sortable=False),
    Kind("bit varying(9)", "(i % 8)::bit(3)::varbit"),
    Kind("int4range", "CASE i % 3 WHEN 0 THEN 'empty' ELSE int4range(i, NULL) END"),
    Kind("tstzmultirange", "tstzmultirange(tstzrange('2026-01-01', NULL), tstzrange(NULL, '2025-01-01'))"),
    Kind("tsvector", "to_tsvector('simple', 'a b ''' || i)"),
    Kind("pg_lsn", "'16/B374D848'::pg_lsn"),
    Kind("name", "('n' || i)::name"),
    Kind('"char"', "'x'::\"char\""),
    Kind("regclass", "'pg_class'::regclass"),
)

builtins = st.sampled_from(BUILTIN)
stems = st.sampled_from(ODD)


def array_of(kind: Kind) -> Kind:
    """The array type, with an empty, a NULL and a nested array among its values."""
    value = say(
        "CASE i % 4 WHEN 0 THEN ARRAY[]::{}[] WHEN 1 THEN ARRAY[{}, {}]::{}[]"
        " WHEN 2 THEN ARRAY[ARRAY[{}], ARRAY[{}]] ELSE ARRAY[{}, {}] END",
        kind.type, kind.null, kind.value, kind.type, kind.value, kind.value, kind.value, kind.value,
    )  # fmt: skip
    return Kind(kind.type + "[]", value, kind.sortable)
