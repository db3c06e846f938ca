"""What a server's build leaves out is found in the plan: real servers, of which 15 has ICU, lz4 and libxml,
17 no ICU, and 18 none of the three."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.sessions.connections import Database
from migration.plan.facts import read_target
from migration.plan.make import Plan
from tests.support.absence import absent
from tests.support.clusters import Cluster
from tests.support.moving import split

pytestmark = pytest.mark.integration

_15_TO_17 = pytest.mark.parametrize("versions", [(15, 17)], indirect=True, ids=["15-to-17"])
_17_TO_18 = pytest.mark.parametrize("versions", [(17, 18)], indirect=True, ids=["17-to-18"])


def planned(source: Database, cluster: Cluster, folder: Path, script: str, *, lacks: str) -> Plan:
    """The plan of a schema, for a server without the feature `lacks`."""
    with source.connect() as connection:
        connection.execute("CREATE SCHEMA user_schema; SET search_path = user_schema, public")
        connection.execute(script.encode())
    with split(source, cluster, {"user": ()}, folder) as made:
        facts = read_target(made.targets["user"])
        lacking = {"icu": not facts.icu, "lz4": "lz4" not in facts.compressions, "xml": not facts.xml}
        if not lacking[lacks]:
            absent(f"PostgreSQL {cluster.version} here is built with {lacks}")
        return made.plan()


def no_gos(plan: Plan) -> list[str]:
    return [problem.text for problem in plan.no_go]


def require_icu(source: Database) -> None:
    with source.connect() as connection:
        there = connection.execute("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'").fetchone()
    if there is None:
        absent("the source's server is built without ICU")


@_15_TO_17
@pytest.mark.parametrize(
    ("script", "where"),
    [
        ("CREATE COLLATION c (provider = icu, locale = 'de')", "collation user_schema.c is of ICU"),
        ('CREATE TABLE t (a text COLLATE "de-x-icu")', "user_schema.t.a has the collation de-x-icu"),
        (
            'CREATE TABLE t (a text); CREATE INDEX i ON t (a COLLATE "de-x-icu")',
            "index user_schema.i has the",
        ),
        ('CREATE DOMAIN d AS text COLLATE "de-x-icu"', "user_schema.d has the collation de-x-icu"),
        ('CREATE TYPE c AS (x int, "y z" text COLLATE "de-x-icu")', 'user_schema.c."y z" has the'),
        (
            'CREATE TYPE r AS RANGE (subtype = text, collation = "de-x-icu")',
            "user_schema.r has the collation",
        ),
        ("CREATE VIEW v AS SELECT 'a'::text COLLATE \"de-x-icu\" < 'b' AS x", "view user_schema.v has the"),
        (
            "CREATE TABLE t (a text CONSTRAINT k CHECK (a COLLATE \"de-x-icu\" > 'b'))",
            "check constraint user_schema.t.k has the collation de-x-icu",
        ),
    ],
)
def test_a_collation_of_icu_is_refused_where_the_target_has_no_icu(
    script: str, where: str, source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    require_icu(source_database)
    found = no_gos(planned(source_database, target_cluster, tmp_path, script, lacks="icu"))
    assert len(found) == 1, found
    assert where in found[0]


@_17_TO_18
def test_the_collation_unicode_is_refused_where_the_target_has_no_icu(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    script = 'CREATE TABLE t (a text COLLATE "unicode")'
    (found,) = no_gos(planned(source_database, target_cluster, tmp_path, script, lacks="icu"))
    assert "user_schema.t.a has the collation unicode" in found


@_15_TO_17
def test_an_own_collations_locale_that_the_target_lacks_is_refused(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    script = (
        "CREATE COLLATION known (provider = libc, locale = 'C');"
        "CREATE COLLATION c (provider = libc, locale = 'C.UTF-8')"
    )
    with source_database.connect() as connection:
        connection.execute("CREATE SCHEMA user_schema; SET search_path = user_schema, public")
        connection.execute(script.encode())
    with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
        assert no_gos(made.plan()) == [], "the target's server has the locale, by another spelling"
        with made.superusers["user"].connect() as connection:
            connection.execute("DELETE FROM pg_collation WHERE collcollate ILIKE 'C.UTF%8'")
        (found,) = no_gos(made.plan())
    assert "collation user_schema.c is of the locale C.UTF-8" in found


@_17_TO_18
def test_a_compression_that_the_targets_build_lacks_is_refused(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    script = (
        "CREATE TABLE t (a text COMPRESSION lz4, b text COMPRESSION pglz, c text);"
        "CREATE MATERIALIZED VIEW m AS SELECT c FROM t; ALTER MATERIALIZED VIEW m ALTER c SET COMPRESSION lz4"
    )
    table, view = no_gos(planned(source_database, target_cluster, tmp_path, script, lacks="lz4"))
    assert "user_schema.t.a is compressed with lz4" in table
    assert "user_schema.m.c is compressed with lz4" in view


@_17_TO_18
def test_xml_that_the_target_lacks_is_refused_in_columns_told_in_code(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    script = (
        "CREATE TABLE t (a xml, b text); CREATE DOMAIN doc AS xml; CREATE TYPE pair AS (n int, d doc);"
        "CREATE TABLE u (a pair[]); CREATE VIEW v AS SELECT xmlelement(name x, b) AS e FROM t;"
        "CREATE FUNCTION f(text) RETURNS text LANGUAGE plpgsql AS"
        " 'BEGIN RETURN (xpath(''/a'', $1::xml))[1]; END'"
    )
    plan = planned(source_database, target_cluster, tmp_path, script, lacks="xml")
    plain, inside = no_gos(plan)
    assert "user_schema.t.a is of type xml" in plain
    assert "user_schema.u.a is of type user_schema.pair[], which holds xml" in inside
    notes = "\n".join(problem.text for problem in plan.all_problems if problem.severity == "note")
    assert "view user_schema.v makes or reads XML" in notes
    assert "function user_schema.f(text) makes or reads XML" in notes


@_15_TO_17
def test_code_of_public_that_nothing_needs_stays_behind(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    require_icu(source_database)
    script = (
        "CREATE COLLATION public.idle (provider = icu, locale = 'de');"
        "CREATE COLLATION public.used (provider = icu, locale = 'de');"
        "CREATE FUNCTION public.sorted(text) RETURNS bool LANGUAGE sql IMMUTABLE"
        " RETURN $1 COLLATE public.idle < 'm';"
        "CREATE FUNCTION public.plain() RETURNS int LANGUAGE sql RETURN 1;"
        "CREATE TABLE t (a int)"
    )
    plan = planned(source_database, target_cluster, tmp_path, script, lacks="icu")
    assert no_gos(plan) == []
    moving = {str(plan.catalog.objects[key]) for key in plan.services["user"].objects}
    assert "function public.plain()" in moving
    assert not {"collation public.idle", "collation public.used", "function public.sorted(text)"} & moving
    notes = "\n".join(problem.text for problem in plan.all_problems if problem.severity == "note")
    assert "collation public.idle stays behind: nothing of user needs it, and" in notes
    with source_database.connect() as connection:
        connection.execute("ALTER TABLE user_schema.t ADD b text COLLATE public.used")
    with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
        (found,) = no_gos(made.plan())
        assert "collation public.used is of ICU" in found
        with source_database.connect() as connection:
            connection.execute("ALTER TABLE user_schema.t DROP b")
        assert made.move("user") == ()
