"""A replica keeps columns of any type: what they are made of is copied, and nothing else of the service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.contract import CrossingRule
from core.sessions.connections import Database
from migration.catalog.read import read_catalog
from migration.plan.facts import read_target
from migration.plan.make import make_plan
from migration.references.link import follow, unfollow
from migration.references.model import Link, note_link
from migration.references.shape import changed_shapes
from migration.schema.create import create_schema
from migration.schema.target import drop_schema_on_target
from tests.support.clusters import Cluster
from tests.support.moving import Split, split

pytestmark = pytest.mark.integration

two_pairs = pytest.mark.parametrize(
    "versions", [(15, 17), (17, 18)], indirect=True, ids=["15-to-17", "17-to-18"]
)

SHARED = """
CREATE SCHEMA user_schema; CREATE SCHEMA pay_schema; CREATE SCHEMA common;
CREATE EXTENSION citext WITH SCHEMA public; CREATE EXTENSION hstore WITH SCHEMA public;
CREATE COLLATION user_schema.codes (locale = 'C');
CREATE TYPE user_schema.status AS ENUM ('new', 'it''s "odd"');
CREATE TYPE common.level AS ENUM ('low', 'high');
CREATE FUNCTION user_schema.tidy(word text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lower(word)';
CREATE FUNCTION user_schema.is_handle(word text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql
    AS 'BEGIN RETURN word = user_schema.tidy(word); END';
CREATE FUNCTION user_schema.unrelated() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE DOMAIN user_schema.handle AS text COLLATE user_schema.codes
    CONSTRAINT is_tidy CHECK (user_schema.is_handle(VALUE))
    CONSTRAINT known CHECK (VALUE BETWEEN 'a' AND 'zz' AND VALUE <> 'c');
CREATE DOMAIN user_schema.email AS public.citext CHECK (VALUE LIKE '%@%');
CREATE TYPE user_schema.address AS (street text, level common.level, "for" user_schema.handle);
CREATE TYPE user_schema.span AS RANGE (subtype = numeric);
CREATE TYPE user_schema."Odd Kind" AS ENUM ('a');
COMMENT ON TYPE user_schema.status IS 'how far';
CREATE TABLE user_schema.users (
    id user_schema.handle PRIMARY KEY, gone int,
    status user_schema.status NOT NULL, levels common.level[], email user_schema.email,
    address user_schema.address, addresses user_schema.address[], span user_schema.span,
    spans user_schema.span_multirange, tags public.hstore, code text COLLATE user_schema.codes,
    odd user_schema."Odd Kind", secret text
);
CREATE UNIQUE INDEX by_email ON user_schema.users (email DESC NULLS LAST) INCLUDE (status);
CREATE INDEX ON user_schema.users (secret); CREATE INDEX ON user_schema.users (lower(code));
CREATE INDEX ON user_schema.users USING hash (code);
CREATE INDEX ON user_schema.users (code) WHERE code > 'a';
ALTER TABLE user_schema.users DROP COLUMN gone;
CREATE TABLE pay_schema.pays (id int PRIMARY KEY, who text);
CREATE VIEW pay_schema.all_of_it AS
    SELECT p.id AS pay, u.id, u.status, u.levels, u.email, u.address, u.addresses, u.span, u.spans, u.tags,
           u.code, u.odd
    FROM pay_schema.pays p JOIN user_schema.users u ON u.id = p.who;
CREATE FUNCTION pay_schema.status_of(which text) RETURNS user_schema.status LANGUAGE sql STABLE
    BEGIN ATOMIC SELECT u.status FROM user_schema.users u WHERE u.id = which; END;
INSERT INTO user_schema.users VALUES (
    'ann', 'it''s "odd"', '{low,high}', 'Ann@X', ROW('Way, "1"', 'high', 'ann'), ARRAY[ROW('b', NULL, NULL),
    NULL]::user_schema.address[], '[1,2.5)', '{[1,2),[3,4)}', 'a=>1,b=>NULL', 'Z', 'a', 'hidden');
INSERT INTO pay_schema.pays VALUES (1, 'ann');
"""
COLUMNS = (
    "id", "status", "levels", "email", "address", "addresses", "span", "spans", "tags", "code", "odd",
)  # fmt: skip
CHANGES = """
ALTER TYPE user_schema."Odd Kind" RENAME VALUE 'a' TO 'b';
CREATE OR REPLACE FUNCTION user_schema.is_handle(word text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql
    AS 'BEGIN RETURN true; END';
ALTER DOMAIN user_schema.email ADD CHECK (VALUE <> '@');
ALTER TYPE user_schema.address ADD ATTRIBUTE door int;
"""
ROWS = "SELECT to_jsonb(v)::text, v::text FROM pay_schema.all_of_it v ORDER BY id"


@pytest.fixture
def made(source_database: Database, target_cluster: Cluster, tmp_path: Path) -> Iterator[Split]:
    """`pay` reads users of `user`, all by `reference`."""
    if target_cluster.authority is None:
        # A server built without TLS cannot subscribe through it either.
        plain = source_database.endpoint.model_copy(update={"sslmode": "disable", "sslrootcert": None})
        source_database = replace(source_database, endpoint=plain)
    with source_database.connect() as connection:
        connection.execute(SHARED.encode())
    rule = CrossingRule.model_validate({"match": "*", "action": "reference", "reason": "read often"})
    with split(source_database, target_cluster, {"user": [], "pay": [rule]}, tmp_path) as made:
        yield made


def link_of(made: Split) -> Link:
    """What `pay` keeps of `user`, followed in the shared database."""
    (replica,) = made.plan(["pay"]).services["pay"].replicas
    columns = tuple(column.name for column in replica.columns)
    return Link("pay", "user", "shared", ((replica.table, columns),))


def rows(database: Database) -> Any:
    """What the view shows."""
    with database.connect() as connection:
        connection.execute("SET search_path = ''")
        return connection.execute(ROWS).fetchall()


@two_pairs
def test_columns_of_every_kind_of_type_are_kept_and_followed(made: Split) -> None:
    assert [str(problem) for problem in made.plan().no_go] == []
    assert made.move("pay") == ()
    link = link_of(made)
    ((_, kept),) = link.tables
    assert kept == COLUMNS
    own = made.superusers["pay"]
    with own.connect() as connection:
        # As the migration copies rows: of the service's own tables only.
        connection.execute("INSERT INTO pay_schema.pays VALUES (1, 'ann')")
    assert follow(made.contract, link) == 1
    assert rows(own) == rows(made.source)
    with made.source.connect() as connection:
        connection.execute(
            "UPDATE user_schema.users SET status = 'new', levels = '{high}', email = 'b@c', span = '[,7)',"
            " address = ROW(NULL, 'low', 'bob'), addresses = '{}', spans = '{}', tags = 'c=>d', code = 'y'"
        )
    deadline = time.monotonic() + 30
    while rows(own) != rows(made.source):
        assert time.monotonic() < deadline, "the change did not arrive"
        time.sleep(0.05)
    with made.source.connect() as connection:
        connection.execute("CREATE SCHEMA waqiti_migration")
        note_link(connection, link)
        assert changed_shapes(made.contract, connection, "pay") == ()
        connection.execute(CHANGES.encode())
        said = [
            change.said.removeprefix("replica of user: ")
            for change in changed_shapes(made.contract, connection, "pay")
        ]
    unfollow(made.contract, link)
    assert [text.partition(" is not")[0] for text in said] == [
        "composite user_schema.address",
        "domain user_schema.email",
        'enum user_schema."Odd Kind"',
        "function user_schema.is_handle(text)",
    ]


def test_a_replica_has_plain_indexes_that_refuse_no_row(made: Split) -> None:
    assert made.move("pay") == ()
    with made.superusers["pay"].connect() as connection:
        found = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'user_schema' ORDER BY 1"
        ).fetchall()
    assert found == [
        (
            "by_email",
            "CREATE INDEX by_email ON user_schema.users USING btree (email DESC NULLS LAST) INCLUDE (status)",
        ),
        ("users_pkey", "CREATE UNIQUE INDEX users_pkey ON user_schema.users USING btree (id)"),
    ]


@two_pairs
def test_a_replica_brings_only_what_its_columns_are_made_of(made: Split) -> None:
    assert made.move("pay") == ()
    service = made.contract.services["pay"].service.name
    with made.superusers["pay"].connect() as connection:
        functions = connection.execute(
            "SELECT p.proname FROM pg_proc p LEFT JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND"
            " d.objid = p.oid AND d.deptype = 'i' WHERE pronamespace = 'user_schema'::regnamespace"
            " AND d.objid IS NULL ORDER BY 1"
        ).fetchall()
        assert [name for (name,) in functions] == ["is_handle", "tidy", "waqiti_refuse_write"]
        for schema in ("user_schema", "common"):
            acl = connection.execute(
                "SELECT r.rolname, a.privilege_type FROM pg_namespace n, aclexplode(nspacl) a"
                " LEFT JOIN pg_roles r ON r.oid = a.grantee"
                " WHERE nspname = %s AND a.grantee <> n.nspowner",
                [schema],
            ).fetchall()
            assert acl == [(service, "USAGE")]


def test_making_it_again_and_taking_it_away_leave_nothing_behind(made: Split) -> None:
    plan, target = made.plan(), made.targets["pay"]
    for _ in range(2):
        create_schema(made.contract, plan, "pay", made.dump("pay"), target)
    drop_schema_on_target(target, "pay")
    with made.superusers["pay"].connect() as connection:
        left = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname IN ('user_schema', 'common')"
            " UNION ALL SELECT typname FROM pg_type WHERE typname IN ('status', 'handle', 'level')"
        ).fetchall()
        assert left == []


def test_what_the_own_server_lacks_for_a_column_is_said_by_the_plan(made: Split) -> None:
    with made.source.connect() as connection:
        connection.execute(
            'ALTER TABLE user_schema.users ADD page xml, ADD word text COLLATE "POSIX";'
            " CREATE VIEW pay_schema.bad AS SELECT u.page, u.word FROM user_schema.users u, pay_schema.pays"
        )
        catalog = read_catalog(connection)
    assert [problem.text for problem in made.plan(["pay"]).no_go] == []
    facts = replace(read_target(made.targets["pay"]), xml=False, collations=frozenset({"default", "C"}))
    texts = [problem.text for problem in make_plan(made.contract, catalog, ["pay"], {"pay": facts}).no_go]
    for needed in ("column page of user_schema.users needs libxml", "users needs the collation POSIX"):
        assert any(needed in text for text in texts), texts


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "CREATE TABLE user_schema.words (word text);"
            " CREATE FUNCTION user_schema.known(w text) RETURNS boolean LANGUAGE sql"
            " AS 'SELECT w IS NULL OR EXISTS (SELECT FROM user_schema.words x WHERE x.word = w)';"
            " CREATE DOMAIN user_schema.word AS text CHECK (user_schema.known(VALUE));"
            " ALTER TABLE user_schema.users ADD bad user_schema.word",
            "the type user_schema.word of column bad of user_schema.users needs table user_schema.words",
        ),
        (
            "CREATE TABLE user_schema.parts (a int); ALTER TABLE user_schema.users ADD bad user_schema.parts",
            "the type user_schema.parts of column bad of user_schema.users needs table user_schema.parts",
        ),
    ],
)
def test_a_type_that_needs_a_table_cannot_be_kept_and_the_plan_says_so(
    made: Split, change: str, said: str
) -> None:
    with made.source.connect() as connection:
        connection.execute(change.encode())
        connection.execute(
            "CREATE VIEW pay_schema.bad AS SELECT u.bad FROM user_schema.users u JOIN pay_schema.pays p"
            " ON p.who = u.id"
        )
    texts = [problem.text for problem in made.plan(["pay"]).no_go]
    assert [text for text in texts if said in text and "which cannot be copied" in text]
