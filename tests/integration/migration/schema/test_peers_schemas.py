"""Schemas of other projects' test suites that did not arrive as they were, each in its smallest form."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.sessions.connections import Database
from tests.support.clusters import Cluster
from tests.support.moving import split
from tests.support.versions import every_version_pair

pytestmark = pytest.mark.integration

KEYWORDS = """
CREATE FUNCTION "json"(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION "json_value"(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION "json_scalar"(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE TYPE "merge_action" AS ("json_object" int, "system_user" text);
CREATE FUNCTION "json_query"("merge_action") RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''''';
CREATE CAST ("merge_action" AS text) WITH FUNCTION "json_query"("merge_action");
CREATE TABLE "json_table" (
    id int PRIMARY KEY, "system_user" text DEFAULT 'x' NOT NULL, "json_value" int CHECK ("json_value" >
    0), "json" json,
    "merge_action" text, action "merge_action", CHECK ("system_user" <> 'a'), CHECK ("json"("json_value")
    > 0),
    UNIQUE ("system_user", "json_value"));
CREATE TABLE "json_array" (
    id int PRIMARY KEY, "json_exists" int DEFAULT "json_value"(3), "system_user" text, "json_value"
    int,
    "json_object" int REFERENCES "json_table", t "json_table", "json" jsonb,
    CONSTRAINT "json_arrayagg" FOREIGN KEY ("system_user", "json_value") REFERENCES "json_table"
    ("system_user", "json_value"));
COMMENT ON COLUMN "json_table"."json" IS 'the json, not "json"'; COMMENT ON FUNCTION "json"(int) IS
    'json';
CREATE SEQUENCE "json_serialize" OWNED BY "json_table"."json_value";
CREATE VIEW v AS SELECT "system_user", "json", "json_value"("json_value") AS q, "json_table" AS
    "json_scalar" FROM "json_table";
CREATE FUNCTION f("json_value" int DEFAULT 3, "merge_action" int DEFAULT "json"(2), "json" json DEFAULT
    '1') RETURNS int LANGUAGE sql
    RETURN "json_value" + "merge_action";
CREATE FUNCTION g("system_user" text, OUT "json_table" text) LANGUAGE plpgsql AS 'BEGIN "json_table" :=
    "system_user"; END';
CREATE FUNCTION h("system_user" text) RETURNS text LANGUAGE sql RETURN "system_user";
CREATE INDEX "json_objectagg" ON "json_table" ("json"("json_value"), ("system_user" || 'x'),
    "json_value");
CREATE STATISTICS s ON "json_value", "merge_action" FROM "json_table";
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER "json_query" BEFORE UPDATE OF "json_value" ON "json_table" FOR EACH ROW WHEN
    (new."system_user" <> 'q') EXECUTE FUNCTION stamp();
ALTER TABLE "json_table" ENABLE ROW LEVEL SECURITY;
CREATE POLICY "merge_action" ON "json_table" USING ("system_user" <> 'q');
CREATE DOMAIN "json_exists" AS text CHECK (VALUE <> 'json');
CREATE TABLE part ("system_user" text, "json" int) PARTITION BY LIST ("system_user");
CREATE TABLE "json_arrayagg" PARTITION OF part FOR VALUES IN ('json');
"""


def moved(database: Database, cluster: Cluster, folder: Path, script: str) -> list[str]:
    """What differs after a move of what the script makes."""
    with database.connect() as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS user_schema; SET search_path = user_schema")
        connection.execute(script.encode())
    with split(database, cluster, {"user": ()}, folder) as made:
        return [str(difference) for difference in made.move("user")]


@every_version_pair
def test_names_that_became_keywords_arrive(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    assert moved(source_database, target_cluster, tmp_path, KEYWORDS) == []


def test_a_schema_that_once_was_public_arrives(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute("ALTER SCHEMA public RENAME TO user_schema")
    assert moved(source_database, target_cluster, tmp_path, "CREATE TABLE t (id int PRIMARY KEY)") == []


def test_a_comment_on_a_schema_that_once_was_public_arrives(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute("ALTER SCHEMA public RENAME TO user_schema")
    script = "COMMENT ON SCHEMA user_schema IS 'of users'; CREATE TABLE t (id int PRIMARY KEY)"
    assert moved(source_database, target_cluster, tmp_path, script) == []


REFUSED = pytest.mark.parametrize(
    ("script", "said", "remedy"),
    [
        (
            'CREATE TABLE base (a int, "order" int);'
            ' CREATE TABLE child ("order" int GENERATED ALWAYS AS (a * 2) STORED) INHERITS (base)',
            "user_schema.child.order is generated, and plain in its parent user_schema.base",
            "ALTER TABLE user_schema.child NO INHERIT user_schema.base; "
            'ALTER TABLE user_schema.child ALTER COLUMN "order" DROP EXPRESSION; '
            "ALTER TABLE user_schema.child INHERIT user_schema.base",
        ),
        (
            "CREATE TABLE base (a int, b int) PARTITION BY LIST (a);"
            " CREATE TABLE part (a int, b int GENERATED ALWAYS AS (a * 2) STORED);"
            " ALTER TABLE base ATTACH PARTITION part FOR VALUES IN (1)",
            "user_schema.part.b is generated, and plain in its parent user_schema.base",
            "ALTER TABLE user_schema.base DETACH PARTITION user_schema.part; "
            "ALTER TABLE user_schema.part ALTER COLUMN b DROP EXPRESSION; "
            "ALTER TABLE user_schema.base ATTACH PARTITION user_schema.part FOR VALUES IN (1)",
        ),
        (
            "CREATE VIEW v AS SELECT 1 AS x; CREATE OR REPLACE VIEW v AS SELECT * FROM v",
            "view user_schema.v selects from itself",
            'DROP VIEW "user_schema"."v"',
        ),
        (
            "CREATE VIEW a AS SELECT 1 AS x; CREATE VIEW b AS SELECT * FROM a; CREATE OR REPLACE VIEW a AS"
            " SELECT * FROM b; CREATE MATERIALIZED VIEW m AS SELECT 1 AS x; CREATE VIEW c AS SELECT * FROM m",
            "the views user_schema.a, user_schema.b select from each other",
            'DROP VIEW "user_schema"."a", "user_schema"."b"',
        ),
        (
            "CREATE TABLE t (system_user text);"
            " CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT system_user FROM user_schema.t'",
            "function user_schema.f() says system_user, which is a word of the language from PostgreSQL 16",
            "CREATE OR REPLACE FUNCTION user_schema.f() RETURNS text LANGUAGE sql"
            " AS 'SELECT \"system_user\" FROM user_schema.t'",
        ),
        (
            "CREATE FUNCTION json_value(int) RETURNS int LANGUAGE sql AS 'SELECT $1';"
            " CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql SET search_path = user_schema"
            " AS 'BEGIN RETURN json_value(1); END'",
            "function user_schema.f() says json_value, which is a word of the language from PostgreSQL 17",
            "CREATE OR REPLACE FUNCTION user_schema.f() RETURNS int LANGUAGE plpgsql"
            " SET search_path = user_schema AS 'BEGIN RETURN \"json_value\"(1); END'",
        ),
    ],
    ids=["child", "partition", "view", "circle", "value", "call"],
)


@REFUSED
def test_what_a_newer_server_refuses_is_a_no_go_whose_remedy_works(
    source_database: Database, target_cluster: Cluster, tmp_path: Path, *, script: str, said: str, remedy: str
) -> None:
    with source_database.connect() as connection:
        connection.execute("CREATE SCHEMA user_schema; SET search_path = user_schema")
        connection.execute(script.encode())
    with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
        found = [problem.text for problem in made.plan().no_go]
        assert len(found) == 1
        assert found[0].startswith(said)
        assert remedy in found[0] or remedy.startswith("CREATE OR REPLACE"), "the remedy is printed"
        with source_database.connect() as connection:
            connection.execute(remedy.encode())
        assert [str(difference) for difference in made.move("user")] == []


def test_names_that_are_no_words_there_are_nothing_to_change(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    script = """
CREATE TABLE t (id int PRIMARY KEY, "system_user" text, json_value int, json json);
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT t.system_user AS system_user FROM user_schema.t
    WHERE json_value > 1 AND json_object(''{a,1}'') IS NOT NULL -- system_user';
"""
    assert moved(source_database, target_cluster, tmp_path, script) == []


def test_what_groups_by_a_key_is_made_after_it_and_has_its_rights(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    script = """
CREATE TABLE i (id int PRIMARY KEY, name text); CREATE TABLE o (item int REFERENCES i);
CREATE MATERIALIZED VIEW m AS
    SELECT i.name, count(*) FROM i JOIN o ON o.item = i.id GROUP BY i.id;
CREATE UNIQUE INDEX ON m (name); CREATE VIEW over_m AS SELECT * FROM m;
CREATE FUNCTION f() RETURNS SETOF text LANGUAGE sql
    BEGIN ATOMIC SELECT i.name FROM i GROUP BY i.id; END;
"""
    assert moved(source_database, target_cluster, tmp_path, script) == []
