"""Tables with what real ones hold, and one thousand ways in which a copy of them can be wrong."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from migration.verify.model import Kind

SCHEMA = "Fault's Schema"
ROWS = 3000

COLUMN_FAULTS: dict[str, tuple[str, str]] = {
    "one bit of bytea": ("bin", "set_bit(bin, 77, 1 - get_bit(bin, 77))"),
    "bytea longer by a zero": ("bin", "bin || '\\x00'"),
    "empty to NULL": ("empty", "NULL"),
    "NULL to empty": ("nothing", "''"),
    "NULL to the word": ("nothing", "'NULL'"),
    "trailing space": ("txt", "txt || ' '"),
    "leading space": ("txt", "' ' || txt"),
    "carriage return": ("txt", "txt || E'\\r'"),
    "unicode form": ("txt", "normalize(txt, NFD)"),
    "case": ("txt", "upper(txt)"),
    "zero-width joiner": ("txt", "txt || U&'\\200D'"),
    "text cut": ("vc", "left(vc, -1)"),
    "char cut": ("padded", "left(padded, 1)"),
    "name": ("nm", "nm || 'x'"),
    "numeric scale": ("n", "round(n, 2)"),
    "numeric in the last place": ("n2", "n2 + 0.01"),
    "numeric sign": ("n2", "-n2"),
    "scale of a domain": ("am", "trim_scale(am) + 0.000"),
    "NaN to NULL": ("nan", "NULL"),
    "NaN to infinity": ("nan", "'Infinity'"),
    "last bit of a float8": ("f8", "f8 + f8 * 2.3e-16"),
    "last bit of a float4": ("f4", "f4 + f4 * 1.2e-7::float4"),
    "minus zero": ("zero", "'-0'"),
    "a cent of money": ("cash", "cash + '0.01'::money"),
    "time zone": ("tstz", "tstz + interval '1 h'"),
    "microsecond": ("tstz", "tstz + interval '1 microsecond'"),
    "timestamp taken for local": ("ts", "ts AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin'"),
    "same instant in another zone": ("ttz", "'13:00:00+01'"),
    "infinite date": ("d", "'infinity'"),
    "30 days for a month": ("span", "'30 days'"),
    "boolean": ("flag", "NOT flag"),
    "boolean to NULL": ("flag", "NULL"),
    "NULL of an array to the word": ("texts", "ARRAY['a', 'NULL', 'b']"),
    "array without its NULL": ("texts", "ARRAY['a', 'b']"),
    "array to empty": ("texts", "'{}'"),
    "lower bound of an array": ("ints", "('[0:2]=' || ints::text)::int[]"),
    "order in an array": ("ints", "ARRAY[2, 1, ints[3]]"),
    "dimensions of an array": ("nested", "ARRAY[nested[1][1], nested[1][2], nested[2][1], nested[2][2]]"),
    "duplicate key of json": ("js", "js::jsonb::json"),
    "space in json": ("js", "(js::text || ' ')::json"),
    "scale in jsonb": ("jb", "jsonb_set(jb, '{n}', ((jb->>'n') || '0')::jsonb)"),
    "null in jsonb": ("jb", "jsonb_set(jb, '{s}', 'null')"),
    "jsonb null for NULL": ("jb", "'null'"),
    "NULL in a composite": ("pr", "ROW((pr).a, NULL)"),
    "composite of NULLs to NULL": ("pr", "NULL"),
    "composite in an array": ("prs", "ARRAY[ROW(id, '')::\"Fault's Schema\".pair]"),
    "enum": ("md", "'calm'"),
    "bound of a range": ("rng", "int4range(1, upper(rng) + 1)"),
    "empty range": ("rng", "'empty'"),
    "inclusive bound": ("trng", "tstzrange(lower(trng), NULL, '()')"),
    "netmask": ("ip", "host(ip)::inet"),
    "cidr": ("net", "set_masklen(net::inet, 25)::cidr"),
    "uuid": ("u", "(left(u::text, 35) || CASE right(u::text, 1) WHEN '0' THEN '1' ELSE '0' END)::uuid"),
    "bit string longer": ("bits", "bits || B'0'"),
    "minus zero of a point": ("pt", "point('-0'::float8, pt[1])"),
    "weight of a lexeme": ("tv", "setweight(tv, 'A')"),
    "oid": ("o", "(o::bigint + 1)::oid"),
}
"""Name to column and the wrong value, as SQL over the right row."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong on the target: what does it, and how a verification has to name it."""

    name: str
    statement: sql.Composed
    """For a session whose search_path is SCHEMA."""
    expected: tuple[tuple[str, Kind, str], ...]
    """Table, kind, and the key's value (empty: a table without a key)."""
    column: str | None = None


