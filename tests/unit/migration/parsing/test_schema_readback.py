"""What PostgreSQL prints and cannot read is written as it reads it; everything else stays as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.catalog.quoting import with_quotes
from migration.parsing.readback import condition_of, names_of, readable, reads_back

pytestmark = pytest.mark.unit

VIEW = (
    "CREATE VIEW a.b AS WITH RECURSIVE g AS (SELECT 1 AS id) CYCLE id SET x TO {} DEFAULT {} USING p"
    " SELECT id FROM g"
)


@pytest.mark.parametrize(
    ("printed", "read"),
    [
        (("'Y'::text", "'N'::text"), ("text 'Y'", "text 'N'")),
        (("'it''s'::character varying(9)", "NULL::text"), ("character varying(9) 'it''s'", "NULL")),
        (("'1'::numeric(5,2)", "1"), ("numeric(5,2) '1'", "1")),
        (('\'x\'::"S y"."T; USING"', "'DEFAULT '::s.t"), ('"S y"."T; USING" \'x\'', "s.t 'DEFAULT '")),
        (
            ("'01:00:00'::interval hour", "'00:00'::interval(1)"),
            ("interval '01:00:00' hour", "interval(1) '00:00'"),
        ),
        (("E'a\\\\b'::text", "'-1'::integer"), ("text E'a\\\\b'", "integer '-1'")),
        (("false", "true"), ("false", "true")),
    ],
)
def test_the_mark_of_a_cycle_is_a_constant(printed: tuple[str, str], read: tuple[str, str]) -> None:
    assert readable(VIEW.format(*printed)) == VIEW.format(*read)
    assert reads_back(VIEW.format(*printed))


def test_a_mark_that_no_constant_can_be_does_not_read_back() -> None:
    assert not reads_back(VIEW.format("'{1}'::integer[]", "'{0}'::integer[]"))


@pytest.mark.parametrize(
    ("printed", "read"),
    [
        ('f(a integer, integer) RETURNS integer LANGUAGE sql RETURN (a + "")', "(a + $2)"),
        ('f(integer, OUT x text, b integer) LANGUAGE sql RETURN (f."" || b)', "($1 || b)"),
        ('f(OUT x text, b integer, VARIADIC integer[]) LANGUAGE sql RETURN ("F "."")[b]', "($2)[b]"),
        ("f(a text, integer) RETURNS text LANGUAGE sql RETURN (a || '\"\"'::text)", "(a || '\"\"'::text)"),
    ],
)
def test_the_only_nameless_parameter_has_its_number(printed: str, read: str) -> None:
    made = readable(f"CREATE FUNCTION s.{printed}")
    assert made.rpartition("RETURN ")[2] == read
    assert reads_back(f"CREATE FUNCTION s.{printed}")


def test_several_nameless_parameters_are_not_told_apart() -> None:
    printed = 'CREATE FUNCTION s.f(a integer, integer, integer) RETURNS integer LANGUAGE sql RETURN (a + "")'
    assert readable(printed) == printed
    assert not reads_back(printed)


@given(st.text(), st.text())
def test_what_stands_in_quotes_stays(text: str, more: str) -> None:
    body = text.replace("'", "''").replace("\0", "")
    name = more.replace('"', '""').replace("\0", "") or "x"
    clause = "CYCLE id SET x TO ''Y''::text DEFAULT ''N''::text USING p"
    statement = f'SELECT \'{body} {clause} ""\', "{name} CYCLE"'
    assert readable(statement) == statement


@pytest.mark.parametrize(
    ("printed", "read"),
    [
        ("CHECK ((system_user <> 'system_user'::text))", "CHECK ((\"system_user\" <> 'system_user'::text))"),
        ('f(json_value integer DEFAULT 3, "json" json)', 'f("json_value" integer DEFAULT 3, "json" "json")'),
        (
            "SYSTEM_USER, jsonb, my_json, json$, $b$ json $b$",
            "SYSTEM_USER, jsonb, my_json, json$, $b$ json $b$",
        ),
    ],
)
def test_a_name_that_became_a_keyword_is_quoted(printed: str, read: str) -> None:
    assert with_quotes(printed) == with_quotes(read) == read


def test_a_triggers_condition_is_what_stands_in_its_brackets() -> None:
    before = 'CREATE TRIGGER " WHEN (x)" AFTER UPDATE ON a.b FOR EACH ROW WHEN ('
    condition, after = "(f(new.a, ')') AND (\")\" > 1))", ") EXECUTE FUNCTION a.f(' WHEN (y)')"
    assert condition_of(before + condition + after) == (before, condition, after)


def test_a_trigger_without_a_condition_has_none() -> None:
    assert condition_of("CREATE TRIGGER t AFTER UPDATE ON a.b EXECUTE FUNCTION a.f(' WHEN (y)')") is None


def test_a_printed_name_is_taken_apart() -> None:
    assert names_of('a."B.c"."d""e"') == ("a", "B.c", 'd"e')
