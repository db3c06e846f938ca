"""Statements of a dump, changed: roles of policies, keys over indexes, tables without what is dropped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from pglast import parse_sql

from migration.parsing.rewrite import (
    add_constraint_using_index,
    policy_for_roles,
    table_without,
    without_constraints,
    without_internal_options,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("CREATE POLICY p ON a.t USING (true);", "CREATE POLICY p ON a.t USING (true);"),
        ("CREATE POLICY p ON a.t TO app USING (true);", 'CREATE POLICY p ON a.t TO "o", "svc" USING (true);'),
        (
            'CREATE POLICY "é to app" ON a.t TO "odd ""r", app, other USING ((x = \'app\'::text));',
            'CREATE POLICY "é to app" ON a.t TO "o", "svc" USING ((x = \'app\'::text));',
        ),
    ],
)
def test_roles_of_a_policy_become_those_of_the_target(statement: str, expected: str) -> None:
    assert policy_for_roles(statement, ["o", "svc"]) == expected


def test_a_policy_for_roles_that_do_not_move_stays_behind() -> None:
    assert policy_for_roles("CREATE POLICY p ON a.t TO auditor USING (true)", None) is None


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "ALTER TABLE ONLY a.t\n    ADD CONSTRAINT k PRIMARY KEY (id);",
            'ALTER TABLE ONLY "a"."t" ADD CONSTRAINT "k" PRIMARY KEY USING INDEX "k"',
        ),
        (
            "ALTER TABLE ONLY a.t ADD CONSTRAINT k UNIQUE (id) DEFERRABLE INITIALLY DEFERRED;",
            'ALTER TABLE ONLY "a"."t" ADD CONSTRAINT "k" UNIQUE USING INDEX "k" DEFERRABLE'
            " INITIALLY DEFERRED",
        ),
        ("ALTER TABLE ONLY a.t ADD CONSTRAINT k EXCLUDE USING gist (r WITH &&);", None),
        ("ALTER TABLE ONLY a.t ADD CONSTRAINT k UNIQUE (id); ALTER TABLE a.t CLUSTER ON k;", None),
        ("ALTER TABLE ONLY a.t ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES a.u(id);", None),
    ],
)
def test_a_key_takes_over_an_index_where_postgresql_can(statement: str, expected: str | None) -> None:
    assert add_constraint_using_index(statement, "k") == expected


def test_a_dropped_default_and_check_leave_the_rest_of_the_table_alone() -> None:
    statement = (
        "CREATE TABLE a.t (id bigint DEFAULT b.f(1) NOT NULL, n numeric(10,2) DEFAULT 0.5,"
        " CONSTRAINT ck CHECK (b.g(id)), CONSTRAINT kept CHECK ((n > (0)::numeric))) WITH (fillfactor='70');"
    )
    left = table_without(statement, {"id"}, {"ck"})
    expected = (
        "CREATE TABLE a.t (id bigint NOT NULL, n numeric(10,2) DEFAULT 0.5,"
        " CONSTRAINT kept CHECK ((n > (0)::numeric))) WITH (fillfactor='70')"
    )
    assert parse_sql(left) == parse_sql(expected)


@pytest.mark.parametrize(
    "first",
    ['CREATE TABLE s."日本" (id bigint DEFAULT 7)', "CREATE DOMAIN s.d AS text CONSTRAINT ck CHECK (true)"],
)
def test_what_a_dump_puts_after_a_table_stays(first: str) -> None:
    rest = ';\nALTER TABLE ONLY s."日本" ALTER COLUMN id SET STATISTICS 77;\n'
    left = table_without(first + rest, {"id"}, {"ck"})
    assert left.endswith(rest)
    assert "7)" not in left.removesuffix(rest)
    assert len(parse_sql(left)) == 2


A, B = "CONSTRAINT a CHECK ((id > (3 + 4))) NO INHERIT", 'CONSTRAINT "Ö," CHECK (("c,x" ~ \')\'::text))'


@pytest.mark.parametrize("left_out", [(), ("a",), ("Ö,",), ("a", "Ö,"), ("c", "Ö,"), ("a", "Ö,", "c")])
def test_a_check_that_comes_later_leaves_the_others_to_the_letter(left_out: Sequence[str]) -> None:
    checks = {"a": A, "Ö,": B, "c": "CONSTRAINT c CHECK (true)"}

    def table(names: Iterable[str]) -> str:
        inside = ["id integer NOT NULL", "\"c,x\" text DEFAULT 'CONSTRAINT a CHECK'::text"]
        body = ",\n    ".join([*inside, *(checks[name] for name in names)])
        return f'CREATE TABLE u."Ä(b" (\n    {body}\n);\nALTER TABLE x ALTER a SET STORAGE b;\n'

    kept = [name for name in checks if name not in left_out]
    assert without_constraints(table(checks), left_out) == table(kept)


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ("CREATE TABLE u.x OF u.y (\n    CONSTRAINT a CHECK (true)\n);", "CREATE TABLE u.x OF u.y;"),
        (
            "CREATE TABLE x (\n    CONSTRAINT a CHECK (true)\n)\nINHERITS (p);",
            "CREATE TABLE x (\n)\nINHERITS (p);",
        ),
        (
            "CREATE DOMAIN d AS text\n\tCONSTRAINT a CHECK (f(VALUE))"
            "\n\tCONSTRAINT b CHECK ((VALUE > ''::text));",
            "CREATE DOMAIN d AS text\n\tCONSTRAINT b CHECK ((VALUE > ''::text));",
        ),
    ],
)
def test_a_table_may_be_empty_and_a_domain_without_checks(statement: str, left: str) -> None:
    assert without_constraints(statement, {"a"}) == left


TABLE = 'CREATE TABLE s.t (\n    "ä;b" integer,\n    c text\n);\n'
INTERNAL = "ALTER TABLE ONLY s.t ALTER COLUMN c SET (pg_attver=22158952);\n"


@pytest.mark.parametrize(
    ("dumped", "kept"),
    [
        (TABLE, TABLE),
        (TABLE + INTERNAL, TABLE),
        (TABLE + INTERNAL + "ALTER TABLE ONLY s.t ALTER COLUMN c SET STORAGE EXTERNAL;\n", None),
    ],
)
def test_a_patched_servers_own_column_options_do_not_reach_the_target(dumped: str, kept: str | None) -> None:
    left = without_internal_options(dumped)
    assert "pg_attver" not in left
    assert parse_sql(left) == parse_sql(kept if kept is not None else dumped.replace(INTERNAL, ""))


def test_an_option_beside_a_patched_servers_own_is_kept() -> None:
    left = without_internal_options(
        TABLE + "ALTER TABLE ONLY s.t ALTER COLUMN c SET (n_distinct=5, pg_attver=1);"
    )
    assert parse_sql(left) == parse_sql(TABLE + "ALTER TABLE ONLY s.t ALTER COLUMN c SET (n_distinct=5);")
