"""Which columns of a table a body reads, and whether it writes there."""

from __future__ import annotations

import pytest

from migration.catalog.tables import TableName
from migration.parsing.body_reads import Reads, reads_of_routine
from migration.parsing.reads import Findings


def reads(body: str, language: str = "sql") -> Reads:
    found = Findings(TableName("u", "users"), frozenset({"id", "name", "born"}))
    returns = "trigger" if language == "plpgsql" else "bigint"
    definition = f"CREATE FUNCTION p.f() RETURNS {returns} LANGUAGE {language} AS $f${body}$f$"
    return reads_of_routine(language, body, definition, found)


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        ("SELECT count(*) FROM u.users", set()),
        ("SELECT x.name FROM u.users x JOIN p.pays y ON y.born = x.id", {"id", "name"}),
        ("SELECT name FROM u.users UNION SELECT born::text FROM u.users", {"name", "born"}),
        ("SELECT id FROM p.pays WHERE EXISTS (SELECT name FROM u.users)", {"name"}),
        ("SELECT 1 FROM p.pays JOIN u.users USING (id)", {"id"}),
        ("SELECT * FROM u.users", None),
        ("SELECT x FROM u.users x", None),
        ("SELECT z.* FROM (SELECT id FROM u.users) z", {"id"}),
        ("SELECT 1 FROM p.pays NATURAL JOIN u.users", None),
        ("SELECT a FROM u.users AS x (a)", None),
    ],
)
def test_the_columns_that_a_statement_reads(body: str, columns: set[str] | None) -> None:
    assert reads(body) == Reads(None if columns is None else frozenset(columns))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("INSERT INTO u.users (id) VALUES (1)", "INSERT"),
        ("UPDATE u.users SET name = ''", "UPDATE"),
        ("DELETE FROM ONLY u.users", "DELETE"),
        ("TRUNCATE p.pays, u.users", "TRUNCATE"),
        ("SELECT id FROM u.users FOR UPDATE", "FOR UPDATE"),
        ("WITH gone AS (DELETE FROM u.users RETURNING id) SELECT id FROM gone", "DELETE"),
    ],
)
def test_what_a_read_only_copy_refuses_is_said(body: str, said: str) -> None:
    assert said in reads(body).against


def test_a_text_that_is_put_together_may_read_everything() -> None:
    body = (
        "BEGIN PERFORM id FROM u.users; EXECUTE 'SELECT ' || TG_ARGV[0] || ' FROM u.users'; RETURN NEW; END"
    )
    assert reads(body, "plpgsql") == Reads(None)


def test_another_language_cannot_be_read() -> None:
    assert "cannot be read here" in reads("pass", "plpython3u").against
