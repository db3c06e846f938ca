"""What a subscription's server can read of its connection is a login that can do nothing but follow."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from components.contract import Login
from components.replication_roles import server_wide
from core.errors import AuthenticationFailed
from core.sessions.connections import Database
from migration.replicate.login import drop_login, make_login
from tests.support.clusters import SUPERUSER, Cluster
from tests.support.replicas import replicated

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

NAME = "waqiti_bank_forward"


def kept_login(subscriber: Database) -> Login:
    """User and password of the subscription, as a superuser of its server reads them."""
    with subscriber.connect() as connection:
        row = connection.execute(
            "SELECT subconninfo FROM pg_subscription WHERE subname = %s", [NAME]
        ).fetchone()
    assert row is not None
    found = conninfo_to_dict(row[0])
    return Login(name=str(found["user"]), password=SecretStr(str(found["password"])))


def login_of(database: Database) -> str:
    """What the login on the database's server is called."""
    return server_wide(NAME, database.endpoint.database)


def roles(database: Database) -> list[str]:
    """The login, if the server has it."""
    with database.connect() as connection:
        names = [NAME, login_of(database)]
        rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [names])
        return [row[0] for row in rows]


def test_a_subscription_follows_with_a_login_that_may_read_no_table(
    source_database: Database, target_database: Database
) -> None:
    with replicated(source_database, target_database) as (flow, tables):
        kept = kept_login(target_database)
        assert kept.name == login_of(source_database)
        assert kept.password != SUPERUSER.password
        thief = dataclasses.replace(source_database, login=kept)
        with thief.connect() as connection:
            for table in tables:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(sql.SQL("TABLE {}").format(table.name.identifier()))
            for statement in ("CREATE TABLE public.mine ()", "CREATE SCHEMA mine", "CREATE ROLE mine"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.encode())

        assert flow.subscribe(tables, enabled=True) is None
        assert kept_login(target_database).password != kept.password, "every start has a password of its own"
        flow.prove(seconds=30)
        flow.drop()
    assert roles(source_database) == []


@contextmanager
def turned_away(cluster: Cluster, login: str) -> Iterator[None]:
    """The server's pg_hba.conf admits everybody but the login."""
    file = cluster.server.data / "pg_hba.conf"
    before = file.read_text()
    try:
        file.write_text(f"host all {login} all reject\n{before}")
        cluster.server.reload()
        yield
    finally:
        file.write_text(before)
        cluster.server.reload()


def test_the_administrators_login_is_used_where_the_own_is_not_admitted(
    source_cluster: Cluster, source_database: Database, target_database: Database
) -> None:
    with replicated(source_database, target_database) as (flow, tables):
        flow.drop_subscription()
        with turned_away(source_cluster, login_of(source_database)):
            said = flow.subscribe(tables, enabled=True)
        assert said is not None
        assert said.startswith(f"the subscription {NAME} holds the password of tester, for want of a login")
        assert "pg_hba.conf rejects connection" in said
        assert "\n" not in said
        assert kept_login(target_database).name == "tester"
        flow.prove(seconds=30)
    assert roles(source_database) == [], "a login of no use is not left behind"


def test_a_session_that_may_make_no_role_uses_the_stacks_one(
    target_database: Database,
) -> None:
    name, migration = "waqiti_vault_back", Login(name="vault_migration", password=SecretStr("none-of-yours"))
    with target_database.connect() as superuser:
        superuser.execute(f"CREATE ROLE {name} LOGIN REPLICATION")
        superuser.execute(f"CREATE ROLE {migration.name} LOGIN PASSWORD 'none-of-yours' IN ROLE {name}")
        superuser.execute(f"ALTER DATABASE {target_database.endpoint.database} OWNER TO {migration.name}")
        try:
            with dataclasses.replace(target_database, login=migration).connect() as session:
                login = make_login(session, name)
                follower = dataclasses.replace(target_database, login=login)
                follower.connect(replication=True).close()
                drop_login(session, name)
                with pytest.raises(AuthenticationFailed):
                    follower.connect(replication=True)
        finally:
            superuser.execute(f"ALTER DATABASE {target_database.endpoint.database} OWNER TO tester")
            superuser.execute(f"DROP OWNED BY {migration.name}, {name}")
            superuser.execute(f"DROP ROLE {migration.name}, {name}")
