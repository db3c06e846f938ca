"""What the services' common role may grant on arrives so, is compared, and what does not arrive is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from components.contract import CrossingRule, Login
from core.sessions.connections import Database
from tests.support.clusters import Cluster
from tests.support.moving import split
from tests.support.versions import every_version_pair

pytestmark = pytest.mark.integration

APPLICATION = Login(name="app_with_options", password=SecretStr("unused"))
ROLES = "app_with_options, helper_of_options, readers_of_options, group_of_options"
DROP_GRANTS = CrossingRule(match="grant to * -> *", action="drop", reason="of the shared database")
SCHEMA = """
    CREATE SCHEMA user_schema; SET search_path = user_schema;
    CREATE TABLE plain (a int, b int); GRANT SELECT, INSERT ON plain TO app_with_options;
    CREATE TABLE whole (a int); GRANT SELECT ON whole TO app_with_options WITH GRANT OPTION;
    GRANT INSERT ON whole TO app_with_options;
    CREATE TABLE "by col" (a int, "B c" int, c int); GRANT SELECT ON "by col" TO app_with_options;
    GRANT SELECT ("B c"), UPDATE (c) ON "by col" TO app_with_options WITH GRANT OPTION;
    CREATE TABLE through_group (a int); GRANT UPDATE ON through_group TO group_of_options WITH GRANT OPTION;
    CREATE VIEW v AS SELECT a FROM plain; GRANT SELECT ON v TO app_with_options WITH GRANT OPTION;
    CREATE SEQUENCE s; GRANT USAGE, SELECT ON s TO app_with_options WITH GRANT OPTION;
    CREATE FUNCTION f(int) RETURNS int LANGUAGE sql RETURN 1; REVOKE ALL ON FUNCTION f FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION f TO app_with_options WITH GRANT OPTION;
    CREATE TYPE e AS ENUM ('a'); GRANT USAGE ON TYPE e TO app_with_options WITH GRANT OPTION;
    GRANT USAGE ON SCHEMA user_schema TO app_with_options WITH GRANT OPTION;
"""


@pytest.fixture
def source(source_database: Database) -> Iterator[Database]:
    with source_database.connect() as connection:
        for role in ROLES.split(", "):
            connection.execute(f"CREATE ROLE {role}".encode())
        connection.execute("GRANT group_of_options TO app_with_options")
        connection.execute(SCHEMA)
    yield source_database
    with source_database.connect() as connection:
        connection.execute(f"DROP OWNED BY {ROLES} CASCADE".encode())
        connection.execute(f"DROP ROLE {ROLES}".encode())


@every_version_pair
def test_what_was_granted_with_grant_option_arrives_so(
    source: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    rules = {"user": (DROP_GRANTS,)}
    with split(source, target_cluster, rules, tmp_path, APPLICATION) as made:
        assert [str(difference) for difference in made.move("user")] == []
        role = made.contract.services["user"].service.name
        with made.superusers["user"].connect() as connection:

            def may(function: str, *what: str) -> bool:
                marks = ", ".join(["%s"] * (len(what) + 1))
                row = connection.execute(f"SELECT {function}({marks})".encode(), [role, *what]).fetchone()
                return bool(row and row[0])

            option = " WITH GRANT OPTION"
            assert may("has_table_privilege", "user_schema.whole", "SELECT" + option)
            assert may("has_table_privilege", "user_schema.whole", "INSERT")
            assert not may("has_table_privilege", "user_schema.whole", "INSERT" + option)
            assert not may("has_table_privilege", "user_schema.plain", "SELECT" + option)
            assert may("has_column_privilege", 'user_schema."by col"', "B c", "SELECT" + option)
            assert not may("has_column_privilege", 'user_schema."by col"', "a", "SELECT" + option)
            assert may("has_column_privilege", 'user_schema."by col"', "c", "UPDATE" + option)
            assert may("has_table_privilege", "user_schema.through_group", "UPDATE" + option)
            assert may("has_table_privilege", "user_schema.v", "SELECT" + option)
            assert may("has_sequence_privilege", "user_schema.s", "USAGE" + option)
            assert may("has_function_privilege", "user_schema.f(int)", "EXECUTE" + option)
            assert may("has_type_privilege", "user_schema.e", "USAGE" + option)
            assert may("has_schema_privilege", "user_schema", "USAGE" + option)


@every_version_pair
def test_rights_that_do_not_come_along_are_named_with_the_reason(
    source: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source.connect() as connection:
        connection.execute(
            """
            GRANT REFERENCES, TRIGGER ON user_schema.plain TO app_with_options;
            GRANT CREATE ON SCHEMA user_schema TO app_with_options;
            DO $$ BEGIN
                EXECUTE format('GRANT CREATE ON DATABASE %I TO app_with_options', current_database());
            END $$;
            GRANT pg_monitor TO app_with_options WITH ADMIN OPTION;
            GRANT SELECT ON user_schema.plain TO helper_of_options WITH GRANT OPTION;
            GRANT USAGE ON SCHEMA user_schema TO helper_of_options;
            SET ROLE helper_of_options; GRANT SELECT ON user_schema.plain TO app_with_options; RESET ROLE;
            GRANT SET ON PARAMETER log_min_messages TO app_with_options;
            ALTER ROLE app_with_options BYPASSRLS CREATEROLE;
            ALTER DEFAULT PRIVILEGES IN SCHEMA user_schema GRANT SELECT ON TABLES TO app_with_options
                WITH GRANT OPTION;
            """
        )
    with split(source, target_cluster, {"user": ()}, tmp_path, APPLICATION) as made:
        plan = made.plan()
    notes = "\n".join(problem.text for problem in plan.all_problems if problem.severity == "note")
    for said in (
        "REFERENCES, TRIGGER of role app_with_options on 1 relations in user_schema does not move",
        "CREATE of role app_with_options in user_schema does not move",
        "the grantor helper_of_options, not the owner, of rights of role app_with_options on 1 objects",
        "the membership of role app_with_options in pg_monitor with ADMIN OPTION",
        "the membership of role app_with_options in group_of_options does not move",
        "CREATEROLE, BYPASSRLS of role app_with_options does not move",
        "SELECT to app_with_options with grant option",
        "CREATE of role app_with_options on the database does not move",
        "SET of role app_with_options on parameter log_min_messages does not move",
    ):
        assert said in notes
    assert "TEMPORARY" not in notes, "the stack grants it"
    edges = {edge.identity: edge for edge in plan.services["user"].edges}
    assert edges["grant to helper_of_options -> user_schema"].definition == (
        "rights on 2 objects, on 1 of them with grant option"
    )
