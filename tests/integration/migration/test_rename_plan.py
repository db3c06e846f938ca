"""What names a schema in text is found before the move; what follows a rename by itself is not named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.contract import CrossingRule
from core.errors import RenameRefused
from core.sessions.connections import Database
from migration.plan.make import Plan
from tests.support.clusters import Cluster
from tests.support.moving import Split, builder

pytestmark = pytest.mark.integration

SHARED = """
    CREATE SCHEMA user_schema; CREATE SCHEMA pay_schema;
    CREATE TABLE user_schema.users (id int PRIMARY KEY, name text, search tsvector);
    CREATE SEQUENCE user_schema.numbers;
    CREATE TEXT SEARCH CONFIGURATION user_schema.ours (COPY = pg_catalog.simple);
    CREATE TABLE pay_schema.pays (id int PRIMARY KEY, user_id int);
"""
Make = Callable[..., Split]


@pytest.fixture
def make(source_database: Database, target_cluster: Cluster, tmp_path: Path) -> Iterator[Make]:
    with builder(source_database, target_cluster, SHARED, tmp_path) as build:

        def renaming(script: str, *rules: CrossingRule) -> Split:
            made = build(script, *rules)
            services = dict(made.contract.services)
            services["user"] = services["user"].model_copy(update={"own_schema": "accounts"})
            made.contract = made.contract.model_copy(update={"services": services})
            return made

        yield renaming


def texts(plan: Plan, severity: str = "no-go") -> list[str]:
    """What the plan says of the rename."""
    found = [one for service in plan.services.values() for one in service.problems if one.kind == "rename"]
    return [one.text for one in found if one.severity == severity]


def function(rest: str) -> str:
    """A function of the schema, from its language on."""
    return "CREATE FUNCTION user_schema.f() RETURNS bigint LANGUAGE " + rest


UNHARMED = {
    "a parsed body": function("sql BEGIN ATOMIC SELECT count(*) FROM user_schema.users; END"),
    "names without a schema": function("plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM users); END'"),
    "a path of its own": function(
        "plpgsql SET search_path = user_schema AS 'BEGIN RETURN (SELECT count(*) FROM users); END'"
    ),
    "a default": "CREATE TABLE user_schema.t (id bigint DEFAULT nextval('user_schema.numbers'))",
    "a view": "CREATE VIEW user_schema.v AS SELECT nextval('user_schema.numbers'), id FROM user_schema.users",
    "a comment": function("plpgsql AS $$ BEGIN /* user_schema.users */ RETURN 1; END $$"),
    "an alias": function("sql AS 'SELECT user_schema.id::bigint FROM (SELECT 1 AS id) AS user_schema'"),
    "a trigger": "CREATE FUNCTION user_schema.t() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN new; END'; CREATE TRIGGER t BEFORE INSERT ON user_schema.users FOR EACH ROW"
    " WHEN (new.name <> 'user') EXECUTE FUNCTION user_schema.t()",
}
BROKEN = {
    "SQL": (function("sql AS 'SELECT count(*) FROM user_schema.users'"), "function user_schema.f()"),
    "PL/pgSQL": (
        function("plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM \"user_schema\" . users); END'"),
        "function user_schema.f()",
    ),
    "a type": (
        function("plpgsql AS 'DECLARE r user_schema.users%ROWTYPE; BEGIN RETURN 1; END'"),
        "function user_schema.f()",
    ),
    "EXECUTE": (
        function("plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM user_schema.users'; RETURN 1; END $$"),
        "function user_schema.f()",
    ),
    "a sequence by its name": (
        function("plpgsql AS $$ BEGIN RETURN nextval('user_schema.numbers'); END $$"),
        "function user_schema.f()",
    ),
    "a default of text": (
        "CREATE TABLE user_schema.t (id bigint DEFAULT nextval('user_schema.numbers'::text))",
        "default user_schema.t.id",
    ),
    "text in a parsed body": (
        function("sql BEGIN ATOMIC SELECT nextval('user_schema.numbers'::text); END"),
        "function user_schema.f()",
    ),
    "an argument of a trigger": (
        "CREATE TRIGGER t BEFORE INSERT ON user_schema.users FOR EACH ROW EXECUTE FUNCTION"
        " tsvector_update_trigger('search', 'user_schema.ours', 'name')",
        "trigger user_schema.users.t",
    ),
    "a setting of a function": (
        function("sql SET default_text_search_config = 'user_schema.ours' BEGIN ATOMIC SELECT 1; END"),
        "function user_schema.f()",
    ),
}


def test_what_follows_a_rename_by_itself_is_not_named(make: Make) -> None:
    script = ";".join(
        text.replace("user_schema.f()", f"user_schema.f{n}()").replace("user_schema.t ", f"user_schema.t{n} ")
        for n, text in enumerate(UNHARMED.values())
    )
    plan = make(script).plan(["user"])
    assert texts(plan) == []
    assert texts(plan, "note") == []


def test_what_names_the_schema_in_text_is_refused_by_its_name(make: Make) -> None:
    script = ";".join(
        text.replace("user_schema.f()", f"user_schema.f{n}()").replace("user_schema.t ", f"user_schema.t{n} ")
        for n, (text, _) in enumerate(BROKEN.values())
    )
    plan = make(script).plan(["user"])
    said = texts(plan)
    for n, (what, (_, item)) in enumerate(BROKEN.items()):
        named = item.replace("f()", f"f{n}()").replace("user_schema.t.", f"user_schema.t{n}.")
        assert [text for text in said if text.startswith(named)], f"{what}: {named} is not among {said}"
    assert len(said) == len(BROKEN)
    with pytest.raises(RenameRefused, match="names the schema in text"):
        plan.check()


@pytest.mark.parametrize(
    "body",
    [
        "EXECUTE format('SELECT 1 FROM %I.%I', 'user_schema', 'users')",
        "EXECUTE 'SELECT 1 FROM user_schema.' || current_user",
        "SET LOCAL search_path = user_schema",
        "PERFORM set_config('search_path', 'user_schema, public', true)",
    ],
)
def test_a_text_that_may_become_a_name_is_told_and_stops_nothing(make: Make, body: str) -> None:
    plan = make(function(f"plpgsql AS $$ BEGIN {body}; RETURN 1; END $$")).plan(["user"])
    assert texts(plan) == []
    (said,) = texts(plan, "note")
    assert said.startswith("function user_schema.f()")


def test_a_replica_that_another_service_keeps_forbids_it(make: Make) -> None:
    rule = CrossingRule(match="view *", action="reference", reason="a report")
    made = make("CREATE VIEW pay_schema.v AS SELECT id, name FROM user_schema.users", rule)
    (said,) = texts(made.plan(["user"]))
    assert said.startswith("pay would keep a replica of user")
