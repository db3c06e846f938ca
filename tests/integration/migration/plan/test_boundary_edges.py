"""What crosses a service's boundary is found, named, and decided by services.yaml only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.contract import CrossingRule
from core.errors import BoundaryUndecided, SchemaMissing, UnknownService
from core.sessions.connections import Database
from migration.plan.make import Plan, make_plan, plan_to_json
from tests.support.clusters import Cluster
from tests.support.moving import Split, builder

pytestmark = pytest.mark.integration

SHARED = """
    CREATE SCHEMA user_schema; CREATE SCHEMA pay_schema;
    CREATE TABLE user_schema.users (id int PRIMARY KEY, name text);
    CREATE TYPE user_schema.mood AS ENUM ('sad', 'ok');
    CREATE FUNCTION user_schema.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
    CREATE FUNCTION user_schema.audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE SEQUENCE user_schema.numbers;
    CREATE TABLE pay_schema.pays (id int PRIMARY KEY, user_id int);
"""

Make = Callable[..., Split]


def rule(match: str, action: str = "drop") -> CrossingRule:
    return CrossingRule.model_validate({"match": match, "action": action, "reason": "a test wants it"})


@pytest.fixture
def make(source_database: Database, target_cluster: Cluster, tmp_path: Path) -> Iterator[Make]:
    """Run a script on the shared database, and give `pay` some rules."""
    with builder(source_database, target_cluster, SHARED, tmp_path) as build:
        yield build


def identities(plan: Plan, service: str = "pay") -> dict[str, str | None]:
    return {edge.identity: edge.action for edge in plan.services[service].edges}


CROSSINGS = {
    "foreign key pay_schema.pays.fk -> user_schema.users": (
        "ALTER TABLE pay_schema.pays ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES user_schema.users",
        "drop",
    ),
    "view pay_schema.v -> user_schema.users": (
        "CREATE VIEW pay_schema.v AS SELECT name FROM user_schema.users", "drop",
    ),
    "materialized view pay_schema.v -> user_schema.users": (
        "CREATE MATERIALIZED VIEW pay_schema.v AS SELECT name FROM user_schema.users", "drop",
    ),
    "function pay_schema.f() -> user_schema.users": (
        "CREATE FUNCTION pay_schema.f() RETURNS bigint LANGUAGE sql AS"
        " 'SELECT count(*) FROM user_schema.users'",
        "ignore",
    ),
    "function pay_schema.atomic() -> user_schema.users": (
        "CREATE FUNCTION pay_schema.atomic() RETURNS bigint LANGUAGE sql"
        " BEGIN ATOMIC SELECT count(*) FROM user_schema.users; END",
        "drop",
    ),
    "procedure pay_schema.p(integer) -> user_schema.users": (
        "CREATE PROCEDURE pay_schema.p(int) LANGUAGE plpgsql AS"
        " $$ DECLARE r user_schema.users%ROWTYPE; BEGIN r := NULL; END $$",
        "drop",
    ),
    "trigger pay_schema.pays.t -> user_schema.audit()": (
        "CREATE TRIGGER t AFTER INSERT ON pay_schema.pays FOR EACH ROW EXECUTE FUNCTION user_schema.audit()",
        "drop",
    ),
    "policy pay_schema.pays.p -> user_schema.users": (
        "ALTER TABLE pay_schema.pays ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON pay_schema.pays"
        " USING (EXISTS (SELECT FROM user_schema.users u WHERE u.id = user_id))",
        "drop",
    ),
    "default pay_schema.pays.user_id -> user_schema.twice(integer)": (
        "ALTER TABLE pay_schema.pays ALTER user_id SET DEFAULT user_schema.twice(1)", "drop",
    ),
    "default pay_schema.pays.user_id -> user_schema.numbers": (
        "ALTER TABLE pay_schema.pays ALTER user_id SET DEFAULT nextval('user_schema.numbers')", "drop",
    ),
    "check constraint pay_schema.pays.ck -> user_schema.twice(integer)": (
        "ALTER TABLE pay_schema.pays ADD CONSTRAINT ck CHECK (user_schema.twice(id) > 0)", "drop",
    ),
    "index pay_schema.ix -> user_schema.twice(integer)": (
        "CREATE INDEX ix ON pay_schema.pays (user_schema.twice(id))", "drop",
    ),
    "rule pay_schema.pays.r -> user_schema.users": (
        "CREATE RULE r AS ON INSERT TO pay_schema.pays DO ALSO INSERT INTO user_schema.users VALUES (1)",
        "drop",
    ),
    "statistics pay_schema.st -> user_schema.twice(integer)": (
        "CREATE STATISTICS pay_schema.st ON (user_schema.twice(id)), user_id FROM pay_schema.pays", "drop",
    ),
    "check constraint pay_schema.positive.ck -> user_schema.twice(integer)": (
        "CREATE DOMAIN pay_schema.positive AS int CONSTRAINT ck CHECK (user_schema.twice(VALUE) > 0)", "drop",
    ),
    "default pay_schema.made.double -> user_schema.twice(integer)": (
        "CREATE TABLE pay_schema.made (id int PRIMARY KEY,"
        " double int GENERATED ALWAYS AS (user_schema.twice(id)) STORED)",
        "copy",
    ),
    "aggregate pay_schema.last(integer) -> user_schema.later(integer, integer)": (
        "CREATE FUNCTION user_schema.later(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $2';"
        "CREATE AGGREGATE pay_schema.last(int) (SFUNC = user_schema.later, STYPE = int)",
        "copy",
    ),
    'operator pay_schema."@@"(integer) -> user_schema.twice(integer)': (
        "CREATE OPERATOR pay_schema.@@ (RIGHTARG = int, FUNCTION = user_schema.twice)", "drop",
    ),
    "type pay_schema.pair -> user_schema.mood": (
        "CREATE TYPE pay_schema.pair AS (a user_schema.mood, b int)", "copy",
    ),
    "function pay_schema.g(user_schema.users) -> user_schema.users": (
        "CREATE FUNCTION pay_schema.g(user_schema.users) RETURNS int LANGUAGE sql AS 'SELECT 1'", "drop",
    ),
    "table pay_schema.typed -> user_schema.shape": (
        "CREATE TYPE user_schema.shape AS (a int); CREATE TABLE pay_schema.typed OF user_schema.shape",
        "copy",
    ),
    "table pay_schema.sorted -> user_schema.bytewise": (
        'CREATE COLLATION user_schema.bytewise FROM "C";'
        "CREATE TABLE pay_schema.sorted (name text COLLATE user_schema.bytewise)",
        "copy",
    ),
    "index pay_schema.words -> user_schema.plain": (
        "CREATE TEXT SEARCH CONFIGURATION user_schema.plain (COPY = pg_catalog.simple);"
        "CREATE INDEX words ON pay_schema.pays USING gin (to_tsvector('user_schema.plain', id::text))",
        "copy",
    ),
    "exclusion constraint pay_schema.pays.apart -> user_schema.twice(integer)": (
        "ALTER TABLE pay_schema.pays ADD CONSTRAINT apart"
        " EXCLUDE USING hash (user_schema.twice(user_id) WITH =)",
        "drop",
    ),
    "function pay_schema.runs(text) -> dynamic SQL": (
        "CREATE FUNCTION pay_schema.runs(text) RETURNS void LANGUAGE plpgsql AS"
        " $$ BEGIN EXECUTE format('DELETE FROM %I', $1); END $$",
        "ignore",
    ),
    "table pay_schema.moody -> user_schema.mood": (
        "CREATE TABLE pay_schema.moody (m user_schema.mood[])", "copy",
    ),
}  # fmt: skip


@pytest.mark.parametrize("identity", CROSSINGS)
def test_what_crosses_is_a_no_go_that_names_the_line_to_add(make: Make, identity: str) -> None:
    plan = make(CROSSINGS[identity][0]).plan()
    assert identities(plan) == {identity: None}
    problem = plan.no_go[0]
    assert identity in problem.text
    assert f"match: '{identity}'".replace("[", "[[]") in problem.line, "the line can be pasted"
    with pytest.raises(BoundaryUndecided, match=r"services\.yaml"):
        plan.check()


@pytest.mark.parametrize("identity", CROSSINGS)
def test_a_decided_crossing_moves_without_a_difference(make: Make, identity: str) -> None:
    script, action = CROSSINGS[identity]
    made = make(script, rule(identity, action))
    assert identities(made.plan()) == {identity: action}
    assert [str(difference) for difference in made.move("pay")] == []


def test_the_line_a_problem_names_settles_it(make: Make) -> None:
    made = make('CREATE VIEW pay_schema."odd [v]*" AS SELECT name FROM user_schema.users')
    edge = made.plan().services["pay"].edges[0]
    match = edge.line.split("match: '")[1].split("', action")[0].replace("''", "'")
    pay = made.contract.services["pay"].model_copy(update={"crossing": (rule(match),)})
    services = dict(made.contract.services) | {"pay": pay}
    plan = make_plan(made.contract.model_copy(update={"services": services}), made.plan().catalog)
    assert not plan.no_go


def test_what_depends_on_something_dropped_has_to_be_decided_too(make: Make) -> None:
    script = (
        "CREATE VIEW pay_schema.v AS SELECT name FROM user_schema.users;"
        "CREATE VIEW pay_schema.on_v AS SELECT * FROM pay_schema.v;"
        "CREATE VIEW pay_schema.on_on_v AS SELECT * FROM pay_schema.on_v"
    )
    first = make(script, rule("view pay_schema.v -> *"))
    assert identities(first.plan()) == {
        "view pay_schema.on_v -> pay_schema.v": None,
        "view pay_schema.v -> user_schema.users": "drop",
    }


def test_all_that_is_dropped_in_a_chain_stays_away(make: Make) -> None:
    script = (
        "CREATE FUNCTION pay_schema.f() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM 1 FROM user_schema.users; RETURN NEW; END $$;"
        "CREATE TRIGGER t BEFORE INSERT ON pay_schema.pays FOR EACH ROW EXECUTE FUNCTION pay_schema.f()"
    )
    made = make(script, rule("function pay_schema.f() -> *"), rule("trigger pay_schema.pays.t -> *"))
    assert not made.plan().no_go
    assert made.move("pay") == ()
    with made.superusers["pay"].connect() as connection:
        left = connection.execute("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal").fetchone()
    assert left == (0,)


def test_a_rule_with_an_action_that_does_not_fit_is_told_so(make: Make) -> None:
    made = make("CREATE VIEW pay_schema.v AS SELECT name FROM user_schema.users", rule("view *", "move"))
    assert "`move` does not fit it (rule 'view *'); possible: drop, reference" in made.plan().no_go[0].text


def test_dynamic_sql_and_unqualified_names_are_found(make: Make) -> None:
    made = make(
        "CREATE FUNCTION pay_schema.dynamic() RETURNS void LANGUAGE plpgsql AS"
        " $$ BEGIN EXECUTE 'DELETE FROM user_schema.users'; END $$;"
        "CREATE FUNCTION pay_schema.bare() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM users'"
        "  SET search_path = user_schema;"
        "CREATE FUNCTION pay_schema.none() RETURNS bigint LANGUAGE sql AS"
        " 'WITH users AS (SELECT 1) SELECT count(*) FROM users -- user_schema.users'"
    )
    assert set(identities(made.plan())) == {
        "function pay_schema.dynamic() -> user_schema.users",
        "function pay_schema.bare() -> user_schema.users",
    }


def test_shared_code_that_reads_a_service_is_an_edge_of_who_needs_it(make: Make) -> None:
    made = make(
        "CREATE FUNCTION public.known(int) RETURNS boolean LANGUAGE sql AS"
        " 'SELECT EXISTS (SELECT FROM user_schema.users WHERE id = $1)';"
        "CREATE VIEW pay_schema.v AS SELECT public.known(user_id) FROM pay_schema.pays"
    )
    plan = made.plan()
    assert identities(plan) == {"function public.known(integer) -> user_schema.users": None}
    assert identities(plan, "user") == {}, "it is the user service's own there"


def test_what_nobody_claims_is_listed_and_needs_a_decision_when_needed(make: Make) -> None:
    script = (
        "CREATE SCHEMA legacy; CREATE TABLE legacy.old (id int); CREATE VIEW legacy.v AS SELECT 1 AS a;"
        "CREATE TABLE public.currencies (code text PRIMARY KEY);"
        "CREATE TABLE pay_schema.prices (code text CONSTRAINT fk REFERENCES public.currencies)"
    )
    plan = make(script).plan()
    assert "schema legacy (1 table, 1 view)" in plan.unclaimed
    assert "table public.currencies" in plan.unclaimed
    assert identities(plan) == {"foreign key pay_schema.prices.fk -> public.currencies": None}


def test_a_table_nobody_claims_moves_with_the_service_that_asks_for_it(make: Make) -> None:
    made = make(
        "CREATE TABLE public.currencies (code text PRIMARY KEY);"
        "CREATE TABLE pay_schema.prices (code text CONSTRAINT fk REFERENCES public.currencies)",
        rule("* -> public.currencies", "move"),
    )
    plan = made.plan()
    assert "public.currencies" in [str(table.name) for table in plan.services["pay"].tables]
    assert plan.unclaimed == ()
    assert made.move("pay") == ()


def test_a_sequence_can_leave_its_owner_behind(make: Make) -> None:
    made = make(
        "CREATE TABLE public.old (id serial);"
        "CREATE TABLE pay_schema.new (id int DEFAULT nextval('public.old_id_seq'))",
        rule("default pay_schema.new.id -> public.old_id_seq", "move"),
        rule("sequence public.old_id_seq -> public.old", "ignore"),
    )
    assert [str(s.name) for s in made.plan().services["pay"].sequences] == ["public.old_id_seq"]
    assert made.move("pay") == ()


def test_a_rule_that_matches_nothing_is_said(make: Make) -> None:
    plan = make("", rule("foreign key pay_schema.typo -> *")).plan()
    assert any("foreign key pay_schema.typo" in problem.text for problem in plan.problems)
    assert not plan.no_go


def test_a_missing_schema_is_a_no_go(make: Make) -> None:
    made = make("DROP SCHEMA pay_schema CASCADE")
    with pytest.raises(SchemaMissing, match="pay_schema"):
        made.plan(["pay"]).check()


def test_an_unknown_service_is_refused_with_the_known_ones(make: Make) -> None:
    with pytest.raises(UnknownService, match="pay, user"):
        make("").plan(["billing"])


def test_the_plan_as_json_has_the_definition_of_what_is_dropped(make: Make) -> None:
    identity = "foreign key pay_schema.pays.fk -> user_schema.users"
    made = make(CROSSINGS[identity][0], rule(identity))
    (edge,) = plan_to_json(made.plan())["services"]["pay"]["edges"]
    assert edge["definition"] == "FOREIGN KEY (user_id) REFERENCES user_schema.users(id)"
