"""Edges that `pg_depend` does not tell, or that no action fits: named in the plan, with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg import sql

from components.contract import CrossingRule, Login
from core.sessions.connections import Database
from migration.plan.make import Plan, make_plan
from tests.support.clusters import Cluster
from tests.support.contracts import NOBODY
from tests.support.moving import PASSWORD, Split, split

pytestmark = pytest.mark.integration

SHARED = """
    CREATE SCHEMA user_schema; CREATE SCHEMA pay_schema; CREATE SCHEMA legacy;
    CREATE TABLE user_schema.users (id int PRIMARY KEY, name text);
    CREATE TABLE user_schema.events (id int, at date) PARTITION BY RANGE (at);
    CREATE TABLE pay_schema.pays (id int PRIMARY KEY, user_id int);
"""

Make = Callable[..., Split]


def rule(match: str, action: str) -> CrossingRule:
    return CrossingRule.model_validate({"match": match, "action": action, "reason": "a test wants it"})


@pytest.fixture
def make(source_database: Database, target_cluster: Cluster, tmp_path: Path) -> Iterator[Make]:
    opened = []

    def build(
        script: str,
        *rules: CrossingRule,
        user: tuple[CrossingRule, ...] = (),
        application: Login | None = None,
    ) -> Split:
        with source_database.connect() as connection:
            connection.execute((SHARED + script).encode())
        services = {"user": user, "pay": rules}
        context = split(source_database, target_cluster, services, tmp_path, application)
        opened.append(context)
        return context.__enter__()

    yield build
    for context in opened:
        context.__exit__(None, None, None)


def said(plan: Plan) -> str:
    (problem,) = plan.no_go
    return f"{problem.text} | {problem.line}"


@pytest.mark.parametrize(
    ("script", "identity", "statement"),
    [
        (
            "CREATE TABLE pay_schema.child (more int) INHERITS (user_schema.users)",
            "table pay_schema.child -> user_schema.users",
            "ALTER TABLE pay_schema.child NO INHERIT user_schema.users",
        ),
        (
            "CREATE TABLE pay_schema.p1 PARTITION OF user_schema.events"
            " FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
            "table pay_schema.p1 -> user_schema.events",
            "ALTER TABLE user_schema.events DETACH PARTITION pay_schema.p1",
        ),
    ],
)
def test_a_table_extending_another_services_names_the_parting_statement(
    make: Make, source_database: Database, script: str, identity: str, statement: str
) -> None:
    made = make(script)
    assert identity in said(made.plan(["pay"]))
    assert statement in said(made.plan(["pay"]))
    assert statement in said(made.plan(["user"])), "the parent would lose rows, too"
    with source_database.connect() as connection:
        connection.execute(statement.encode())
    assert not made.plan().no_go
    assert made.move("pay") == ()


def test_a_column_of_another_services_row_type_has_to_change_first(make: Make) -> None:
    text = said(make("CREATE TABLE pay_schema.whole (u user_schema.users)").plan())
    assert "table pay_schema.whole -> user_schema.users" in text
    assert 'ALTER COLUMN "u" TYPE jsonb USING to_jsonb("u")' in text


def test_a_service_cannot_leave_while_anothers_view_of_it_is_undecided(make: Make) -> None:
    made = make("CREATE VIEW pay_schema.v AS SELECT name FROM user_schema.users")
    text = said(made.plan(["user"]))
    assert "view pay_schema.v -> user_schema.users" in text
    assert "services: pay: crossing: - {match: 'view pay_schema.v -> user_schema.users', action: drop" in text


@pytest.mark.parametrize(
    ("script", "identity"),
    [
        ("CREATE VIEW legacy.v AS SELECT id FROM pay_schema.pays", "view legacy.v -> pay_schema.pays"),
        (
            "CREATE TABLE legacy.t (id int CONSTRAINT fk REFERENCES pay_schema.pays)",
            "foreign key legacy.t.fk -> pay_schema.pays",
        ),
        (
            "CREATE FUNCTION legacy.f() RETURNS int LANGUAGE sql AS 'SELECT max(id) FROM pay_schema.pays'",
            "function legacy.f() -> pay_schema.pays",
        ),
    ],
)
def test_what_nobody_claims_and_reads_a_service_is_ignored_only_on_purpose(
    make: Make, script: str, identity: str
) -> None:
    made = make(script)
    assert f"{identity} stays behind" in said(made.plan(["pay"]))
    assert f"match: '{identity}', action: ignore" in said(made.plan(["pay"]))
    pay = made.contract.services["pay"].model_copy(update={"crossing": (rule(identity, "ignore"),)})
    agreed = made.contract.model_copy(update={"services": {**made.contract.services, "pay": pay}})
    assert not make_plan(agreed, made.plan().catalog).no_go


def test_an_unclaimed_child_of_a_services_table_has_to_be_parted_first(make: Make) -> None:
    text = said(make("CREATE TABLE legacy.old () INHERITS (pay_schema.pays)").plan(["pay"]))
    assert "ALTER TABLE legacy.old NO INHERIT pay_schema.pays" in text


def test_rules_about_a_service_hold_after_it_is_finished(make: Make, source_database: Database) -> None:
    script = (
        "CREATE VIEW pay_schema.v AS SELECT name FROM user_schema.users;"
        "CREATE FUNCTION pay_schema.f() RETURNS text LANGUAGE sql AS 'SELECT name FROM user_schema.users';"
        "CREATE VIEW user_schema.w AS SELECT user_id FROM pay_schema.pays"
    )
    made = make(
        script,
        rule("view pay_schema.v -> user_schema.users", "drop"),
        rule("function pay_schema.f() -> user_schema.users", "drop"),
    )
    before = [(edge.identity, edge.action) for edge in made.plan(["pay"]).services["pay"].edges]
    assert len(before) == 2
    with source_database.connect() as connection:
        connection.execute("ALTER SCHEMA user_schema RENAME TO user_schema_archived_20261125")
    plan = made.plan(["pay"])
    assert [(edge.identity, edge.action) for edge in plan.services["pay"].edges] == before
    assert plan.no_go == ()
    assert any(line.startswith("schema user_schema_archived_20261125 (") for line in plan.unclaimed)


@pytest.mark.parametrize(
    "publication", ["TABLE pay_schema.pays, user_schema.users", "ALL TABLES", "TABLES IN SCHEMA pay_schema"]
)
def test_a_publication_of_a_services_tables_stays_behind_on_purpose(make: Make, publication: str) -> None:
    made = make(f"CREATE PUBLICATION feed FOR {publication}")
    problem = next(problem for problem in made.plan().no_go if problem.service == "pay")
    assert "publication feed -> pay_schema needs service pay" in problem.text
    assert problem.line.endswith("- {match: 'publication feed -> pay_schema', action: drop, reason: '...'}")


def test_a_decided_publication_does_not_stop_the_move(make: Make) -> None:
    made = make("CREATE PUBLICATION feed FOR TABLE pay_schema.pays", rule("publication feed -> *", "drop"))
    assert made.move("pay") == ()


def test_a_subscription_into_a_services_tables_forbids_the_move(
    make: Make, source_database: Database, source_cluster: Cluster
) -> None:
    made = make("")
    with source_database.connect() as connection:
        connection.execute(
            "CREATE SUBSCRIPTION filled CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)"
        )
        # What CREATE SUBSCRIPTION would have noted, had there been a publisher to ask.
        connection.execute("SET allow_system_table_mods = on")
        connection.execute(
            "INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate)"
            " SELECT oid, 'pay_schema.pays'::regclass, 'r' FROM pg_subscription WHERE subname = 'filled'"
        )
    text = said(made.plan())
    assert "subscription filled -> pay_schema" in text
    assert "DROP SUBSCRIPTION" in text


def test_rights_of_a_role_that_does_not_move_are_decided_on_purpose(
    make: Make, source_database: Database
) -> None:
    with source_database.connect() as connection:
        connection.execute("DROP ROLE IF EXISTS edge_reporting; CREATE ROLE edge_reporting")
    made = make("GRANT SELECT ON pay_schema.pays, user_schema.users TO edge_reporting")
    try:
        lines = {problem.line for problem in made.plan().no_go}
        assert lines == {
            f"services: {name}: crossing: - {{match: 'grant to edge_reporting -> {name}_schema',"
            " action: drop, reason: '...'}"
            for name in ("pay", "user")
        }
    finally:
        with source_database.connect() as connection:
            connection.execute("DROP OWNED BY edge_reporting; DROP ROLE edge_reporting")


def test_grants_of_the_common_role_become_the_services_own(make: Make, source_database: Database) -> None:
    with source_database.connect() as connection:
        connection.execute("DROP ROLE IF EXISTS edge_application; CREATE ROLE edge_application")
    application = NOBODY.model_copy(update={"name": "edge_application"})
    made = make(
        "GRANT USAGE ON SCHEMA pay_schema TO edge_application; GRANT SELECT ON pay_schema.pays TO"
        " edge_application; GRANT UPDATE (user_id) ON pay_schema.pays TO edge_application",
        application=application,
    )
    try:
        assert not made.plan().no_go
        made.move("pay")
        service = made.contract.services["pay"].service
        asked = Database("pay", "target", made.targets["pay"].endpoint, service, plain=True)
        with asked.connect() as connection:
            connection.execute("SELECT * FROM pay_schema.pays")
            may = connection.execute(
                sql.SQL(
                    "SELECT has_table_privilege('pay_schema.pays', 'DELETE'),"
                    " has_column_privilege('pay_schema.pays', 'user_id', 'UPDATE'),"
                    " has_column_privilege('pay_schema.pays', 'id', 'UPDATE')"
                )
            ).fetchone()
        assert (service.password, may) == (PASSWORD, (False, True, False))
    finally:
        with source_database.connect() as connection:
            connection.execute("DROP OWNED BY edge_application; DROP ROLE edge_application")


def test_what_no_dump_of_a_schema_carries_is_named(make: Make, source_database: Database) -> None:
    name = sql.Identifier(source_database.endpoint.database)
    made = make(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA pay_schema GRANT SELECT ON TABLES TO PUBLIC;"
        "CREATE FUNCTION legacy.notice() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE EVENT TRIGGER noticed ON ddl_command_end EXECUTE FUNCTION legacy.notice()"
    )
    with source_database.connect() as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} SET work_mem = '8MB'").format(name))
    plan = made.plan()
    notes = [problem.text for problem in plan.all_problems if problem.severity == "note"]
    for part in (
        "default privileges for tables",
        "work_mem set for the whole database",
        "noticed stays behind",
    ):
        assert any(part in note for note in notes), part
    assert "8MB" not in " ".join(notes), "a setting's value may be a secret"
