"""Keys of every type, and what else names a row: changes follow, and are compared, on all versions."""

# ruff: noqa: S608 (its statements are made of its own constants)

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from core.sessions.connections import Database
from migration.catalog.tables import Table, TableName
from migration.replicate.flow import Flow
from migration.verify.changed_compare import compare_changed
from migration.verify.changed_keys import ChangedKeys
from tests.support.replicas import copy_rows, reachable
from tests.support.tables import tables_of
from tests.support.versions import every_version_pair

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

TYPES = """
CREATE SCHEMA kinds;
CREATE TYPE kinds."Odd pair" AS (a int, b text);
CREATE TYPE kinds.mood AS ENUM ('sad', 'it''s ok', 'happy');
CREATE DOMAIN kinds.ids AS int[] CHECK (cardinality(VALUE) > 0);
CREATE DOMAIN kinds.more_ids AS kinds.ids;
CREATE DOMAIN kinds.code AS char(4);
CREATE TYPE kinds.spans AS RANGE (subtype = numeric);
CREATE EXTENSION citext SCHEMA kinds;
"""

KEYS: dict[str, tuple[str, tuple[str, str, str]]] = {
    "int_array": ("int[]", ("'{1,2}'", "'{}'", "'[0:1]={7,NULL}'")),
    "text_array": ("text[]", ("'{a,NULL}'", """'{"NULL","x,\\"y\\\\"}'""", "'{{a,b},{c,d}}'")),
    "composite": ('kinds."Odd pair"', ("ROW(1, 'x,\"'::text)", "ROW(2, NULL::text)", "ROW(3, '('''::text)")),
    "range": ("int4range", ("'[1,5)'", "'empty'", "'(,)'")),
    "multirange": ("int4multirange", ("'{[1,5),[7,9)}'", "'{}'", "'{(,)}'")),
    "own_range": ("kinds.spans", ("'[1.0,2.00)'", "'[1.5,)'", "'empty'")),
    "domain": ("kinds.more_ids", ("'{1}'", "'{2,3}'", "'{NULL,1}'")),
    "padded_domain": ("kinds.code", ("'ab'", "'abcd'", "''")),
    "padded": ("char(5)", ("'ab'", "' b'", "''")),
    "enum": ("kinds.mood", ("'sad'", "'it''s ok'", "'happy'")),
    "enum_array": ("kinds.mood[]", ("'{sad}'", "'{\"it''s ok\",NULL}'", "'{}'")),
    "float": ("float8", ("'-0'", "'NaN'", "1e-300")),
    "numeric": ("numeric", ("1.0", "'NaN'", "1e30")),
    "interval": ("interval", ("'24:00'", "'1 mon -1 day'", "'-3 years'")),
    "moment": ("timestamptz", ("'infinity'", "'-infinity'", "'2026-10-25 02:30:00.000001+02'")),
    "bytes": ("bytea", (r"'\\x00ff'", r"'\\x'", r"'\\x5c'")),
    "document": ("jsonb", ("'{\"a\": 1.0}'", "'null'", "'\"x\"'")),
    "loose": ("kinds.citext", ("'Abc'", "'abd'", "''")),
    "bits": ("bit varying(8)", ("'101'", "''", "'00000000'")),
    "network": ("inet", ("'10.0.0.1/8'", "'::1'", "'10.0.0.1'")),
    "money": ("money", ("'1234.56'", "'-0.01'", "'0'")),
    "name": ("name", ("'a'", "'A b'", "''")),
    "vector": ("tsvector", ("'a:1 b'", "''", "'c'")),
    "timetz": ("timetz", ("'12:00+02'", "'24:00-12'", "'10:00+00'")),
    "oid": ("oid", ("0", "4294967295", "16384")),
    "two": ("int[], k2 kinds.mood", ("'{1}', 'sad'", "'{1}', 'happy'", "'{2}', 'sad'")),
}
AGAIN = {
    "float": "'0'",
    "numeric": "1.00",
    "interval": "'1 day'",
    "loose": "'aBC'",
    "document": "'{\"a\": 1.00}'",
}
"""Other spellings of the first key, which the key's own `=` takes for the same."""

OTHERS = """
CREATE TABLE kinds.including (a int NOT NULL, b text, UNIQUE (a) INCLUDE (b));
CREATE TABLE kinds.deferrable (a int PRIMARY KEY DEFERRABLE, b text);
CREATE TABLE kinds.deferrable_beside (a int PRIMARY KEY DEFERRABLE, b text, c int NOT NULL UNIQUE);
CREATE TABLE kinds.nullable (a int UNIQUE, b text);
CREATE TABLE kinds.partial (a int NOT NULL, b text); CREATE UNIQUE INDEX ON kinds.partial (a) WHERE b <> '';
CREATE TABLE kinds.expression (a text NOT NULL, b text); CREATE UNIQUE INDEX ON kinds.expression (lower(a));
CREATE TABLE kinds.nothing (a int PRIMARY KEY, b text); ALTER TABLE kinds.nothing REPLICA IDENTITY NOTHING;
CREATE TABLE kinds.whole (a int PRIMARY KEY, b text); ALTER TABLE kinds.whole REPLICA IDENTITY FULL;
CREATE TABLE kinds.by_index (a int PRIMARY KEY, b text, c int NOT NULL);
CREATE UNIQUE INDEX by_c ON kinds.by_index (c); ALTER TABLE kinds.by_index REPLICA IDENTITY USING INDEX by_c;
CREATE TABLE kinds.beside (a int NOT NULL UNIQUE, b text, c int GENERATED ALWAYS AS (a + 1) STORED PRIMARY KEY
);
CREATE TABLE kinds.parts (a int NOT NULL, b text) PARTITION BY LIST (a);
CREATE TABLE kinds.parts_1 PARTITION OF kinds.parts FOR VALUES IN (1, 2, 3);
ALTER TABLE kinds.parts_1 ADD PRIMARY KEY (a);
CREATE TABLE kinds.parts_2 PARTITION OF kinds.parts DEFAULT;
"""


