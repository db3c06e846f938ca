"""Names in function bodies: what is one, what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.parsing.names import NameUse, names_in

pytestmark = pytest.mark.unit


def qualified(language: str, body: str, definition: str = "") -> set[tuple[str, str]]:
    return {(use.schema, use.name) for use in names_in(language, body, definition) if use.schema is not None}


@pytest.mark.parametrize(
    "body",
    [
        "SELECT * FROM a.t",
        "INSERT INTO a.t VALUES ($1)",
        "UPDATE a.t SET x = 1 FROM b.c",
        "WITH q AS (SELECT * FROM a.t) SELECT * FROM q",
        "SELECT nextval('a.t')",
        "SELECT $1::a.t",
        "SELECT a.t($1)",
        'SELECT "a"."t".x FROM "a"."t"',
        "SELECT E'delete from a.t where x = ''1'''",
    ],
)
def test_a_qualified_name_of_sql_is_found(body: str) -> None:
    assert ("a", "t") in qualified("sql", body)


@pytest.mark.parametrize("body", ["SELECT 1 -- a.t", "SELECT 1 /* from a.t */", "SELECT 1"])
def test_comments_name_nothing(body: str) -> None:
    assert ("a", "t") not in qualified("sql", body)


@pytest.mark.parametrize(
    "body",
    [
        "DECLARE r a.t%ROWTYPE; BEGIN END",
        "DECLARE x a.t.c%TYPE; BEGIN END",
        "BEGIN PERFORM a.t(1); END",
        "BEGIN EXECUTE format('TRUNCATE a.t'); END",
        "BEGIN FOR r IN SELECT * FROM a.t LOOP NULL; END LOOP; END",
        "BEGIN x := (SELECT count(*) FROM a.t); END",
    ],
)
def test_a_qualified_name_of_plpgsql_is_found(body: str) -> None:
    definition = f"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $f$ {body} $f$"
    assert ("a", "t") in qualified("plpgsql", body, definition)


def test_a_common_table_expression_is_no_relation() -> None:
    uses = names_in("sql", "WITH users AS (SELECT 1) SELECT * FROM users", "")
    assert NameUse(None, "users", "relation") not in uses


def test_a_language_that_is_not_known_is_read_by_its_words() -> None:
    assert ("a", "t") in qualified("plpython3u", 'plpy.execute("select * from a.t where x = \'it")')


@given(st.text(max_size=200), st.sampled_from(["sql", "plpgsql", "plperl"]))
def test_no_body_is_too_odd_to_be_read(body: str, language: str) -> None:
    names_in(language, body, f"CREATE FUNCTION f() RETURNS int LANGUAGE {language} AS $x$ {body} $x$")
