"""What the catalogue tells of tables: keys, columns that travel, partitions, sequences, large objects."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.sessions.connections import Database
from migration.catalog.objects import Catalog
from migration.catalog.read import read_catalog
from migration.catalog.tables import LargeObjectColumn, Table, TableName

pytestmark = pytest.mark.integration

Read = Callable[[str], Catalog]


@pytest.fixture
def read(source_database: Database) -> Read:
    """The catalogue after a script has run."""

    def run(script: str) -> Catalog:
        with source_database.connect() as connection:
            connection.execute(b"CREATE SCHEMA a; SET search_path = a")
            connection.execute(script.encode())
            return read_catalog(connection)

    return run


def table(catalog: Catalog, name: str) -> Table:
    (found,) = [t for t in catalog.tables.values() if t.name == TableName("a", name)]
    return found


@pytest.mark.parametrize(
    ("definition", "key", "identity"),
    [
        ("(y int, x int, PRIMARY KEY (x, y))", ("x", "y"), "primary key"),
        ("(x int NOT NULL, CONSTRAINT u UNIQUE (x))", ("x",), "index u"),
        ("(x int NOT NULL, y int, CONSTRAINT u UNIQUE (x) INCLUDE (y))", ("x",), "index u"),
        ("(x int, CONSTRAINT u UNIQUE (x))", None, "full"),
        ("(x int NOT NULL, CONSTRAINT u UNIQUE (x) DEFERRABLE)", None, "full"),
        ("(x int); CREATE UNIQUE INDEX u ON t ((x + 1))", None, "full"),
        ("(x int NOT NULL); CREATE UNIQUE INDEX u ON t (x) WHERE x > 0", None, "full"),
        ("(x int PRIMARY KEY); ALTER TABLE t REPLICA IDENTITY FULL", ("x",), "full"),
        (
            "(x int PRIMARY KEY, y int NOT NULL, CONSTRAINT u UNIQUE (y));"
            "ALTER TABLE t REPLICA IDENTITY USING INDEX u",
            ("x",),
            "index u",
        ),
    ],
)
def test_the_key_tells_rows_apart_or_is_none(
    read: Read, definition: str, key: tuple[str, ...] | None, identity: str
) -> None:
    found = table(read(f"CREATE TABLE t {definition}"), "t")
    assert (found.key, found.replica_identity) == (key, identity)


def test_columns_travel_in_binary_only_if_it_means_the_same_elsewhere(read: Read) -> None:
    found = table(
        read(
            "CREATE TYPE mood AS ENUM ('x'); CREATE DOMAIN d AS mood; CREATE TYPE plain AS (i int);"
            "CREATE TYPE mixed AS (m mood); CREATE TABLE t (number int[], enum mood, domain d, simple plain,"
            " enums mood[], composite mixed, reference regclass, references_ regclass[], acl aclitem)"
        ),
        "t",
    )
    text = {column.name for column in found.columns if not column.binary}
    assert text == {"enums", "composite", "reference", "references_", "acl"}


def test_generated_and_dropped_columns_do_not_travel(read: Read) -> None:
    found = table(
        read(
            "CREATE TABLE t (a int, gone int, b int GENERATED ALWAYS AS (a * 2) STORED,"
            " id int GENERATED ALWAYS AS IDENTITY); ALTER TABLE t DROP COLUMN gone"
        ),
        "t",
    )
    assert [column.name for column in found.copied] == ["a", "id"]


def test_partitions_hold_the_rows_of_their_parent(read: Read) -> None:
    catalog = read(
        "CREATE TABLE t (x int) PARTITION BY LIST (x); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1)"
    )
    assert (table(catalog, "t").kind, table(catalog, "t").holds_rows) == ("partitioned", False)
    assert (table(catalog, "t1").kind, table(catalog, "t1").parent) == ("partition", TableName("a", "t"))


def test_sequences_know_the_column_that_owns_them(read: Read) -> None:
    catalog = read(
        "CREATE TABLE t (a serial, b int GENERATED ALWAYS AS IDENTITY); CREATE SEQUENCE free CYCLE"
    )
    owners = {s.name.name: s.owned_by and s.owned_by[1] for s in catalog.sequences.values()}
    assert owners == {"t_a_seq": "a", "t_b_seq": "b", "free": None}


def test_columns_that_may_name_large_objects_are_listed(read: Read) -> None:
    catalog = read("CREATE TABLE t (document oid, other int)")
    assert catalog.large_object_columns == (LargeObjectColumn(TableName("a", "t"), "document"),)


def test_the_row_estimate_follows_the_size_after_the_last_analyze(read: Read) -> None:
    catalog = read(
        "CREATE TABLE t (x int); INSERT INTO t SELECT generate_series(1, 5000); ANALYZE t;"
        "INSERT INTO t SELECT generate_series(1, 5000)"
    )
    assert table(catalog, "t").estimated_rows == pytest.approx(10_000, rel=0.1)