def _table(name: str, kind: str) -> str:
    key = "k, k2" if ", k2 " in kind else "k"
    return f"CREATE TABLE kinds.{name} (k {kind}, v text, PRIMARY KEY ({key}));"


def _others() -> list[str]:
    return [
        line.split("kinds.")[1].split()[0] for line in OTHERS.splitlines() if line.startswith("CREATE TABLE")
    ]


@contextmanager
def followed(source: Database, target: Database) -> Iterator[tuple[Flow, list[Table], ChangedKeys]]:
    script = TYPES + "".join(_table(name, kind) for name, (kind, _) in KEYS.items()) + OTHERS
    with source.connect() as there, target.connect() as here:
        there.execute(script.encode())
        here.execute(script.encode())
        for name, (_, values) in KEYS.items():
            for value in values[:2]:
                there.execute(f"INSERT INTO kinds.{name} VALUES ({value}, 'before')".encode())
    tables = tables_of(source, "kinds")
    with (
        Flow("kinds", "forward", reachable(source, target), target) as flow,
        Flow("kinds", "back", target, source) as back,
    ):
        flow.publish(tables)
        back.publish(tables)
        with flow.exported_slot() as (snapshot, _):
            copy_rows(source, target, tables, snapshot)
        flow.subscribe(tables, enabled=True)
        flow.prove(seconds=30)
        with ChangedKeys(flow, tables) as keys:
            keys.begin()
            yield flow, tables, keys
            keys.drop()


@every_version_pair
def test_a_row_of_any_key_follows_and_is_compared(
    source_database: Database, target_database: Database
) -> None:
    with followed(source_database, target_database) as (flow, tables, keys):
        with source_database.connect() as there:
            there.execute("SET search_path = kinds")  # where the operators of citext are
            for name, (kind, (first, second, third)) in KEYS.items():
                key = "(k, k2)" if ", k2 " in kind else "k"
                there.execute(f"UPDATE {name} SET v = 'changed' WHERE {key} = ({first})".encode())
                there.execute(f"DELETE FROM {name} WHERE {key} = ({second})".encode())
                there.execute(f"INSERT INTO {name} VALUES ({third}, 'new')".encode())
                if name in AGAIN:
                    there.execute(f"UPDATE {name} SET k = {AGAIN[name]} WHERE k = {first}".encode())
        flow.prove(seconds=20)
        keys.collect()
        changed = keys.take()
        assert changed.whole == set()
        for name in KEYS:
            assert len(changed.keys[TableName("kinds", name)]) >= 3, name
        with source_database.connect() as there, target_database.connect() as here:
            sides = (there, here)
            compared = compare_changed(source_database, target_database, sides, tables, changed)
            assert compared.differences == ()
            for name in KEYS:
                here.execute(f"UPDATE kinds.{name} SET v = 'wrong' WHERE v = 'changed'".encode())
            compared = compare_changed(source_database, target_database, sides, tables, changed)
        assert {difference.table.name for difference in compared.differences} == KEYS.keys()


@every_version_pair
def test_a_row_named_otherwise_follows_and_is_compared(
    source_database: Database, target_database: Database
) -> None:
    with followed(source_database, target_database) as (flow, tables, keys):
        with source_database.connect() as there:
            for name in _others():
                if name.startswith("parts_"):
                    continue
                third = ", 3" if name in {"by_index", "deferrable_beside"} else ""
                other = third.replace("3", "9")
                there.execute(f"INSERT INTO kinds.{name} VALUES (1, 'x'{third}), (7, 'x'{other})".encode())
                there.execute(f"UPDATE kinds.{name} SET b = 'changed'".encode())
                there.execute(f"DELETE FROM kinds.{name} WHERE a::int = 7".encode())
        flow.prove(seconds=20)
        keys.collect()
        changed = keys.take()
        keys.rows.until(None, None)
        assert keys.rows.differences() == []
        with source_database.connect() as there, target_database.connect() as here:
            compared = compare_changed(source_database, target_database, (there, here), tables, changed)
            assert compared.differences == ()
            for name in _others():
                found = here.execute(f"SELECT count(*), min(b) FROM kinds.{name}".encode()).fetchone()
                assert found == ((1, "changed") if name != "parts_2" else (0, None)), name
