"""Schema migrations have a login and an endpoint of their own, before a move and after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import errors

from components.contract import Service
from components.replication_roles import server_wide
from core.gateway.gateway import Gateway
from tests.acceptance.conftest import APPLICATION
from tests.acceptance.logins import connect
from tests.acceptance.stack import Stack
from tests.support.clusters import Cluster
from tests.support.schema_tools import SchemaTools, schema_tools

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]

V1 = """
CREATE TABLE accounts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, who text NOT NULL);
CREATE INDEX accounts_who ON accounts (who);
ALTER TABLE accounts ADD COLUMN tier text NOT NULL DEFAULT 'basic';
INSERT INTO accounts (who) VALUES ('one; and no more');
"""
CHANGELOG = """--liquibase formatted sql
--changeset of:1
CREATE TABLE notes (id int PRIMARY KEY, note text);
--changeset of:2
ALTER TABLE notes ADD COLUMN at timestamptz DEFAULT now();
"""


@pytest.fixture
def user(deployed: Stack, shared_source: Cluster) -> Iterator[Service]:
    """The user service; its gateway leads to the shared database again in the end, and nothing is left."""
    contract = deployed.contract()
    service = contract.services["user"]
    assert service.ddl is not None
    yield service
    gateway = Gateway(service, contract.source)
    tables = "accounts, notes, flyway_schema_history, databasechangelog, databasechangeloglock"
    for side in ("target", "source"):
        gateway.repoint(side)
        with connect(service.endpoint, service.ddl, dbname=service.ddl_database) as connection:
            connection.execute(f"DROP TABLE IF EXISTS {tables}".encode())


@pytest.fixture
def tools(user: Service, tmp_path: Path) -> SchemaTools:
    return schema_tools(user, tmp_path)


def migrate(tools: SchemaTools, service: Service, owner: str) -> None:
    """With both tools; what they made belongs to `owner`, and the service's own role can use it."""
    assert "Successfully applied 1 migration" in tools.flyway({"V1__accounts.sql": V1}).stdout
    assert 'Schema "user_schema" is up to date' in tools.flyway({"V1__accounts.sql": V1}).stdout
    tools.liquibase(CHANGELOG)
    with connect(service.endpoint, service.service) as connection:
        assert connection.execute("SELECT who, tier FROM accounts").fetchall() == [
            ("one; and no more", "basic")
        ]
        made = connection.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'user_schema'"
            " AND tablename IN ('accounts', 'notes', 'flyway_schema_history', 'databasechangelog')"
        ).fetchall()
    assert made == [(owner,)]


def test_before_a_move_they_change_the_schema_in_the_shared_database(
    user: Service, tools: SchemaTools, shared_source: Cluster
) -> None:
    migrate(tools, user, APPLICATION)
    with shared_source.database("waqiti").connect() as connection:
        assert connection.execute("SELECT count(*) FROM user_schema.notes").fetchone() == (0,)


def test_after_a_move_they_change_the_services_own_database(
    user: Service, tools: SchemaTools, deployed: Stack
) -> None:
    Gateway(user, deployed.contract().source).repoint("target")
    migrate(tools, user, user.owner)


def test_a_session_keeps_its_locks_and_the_next_client_finds_none_of_it(user: Service) -> None:
    assert user.ddl is not None
    with connect(user.endpoint, user.ddl, dbname=user.ddl_database) as connection:
        connection.execute("SELECT pg_advisory_lock(7)")
        connection.execute("SET search_path = nowhere; SET ROLE NONE")
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7"
        assert connection.execute(held).fetchone() == (1,)
    with connect(user.endpoint, user.ddl, dbname=user.ddl_database) as connection:
        found = connection.execute(
            "SELECT current_user::text, session_user::text, current_schema()"
        ).fetchone()
        assert found == (APPLICATION, server_wide(user.ddl.name, "waqiti"), "user_schema")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE wallet_schema.mine ()",
        "ALTER TABLE wallet_schema.whose ADD COLUMN more int",
        "DROP TABLE wallet_schema.whose",
        "CREATE SCHEMA another",
        "GRANT SELECT ON wallet_schema.whose TO PUBLIC",
        "CREATE TABLE public.ours ()",
    ],
)
def test_in_the_shared_database_they_change_no_other_services_schema(user: Service, statement: str) -> None:
    assert user.ddl is not None
    with (
        connect(user.endpoint, user.ddl, dbname=user.ddl_database) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


def test_nobody_else_comes_in_by_their_way(user: Service) -> None:
    assert user.ddl is not None
    for login, database in ((user.service, user.ddl_database), (user.ddl, user.endpoint.database)):
        with pytest.raises(errors.OperationalError):
            connect(user.endpoint, login, dbname=database).close()


def test_the_role_is_no_superuser_and_replicates_nothing(user: Service, shared_source: Cluster) -> None:
    assert user.ddl is not None
    rights = (
        "SELECT rolsuper, rolreplication, rolbypassrls, rolcreaterole, rolcreatedb"
        " FROM pg_roles WHERE rolname = %s"
    )
    with shared_source.database().connect() as shared, connect(user.instance, user.migration) as own:
        for connection, role in ((shared, server_wide(user.ddl.name, "waqiti")), (own, user.ddl.name)):
            assert connection.execute(rights, [role]).fetchone() == (False,) * 5
