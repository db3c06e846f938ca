"""Large objects arrive under their identifiers, whole, and belong to the service."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from core.errors import ConnectionLost, Interrupted
from core.progress.interface import Silent
from core.sessions.connections import Database
from migration.catalog.read import read_catalog
from migration.catalog.tables import LargeObjectColumn
from migration.copy.large_objects import (
    OBJECTS_AT_ONCE,
    PIECE_BYTES,
    CopiedLargeObjects,
    copy_large_objects,
    referenced_large_objects,
)
from tests.support.clusters import Cluster
from tests.support.copies import exported_snapshot
from tests.support.proxy import Proxy
from tests.support.versions import every_version_pair

pytestmark = pytest.mark.integration

MADE = """
    CREATE SCHEMA docs;
    CREATE DOMAIN docs.lo AS oid;
    CREATE TABLE docs.files (
        id int PRIMARY KEY, body oid, thumbnail docs.lo, not_one oid DEFAULT 'pg_class'::regclass
    );
    CREATE TABLE docs.others (id int, body oid);
"""
FILLED = """
    INSERT INTO docs.files (id, body)
    SELECT k, lo_from_bytea(0, convert_to(repeat(md5(k::text), k), 'UTF8')) FROM generate_series(1, 150) k;
    INSERT INTO docs.files (id, body, thumbnail) VALUES
        (1000, lo_from_bytea(0, ''), lo_create(0)),
        (1001, lo_from_bytea(0, decode(repeat('00ff', {piece} / 2), 'hex')), NULL),
        (1002, lo_from_bytea(0, decode(repeat('01fe', {piece} + 1), 'hex')), 999999999),
        (1003, lo_create(0), NULL);
    -- A hole of 700,000 bytes in front.
    SELECT lo_put(body, 700000, 'behind a hole') FROM docs.files WHERE id = 1003;
    INSERT INTO docs.others VALUES (1, lo_from_bytea(0, 'of nobody'));
""".replace("{piece}", str(PIECE_BYTES))
CONTENTS = """
    SELECT m.oid::bigint, md5(lo_get(m.oid)), length(lo_get(m.oid)) FROM pg_largeobject_metadata m ORDER BY 1
"""


@pytest.fixture
def ends(
    source_database: Database, target_database: Database, target_cluster: Cluster
) -> Iterator[tuple[Database, Database]]:
    with source_database.connect() as connection:
        connection.execute(MADE)
        connection.execute(FILLED.encode())
    with target_cluster.database().connect() as connection:
        for role in ("documents_owner", "documents_service"):
            try:
                connection.execute(f"CREATE ROLE {role}".encode())
            except psycopg.errors.DuplicateObject:
                continue
    yield source_database, target_database
    with target_database.connect() as connection:
        connection.execute("DROP OWNED BY documents_owner, documents_service")


def columns_of(source: Database) -> list[LargeObjectColumn]:
    with source.connect() as connection:
        found = read_catalog(connection).large_object_columns
    return [column for column in found if column.table.name == "files"]


def copy(
    ends: tuple[Database, Database], stop: threading.Event | None = None, into: Database | None = None
) -> CopiedLargeObjects:
    source, target = ends
    with exported_snapshot(source) as snapshot:
        return copy_large_objects(
            source,
            into or target,
            columns_of(source),
            snapshot,
            owner="documents_owner",
            users=["documents_service"],
            progress=Silent(),
            stop=stop or threading.Event(),
        )


def contents(database: Database, but: int = 0) -> list[tuple[object, ...]]:
    with database.connect() as connection:
        return [row for row in connection.execute(CONTENTS).fetchall() if row[0] != but]


def foreign(source: Database) -> int:
    with source.connect() as connection:
        row = connection.execute("SELECT body::bigint FROM docs.others").fetchone()
    assert row is not None
    return int(row[0])


@every_version_pair
def test_those_that_columns_refer_to_arrive_and_no_others(ends: tuple[Database, Database]) -> None:
    source, target = ends
    done = copy(ends)
    expected = contents(source, but=foreign(source))
    assert contents(target) == expected
    assert len(done.oids) == len(expected) == 150 + 5
    assert done.bytes == sum(int(str(row[2])) for row in expected)
    assert len(done.oids) > 2 * OBJECTS_AT_ONCE


def test_doing_it_again_replaces_what_is_there(ends: tuple[Database, Database]) -> None:
    source, target = ends
    copy(ends)
    with target.connect() as connection:
        connection.execute("SELECT lo_put(oid, 0, 'spoilt') FROM pg_largeobject_metadata")
    copy(ends)
    assert contents(target) == contents(source, but=foreign(source))


def test_they_belong_to_the_owner_and_the_service_may_write_them(ends: tuple[Database, Database]) -> None:
    copy(ends)
    with ends[1].connect() as connection:
        owners = connection.execute(
            "SELECT DISTINCT lomowner::regrole::text FROM pg_largeobject_metadata"
        ).fetchall()
        assert owners == [("documents_owner",)]
        connection.execute("SET ROLE documents_service")
        connection.execute("SELECT lo_put(oid, 0, 'x') FROM pg_largeobject_metadata")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")


def test_what_is_written_after_the_snapshot_stays_out(ends: tuple[Database, Database]) -> None:
    source, target = ends
    before = contents(source, but=foreign(source))
    with exported_snapshot(source) as snapshot:
        with source.connect() as connection:
            connection.execute("SELECT lo_put(body, 0, 'later') FROM docs.files WHERE id < 50")
            connection.execute("INSERT INTO docs.files (id, body) VALUES (5000, lo_from_bytea(0, 'later'))")
        copy_large_objects(
            source,
            target,
            columns_of(source),
            snapshot,
            owner="documents_owner",
            progress=Silent(),
            stop=threading.Event(),
        )
    assert contents(target) == before


def test_a_stop_ends_it(ends: tuple[Database, Database]) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        copy(ends, stop)


def test_a_cut_connection_is_said_and_doing_it_again_puts_all_right(ends: tuple[Database, Database]) -> None:
    source, target = ends
    with Proxy.to(target) as proxy:
        proxy.cut_after(400_000)
        with pytest.raises(ConnectionLost, match="large objects"):
            copy(ends, into=proxy.seen_through(target))
    copy(ends)
    assert contents(target) == contents(source, but=foreign(source))


def test_a_service_without_large_objects_has_nothing_to_do(source_database: Database) -> None:
    with source_database.connect() as connection:
        assert referenced_large_objects(connection, []) == ()
