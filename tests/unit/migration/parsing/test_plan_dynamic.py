"""EXECUTE in function bodies: what can be known of it, and what is named as unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.parsing.dynamic import DynamicStatement, dynamic_statements, fixed_text
from migration.parsing.names import NameUse, names_in

pytestmark = pytest.mark.unit


def dynamic(body: str, returns: str = "void") -> tuple[DynamicStatement, ...]:
    definition = f"CREATE FUNCTION f() RETURNS {returns} LANGUAGE plpgsql AS $f$ {body} $f$"
    return dynamic_statements("plpgsql", body, definition)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("'DELETE FROM a.t'", "DELETE FROM a.t"),
        ("'DELETE FROM ' || 'a.t'", "DELETE FROM a.t"),
        ("'SELECT ' || quote_literal(x)", "SELECT NULL"),
        ("format('SELECT %L, %2$L, 100%%', x, y)", "SELECT NULL, NULL, 100%"),
        ("$q$SELECT 1$q$::text", "SELECT 1"),
    ],
)
def test_a_text_that_only_values_are_put_into_is_known(expression: str, text: str) -> None:
    assert fixed_text(expression) == text


@pytest.mark.parametrize(
    "expression",
    ["x", "'DROP TABLE ' || x", "format('SELECT %I', x)", "format('%s', x)", "format(x, 1)", "quote_ident(x)",
     "lower('SELECT 1')", "not sql at all"],
)  # fmt: skip
def test_a_text_that_names_are_put_into_is_not_known(expression: str) -> None:
    assert fixed_text(expression) is None


@pytest.mark.parametrize(
    "body",
    [
        "BEGIN EXECUTE x USING 1; END",
        "DECLARE r record; BEGIN FOR r IN EXECUTE x LOOP NULL; END LOOP; END",
        "DECLARE c refcursor; BEGIN OPEN c FOR EXECUTE x; END",
        "DECLARE r other.kind; BEGIN EXECUTE x INTO r; END",
    ],
)
def test_every_way_to_run_a_text_is_found(body: str) -> None:
    assert dynamic(body) == (DynamicStatement("x", None),)


def test_return_query_execute_is_found() -> None:
    assert dynamic("BEGIN RETURN QUERY EXECUTE x; END", "SETOF int") == (DynamicStatement("x", None),)


@pytest.mark.parametrize(
    "body",
    [
        "BEGIN GRANT EXECUTE ON FUNCTION g() TO r; END",
        "BEGIN CREATE TRIGGER t AFTER INSERT ON x EXECUTE FUNCTION g(); END",
        "DECLARE r other.kind; BEGIN CREATE TRIGGER t AFTER INSERT ON x EXECUTE PROCEDURE g(); END",
        "BEGIN RAISE NOTICE 'execute x'; END",
    ],
)
def test_what_only_looks_like_execute_runs_no_text(body: str) -> None:
    assert dynamic(body) == ()


def test_a_language_that_nothing_here_reads_is_unknown_as_a_whole() -> None:
    (found,) = dynamic_statements("plperl", "spi_exec_query($x)", "")
    assert found.text is None
    assert "plperl" in found.expression


def test_unqualified_names_of_a_fixed_text_are_found() -> None:
    body = "BEGIN EXECUTE 'DELETE FROM users WHERE id = ' || quote_literal(x); END"
    uses = names_in("plpgsql", body, f"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $f$ {body} $f$")
    assert NameUse(None, "users", "relation") in uses


@given(st.text(max_size=200))
def test_no_body_is_too_odd(body: str) -> None:
    dynamic(body)
    fixed_text(body)
