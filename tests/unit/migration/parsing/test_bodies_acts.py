"""What bodies and statements do that takes more than rights on rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.parsing.body_acts import acts_of_routine, acts_of_statement, asks_who, expression_asks_who

pytestmark = pytest.mark.unit


def plpgsql(body: str, declared: str = "x int") -> tuple[str, str, str]:
    body = f"DECLARE {declared}; BEGIN {body} END"
    return "plpgsql", body, f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"


@pytest.mark.parametrize(
    ("statement", "command", "names"),
    [
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY a.m", "REFRESH MATERIALIZED VIEW", (("a", "m"),)),
        ("ALTER SEQUENCE s RESTART", "ALTER SEQUENCE", ((None, "s"),)),
        ("TRUNCATE a.t RESTART IDENTITY", "TRUNCATE ... RESTART IDENTITY", (("a", "t"),)),
        ("ALTER TABLE a.t DISABLE TRIGGER ALL", "ALTER TABLE ... DISABLE or ENABLE TRIGGER", (("a", "t"),)),
        ("DROP TABLE a.t", "DROP TABLE", (("a", "t"),)),
        ("DROP FUNCTION a.f(int)", "DROP FUNCTION", (("a", "f"),)),
        ("DROP TRIGGER tr ON a.t", "DROP TRIGGER", (("a", "t"),)),
        ("COMMENT ON COLUMN a.t.c IS 'x'", "COMMENT", (("a", "t"),)),
        ("CREATE POLICY p ON a.t", "CREATE POLICY", (("a", "t"),)),
        ("CREATE TABLE a.t (x int)", "CREATE TABLE", (("a", "t"),)),
        ("SELECT 1 AS x INTO a.t", "SELECT INTO", (("a", "t"),)),
        ("SET LOCAL ROLE someone", "SET ROLE", ((None, "someone"),)),
        ("SELECT set_config('role', 'someone', true)", "SET ROLE", ((None, "someone"),)),
        ("SET session_replication_role = replica", "SET session_replication_role", ()),
        ("COPY a.t FROM '/tmp/x'", "COPY of a server's file", ()),
        ("SELECT pg_read_file('x')", "pg_read_file()", ()),
        ("DO $$ BEGIN ALTER SEQUENCE a.s RESTART; END $$", "ALTER SEQUENCE", (("a", "s"),)),
    ],
)
def test_a_statement_that_takes_more_is_known(
    statement: str, command: str, names: tuple[tuple[str | None, str], ...]
) -> None:
    (act,) = acts_of_statement(statement)
    assert (act.command, act.names) == (command, names)


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE a.t", "INSERT INTO a.t SELECT 1", "UPDATE a.t SET x = 1", "CREATE TEMP TABLE x (a int)",
        "CREATE TEMP TABLE x AS SELECT 1", "COPY a.t FROM STDIN", "SET ROLE NONE", "RESET ROLE",
        "SET work_mem = '1MB'",
        "SELECT 1", "LOCK TABLE a.t", "not SQL",
    ],
)  # fmt: skip
def test_a_statement_that_rights_on_rows_do_for_is_nothing(statement: str) -> None:
    assert acts_of_statement(statement) == ()


@pytest.mark.parametrize("declared", ["x int", "x other_schema.type_of_it"])
def test_bodies_are_read_whether_their_parser_takes_them_or_not(declared: str) -> None:
    body = "IF x IS NULL THEN REFRESH MATERIALIZED VIEW a.m; END IF; EXECUTE 'ALTER SEQUENCE a.s RESTART';"
    acts = acts_of_routine(*plpgsql(body, declared))
    assert [act.command for act in acts] == ["ALTER SEQUENCE", "REFRESH MATERIALIZED VIEW"]


@pytest.mark.parametrize(
    ("expression", "asks"),
    [
        ("current_user", "says"),
        ("('by '::text || SESSION_USER)", "says"),
        ("(who = CURRENT_USER)", "decides"),
        ("pg_has_role('x'::name, 'member'::text)", "decides"),
        ("pg_has_role('a', 'x', 'member')", ""),
        ("CASE WHEN USER = 'a' THEN 1 END", "decides"),
        ("(at > CURRENT_DATE)", ""),
        ("not SQL at all user", ""),
    ],
)
def test_an_expression_that_asks_who_runs_it_is_known(expression: str, asks: str) -> None:
    assert expression_asks_who(expression) == asks


def test_a_trigger_that_writes_the_name_down_does_not_depend_on_it() -> None:
    assert asks_who(*plpgsql("NEW.changed_by := current_user; RETURN NEW;")) == "says"
    assert asks_who(*plpgsql("IF current_user = 'x' THEN RETURN NULL; END IF; RETURN NEW;")) == "decides"


ODD = (
    "ALTER", "SEQUENCE", "current_user", ";", "(", ")", "'", "$$", "BEGIN", "END", "IF", "SET", "ROLE", "a.b",
    ":=",
)  # fmt: skip


@given(st.lists(st.sampled_from(ODD)))
def test_no_text_is_too_odd_to_be_looked_at(words: list[str]) -> None:
    text = " ".join(words)
    acts_of_routine(*plpgsql(text))
    acts_of_routine("sql", text, text)
    acts_of_statement(text)
    asks_who(*plpgsql(text))
    expression_asks_who(text)
