"""The uuid-ossp that script/bootstrap puts beside a PostgreSQL without it does what PostgreSQL's own does."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from core.sessions.connections import Database

pytestmark = pytest.mark.integration

SIGNATURES = """
SELECT proname, provolatile, proisstrict, proparallel, proargnames, prorettype::regtype::text,
       oidvectortypes(proargtypes), extversion, extrelocatable
  FROM pg_extension e JOIN pg_depend d ON d.refobjid = e.oid AND d.deptype = 'e'
  JOIN pg_proc p ON p.oid = d.objid
 WHERE extname = 'uuid-ossp' ORDER BY 1
"""
LETTERS = "abcß漢🙂"


@pytest.fixture
def theirs(source_database: Database) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A session where the extension is Debian's."""
    with source_database.connect() as connection:
        connection.execute('CREATE EXTENSION "uuid-ossp" SCHEMA public; SET search_path = public')
        yield connection


@pytest.fixture
def ours(target_database: Database) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A session where it is this project's."""
    with target_database.connect() as connection:
        connection.execute('CREATE EXTENSION "uuid-ossp" SCHEMA public; SET search_path = public')
        yield connection


Session = psycopg.Connection[tuple[Any, ...]]


def test_it_has_the_same_functions_of_the_same_kind(theirs: Session, ours: Session) -> None:
    assert ours.execute(SIGNATURES).fetchall() == theirs.execute(SIGNATURES).fetchall()


def test_names_and_constants_are_the_same(theirs: Session, ours: Session) -> None:
    names = ["".join(random.choice(LETTERS) for _ in range(n)) for n in [*range(70), 1000]]
    spaces = [str(uuid.uuid4()) for _ in names]
    query = (
        "SELECT uuid_generate_v3(space::uuid, name), uuid_generate_v5(space::uuid, name)"
        " FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS x (space, name, n) ORDER BY n"
    )
    found = ours.execute(query, [spaces, names]).fetchall()
    assert found == theirs.execute(query, [spaces, names]).fetchall()
    pairs = [(uuid.UUID(space), name) for space, name in zip(spaces, names, strict=True)]
    assert found == [(uuid.uuid3(*pair), uuid.uuid5(*pair)) for pair in pairs]
    query = "SELECT uuid_nil(), uuid_ns_dns(), uuid_ns_url(), uuid_ns_oid(), uuid_ns_x500()"
    assert ours.execute(query).fetchone() == theirs.execute(query).fetchone()


@pytest.mark.parametrize("function", ["uuid_generate_v1", "uuid_generate_v1mc"])
def test_a_uuid_of_version_1_has_the_time_and_a_node_of_nobody(ours: Session, function: str) -> None:
    statement = sql.SQL("SELECT {}() FROM generate_series(1, 1000)").format(sql.Identifier(function))
    rows = ours.execute(statement).fetchall()
    made: list[uuid.UUID] = [row[0] for row in rows]
    assert len(set(made)) == 1000
    assert {(one.version, one.variant) for one in made} == {(1, uuid.RFC_4122)}
    assert all(one.node >> 40 & 1 for one in made), "the multicast bit tells it from a machine's address"
    since = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    now = ours.execute(since).fetchone()
    assert now is not None
    begun = uuid.UUID("00000000-0000-1000-8000-000000000000").time - 122192928000000000
    assert all(abs(one.time + begun - now[0] * 10) < 10**9 for one in made), "within 100 seconds"


def test_a_uuid_of_version_4_is_random(ours: Session) -> None:
    rows = ours.execute("SELECT uuid_generate_v4() FROM generate_series(1, 1000)").fetchall()
    assert len(set(rows)) == 1000
    assert {row[0].version for row in rows} == {4}


def test_it_can_be_made_by_a_databases_owner_and_moved_to_another_schema(target_database: Database) -> None:
    with target_database.connect() as connection:
        connection.execute("CREATE ROLE uuid_owner; CREATE SCHEMA other AUTHORIZATION uuid_owner")
        try:
            connection.execute(
                "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO uuid_owner',"
                " current_database()); END $$; SET ROLE uuid_owner"
            )
            connection.execute('CREATE EXTENSION "uuid-ossp" SCHEMA other; CREATE SCHEMA elsewhere')
            connection.execute("RESET ROLE")
            connection.execute('ALTER EXTENSION "uuid-ossp" SET SCHEMA elsewhere')
            found = connection.execute("SELECT elsewhere.uuid_generate_v5(elsewhere.uuid_ns_dns(), 'a')")
            assert found.fetchone() == (uuid.uuid5(uuid.NAMESPACE_DNS, "a"),)
        finally:
            connection.execute("RESET ROLE; DROP OWNED BY uuid_owner CASCADE; DROP ROLE uuid_owner")