def create(connection: psycopg.Connection[Any]) -> None:
    """Make and fill the tables; the same rows on every server."""
    with connection.transaction():
        connection.execute((Path(__file__).parent / "faults.sql").read_bytes())


def inflict(connection: psycopg.Connection[Any], faults: Iterable[Fault]) -> None:
    """Do these faults to the target."""
    connection.execute(sql.SQL("SET search_path = {}, public").format(sql.Identifier(SCHEMA)))
    for fault in faults:
        connection.execute(fault.statement)


def wrong_value(name: str, table: str, row: int) -> Fault:
    """A fault of COLUMN_FAULTS in one row."""
    column, wrong = COLUMN_FAULTS[name]
    changed = sql.SQL("UPDATE {} SET {} = {} WHERE id = {}").format(
        sql.Identifier(table), sql.Identifier(column), sql.SQL(wrong), row
    )
    return Fault(name, changed, ((table, "changed", str(row)),), column)


def seeded(seed: int, count: int) -> Iterator[Fault]:
    """So many different faults, each of a row of its own, chosen by `seed`."""
    chance = random.Random(seed)
    tables = ("keyed", "twin", "everything", "parted")
    rows = {table: chance.sample(range(1, ROWS + 1), ROWS) for table in tables}
    names = sorted(COLUMN_FAULTS)
    kinds = ["missing", "extra", "duplicate", "moved", "partition"]
    for number in range(count):
        kind = "value" if number < len(names) else chance.choice(["value"] * 12 + kinds)
        if kind == "value":
            table = "keyed" if len(rows["keyed"]) > len(rows["twin"]) else "twin"
            yield wrong_value(names[number % len(names)], table, rows[table].pop())
        elif kind == "missing":
            table = chance.choice(["keyed", "everything"])
            row = rows[table].pop()
            yield Fault(
                kind, _delete(table, row), ((table, "missing", str(row) if table == "keyed" else ""),)
            )
        elif kind == "extra":
            new = 1_000_000 + number
            inserted = sql.SQL("INSERT INTO keyed (id, txt) VALUES ({}, 'never was')").format(new)
            yield Fault(kind, inserted, (("keyed", "extra", str(new)),))
        elif kind == "duplicate":
            row = rows["everything"].pop()
            yield Fault(kind, _copy("everything", "everything", row), (("everything", "extra", ""),))
        elif kind == "moved":
            # `keyed` loses a row, the keyless table with the same columns gains it.
            row = rows["keyed"].pop()
            moved = sql.SQL("; ").join([_copy("keyed", "everything", row), _delete("keyed", row)])
            yield Fault(kind, moved, (("keyed", "missing", str(row)), ("everything", "extra", "")))
        else:
            row = rows["parted"].pop()
            region = ["eu", "us", "ap"][row % 3]
            leaf = "parted_rest" if region != "eu" else "parted_eu_1" if row < 1500 else "parted_eu_2"
            changed = sql.SQL("UPDATE parted SET v = v || '.' WHERE id = {}").format(row)
            yield Fault(kind, changed, ((leaf, "changed", str(row)),), "v")


def _delete(table: str, row: int) -> sql.Composed:
    return sql.SQL("DELETE FROM {} WHERE id = {}").format(sql.Identifier(table), row)


def _copy(source: str, target: str, row: int) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} WHERE id = {} LIMIT 1").format(
        sql.Identifier(target), _COLUMNS, _COLUMNS, sql.Identifier(source), row
    )


_COLUMNS = sql.SQL(
    "id, empty, nothing, txt, padded, vc, nm, n, n2, am, nan, f8, f4, zero, cash, tstz, ts, ttz, d, span,"
    " flag, texts, ints, nested, js, jb, bin, pr, prs, md, rng, trng, ip, net, u, bits, pt, tv, o"
)
