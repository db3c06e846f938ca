"""Logs in as each role, at each database, and tries what it must not do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql
from pydantic import SecretStr

from components.contract import Contract, Login, Service
from components.replication_roles import flow_name
from migration.replicate.login import drop_login, make_login
from tests.acceptance.logins import connect
from tests.acceptance.stack import Stack

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]

ROLES = ("service", "migration", "monitoring", "backup")
PRIVATE = "private_of_the_owner"


@pytest.fixture(scope="module")
def contract(deployed: Stack) -> Contract:
    return deployed.contract()


@pytest.fixture(scope="module")
def user(contract: Contract) -> Iterator[Service]:
    """The user service with a table, a sequence, a function and a type that migration made for the owner."""
    service = contract.services["user"]
    with connect(service.instance, service.migration) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(service.owner)))
        connection.execute("SET search_path = user_schema, public")
        connection.execute("CREATE TYPE mood AS ENUM ('calm', 'busy')")
        connection.execute("CREATE TABLE things (id serial PRIMARY KEY, mood mood NOT NULL DEFAULT 'calm')")
        connection.execute(
            "CREATE FUNCTION count_things() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM things'"
        )
        connection.execute("CREATE FUNCTION public.shared() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
        connection.execute("CREATE SCHEMA private_of_the_owner CREATE TABLE secrets (id integer)")
    yield service
    with connect(service.instance, service.migration) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(service.owner)))
        connection.execute("DROP SCHEMA private_of_the_owner CASCADE")
        connection.execute("DROP FUNCTION user_schema.count_things(), public.shared()")
        connection.execute("DROP TABLE user_schema.things")
        connection.execute("DROP TYPE user_schema.mood")


def attempt(service: Service, role: str, *statements: str) -> list[Any]:
    """Rows of the last of `statements`, as `role` at its own instance."""
    with connect(service.instance, getattr(service, role)) as connection:
        for statement in statements[:-1]:
            connection.execute(statement.encode())
        cursor = connection.execute(statements[-1].encode())
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("mine", "other"), [("user", "wallet"), ("wallet", "user")])
def test_no_role_gets_into_another_services_instance(
    contract: Contract, mine: str, other: str, role: str
) -> None:
    login = getattr(contract.services[mine], role)
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects connection"):
        connect(contract.services[other].instance, login).close()


@pytest.mark.parametrize(("mine", "other"), [("user", "wallet"), ("wallet", "user")])
def test_no_service_gets_through_another_services_gateway(contract: Contract, mine: str, other: str) -> None:
    with pytest.raises(psycopg.OperationalError):
        connect(contract.services[other].endpoint, contract.services[mine].service).close()


@pytest.mark.parametrize("role", ["migration", "monitoring", "backup"])
def test_only_the_services_role_gets_through_its_gateway(contract: Contract, role: str) -> None:
    service = contract.services["user"]
    with pytest.raises(psycopg.OperationalError):
        connect(service.endpoint, getattr(service, role)).close()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("database", ["postgres", "template1"])
def test_no_role_gets_into_a_database_that_is_not_the_services(
    contract: Contract, database: str, role: str
) -> None:
    service = contract.services["user"]
    with pytest.raises(psycopg.OperationalError):
        connect(service.instance, getattr(service, role), dbname=database).close()


@pytest.mark.parametrize("role", ROLES)
def test_a_wrong_password_is_refused(contract: Contract, role: str) -> None:
    service = contract.services["user"]
    wrong = Login(name=getattr(service, role).name, password=SecretStr("wrong"))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(service.instance, wrong).close()


@pytest.mark.parametrize("role", ROLES)
def test_a_connection_without_tls_is_refused(contract: Contract, role: str) -> None:
    service = contract.services["user"]
    with pytest.raises(psycopg.OperationalError, match=r"no encryption|no pg_hba\.conf entry"):
        connect(service.instance, getattr(service, role), sslmode="disable").close()


def test_a_certificate_of_another_name_is_refused(contract: Contract) -> None:
    service = contract.services["user"]
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        connect(service.instance, service.service, host="postgres-wallet").close()


@pytest.mark.parametrize("password", ["", "anything"])
def test_the_owner_cannot_log_in(contract: Contract, password: str) -> None:
    service = contract.services["user"]
    with pytest.raises(psycopg.OperationalError):
        connect(service.instance, Login(name=service.owner, password=SecretStr(password))).close()


def test_the_administrator_does_not_log_in_with_a_roles_password(contract: Contract) -> None:
    service = contract.services["user"]
    for role in ROLES:
        login = Login(name="postgres", password=getattr(service, role).password)
        with pytest.raises(psycopg.OperationalError):
            connect(service.instance, login).close()


def test_the_service_works_with_its_data(user: Service) -> None:
    assert attempt(user, "service", "SHOW search_path") == [("user_schema, public",)]
    for statement in (
        "INSERT INTO things DEFAULT VALUES",
        "UPDATE things SET mood = 'busy'",
        "SELECT nextval('things_id_seq')",
        "SELECT * FROM things ORDER BY id FOR UPDATE",
        "SELECT count_things(), public.shared()",
        "DELETE FROM things",
        "CREATE TEMPORARY TABLE mine AS SELECT * FROM things",
    ):
        attempt(user, "service", statement)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id integer)",
        "CREATE TABLE public.mine (id integer)",
        "CREATE VIEW mine AS SELECT 1 AS id",
        "CREATE SEQUENCE mine",
        "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE TYPE mine AS ENUM ('a')",
        "CREATE SCHEMA mine",
        "CREATE EXTENSION tablefunc",
        "DROP TABLE things",
        "ALTER TABLE things ADD COLUMN more text",
        "ALTER TABLE things DISABLE TRIGGER ALL",
        "CREATE INDEX ON things (mood)",
        "TRUNCATE things",
        "DROP FUNCTION public.shared()",
        "SELECT * FROM private_of_the_owner.secrets",
        "SET ROLE waqiti_user_owner",
        "SET ROLE waqiti_user_migration",
        "SET ROLE postgres",
        "SET session_replication_role = replica",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "COPY things TO '/tmp/things'",
        "COPY things TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
        "ALTER SYSTEM SET fsync = off",
        "CREATE PUBLICATION mine FOR TABLE things",
        "CREATE SUBSCRIPTION mine CONNECTION 'host=localhost' PUBLICATION mine WITH (connect = false)",
        "SELECT pg_create_logical_replication_slot('mine', 'pgoutput')",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
        "CHECKPOINT",
    ],
)
def test_the_service_must_not(user: Service, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(user, "service", statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM user_schema.things",
        "SELECT user_schema.count_things()",
        "SELECT public.shared()",
        "CREATE TEMPORARY TABLE mine (id integer)",
        "CREATE TABLE public.mine (id integer)",
        "SET ROLE waqiti_user_service",
        "SET session_replication_role = replica",
    ],
)
def test_monitoring_must_not(user: Service, statement: str) -> None:
    with pytest.raises((errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)):
        attempt(user, "monitoring", statement)


def test_monitoring_reads_statistics(user: Service) -> None:
    assert attempt(user, "monitoring", "SELECT count(*) > 0 FROM pg_stat_statements WHERE query <> ''") == [
        (True,)
    ]
    # Its archive streams, nothing else does.
    others = "SELECT count(*) FROM pg_stat_replication WHERE usename <> 'waqiti_user_backup'"
    assert attempt(user, "monitoring", others) == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO user_schema.things DEFAULT VALUES",
        "DELETE FROM user_schema.things",
        "DROP TABLE user_schema.things",
        "CREATE TABLE public.mine (id integer)",
        "CREATE TEMPORARY TABLE mine (id integer)",
        "SET ROLE waqiti_user_owner",
        "SET session_replication_role = replica",
    ],
)
def test_backup_must_not(user: Service, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(user, "backup", statement)


def test_backup_reads_everything_whatever_the_row_security(user: Service) -> None:
    with connect(user.instance, user.migration) as connection:
        connection.execute("ALTER TABLE user_schema.things ENABLE ROW LEVEL SECURITY")
    try:
        attempt(user, "backup", "SET row_security = off", "SELECT * FROM user_schema.things")
    finally:
        with connect(user.instance, user.migration) as connection:
            connection.execute("ALTER TABLE user_schema.things DISABLE ROW LEVEL SECURITY")


@pytest.mark.parametrize("role", ["backup", "migration"])
def test_roles_that_stream_may_open_a_replication_connection(user: Service, role: str) -> None:
    with connect(user.instance, getattr(user, role), replication="database") as connection:
        assert connection.execute("IDENTIFY_SYSTEM").fetchone() is not None


def test_the_role_that_follows_gets_in_only_while_migration_lets_it(user: Service) -> None:
    name = flow_name(user.name, "back")
    with connect(user.instance, user.migration) as session:
        login = make_login(session, name)
        with connect(user.instance, login, replication="database") as connection:
            assert connection.execute("IDENTIFY_SYSTEM").fetchone() is not None
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute("SELECT * FROM user_schema.things")
        with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects replication connection"):
            connect(user.instance, login, replication="true").close()
        drop_login(session, name)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(user.instance, login, replication="database").close()


@pytest.mark.parametrize("role", ["service", "monitoring"])
def test_other_roles_may_not_open_a_replication_connection(user: Service, role: str) -> None:
    with pytest.raises(psycopg.OperationalError):
        connect(user.instance, getattr(user, role), replication="database").close()


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER SYSTEM SET fsync = off",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "COPY user_schema.things TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "SET ROLE postgres",
        "SET ROLE waqiti_user_service",
        "ALTER ROLE waqiti_user_service SUPERUSER",
    ],
)
def test_migration_must_not(user: Service, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(user, "migration", statement)


def test_migration_is_no_superuser(user: Service) -> None:
    assert attempt(user, "migration", "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [
        (False,)
    ]


def test_migration_can_do_its_work(user: Service) -> None:
    for statements in (
        ["SET session_replication_role = replica"],
        [
            "SET log_statement = none",
            "SET log_min_duration_statement = -1",
            "SET log_min_duration_sample = -1",
        ],
        ["SET log_min_error_statement = panic", "SET pg_stat_statements.track_utility = off"],
        ["SET ROLE waqiti_user_owner"],
        ["CREATE SCHEMA made_by_migration", "DROP SCHEMA made_by_migration"],
        ["CREATE PUBLICATION made FOR TABLE user_schema.things", "DROP PUBLICATION made"],
        [
            "CREATE SUBSCRIPTION made CONNECTION 'host=localhost password=none' PUBLICATION made"
            " WITH (connect = false, slot_name = NONE)",
            "DROP SUBSCRIPTION made",
        ],
        ["CHECKPOINT"],
        ["SELECT pg_current_wal_insert_lsn(), pg_stat_get_activity(NULL)"],
        ["SET row_security = off", "SELECT * FROM user_schema.things"],
    ):
        attempt(user, "migration", *statements)


@pytest.mark.parametrize("role", ["migration", "backup"])
def test_an_instances_time_outs_do_not_bind(contract: Contract, role: str) -> None:
    wallet = contract.services["wallet"]
    for setting, value in (
        ("default_transaction_isolation", "read committed"),
        ("lock_timeout", "0"),
        ("statement_timeout", "0"),
    ):
        assert attempt(wallet, role, f"SHOW {setting}") == [(value,)]


def test_public_has_no_privilege_in_the_services_database(user: Service) -> None:
    attempt(user, "service", "GRANT SELECT ON things TO PUBLIC")  # a warning that nothing was granted
    granted = attempt(
        user,
        "migration",
        """
        SELECT 'database', datname::text, privilege_type
          FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
         WHERE grantee = 0 AND datname = current_database()
         UNION ALL
        SELECT 'schema', nspname, privilege_type
          FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
         WHERE grantee = 0 AND nspname !~ '^pg_|^information_schema$'
         UNION ALL
        SELECT 'function', proname, privilege_type
          FROM pg_proc JOIN pg_roles ON pg_roles.oid = proowner,
               aclexplode(coalesce(proacl, acldefault('f', proowner)))
         WHERE grantee = 0 AND rolname = 'waqiti_user_owner'
         UNION ALL
        SELECT 'relation', relname, privilege_type
          FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner, aclexplode(relacl)
         WHERE grantee = 0 AND rolname = 'waqiti_user_owner'
        """,
    )
    assert granted == []
