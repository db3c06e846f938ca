"""A gateway of the local platform, through real `pulumi up`: it leads to the shared database, once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from core.sessions.session import Connection
from servers import ports
from servers.pgbouncer import DdlRoute, Route, read_routes, write_routes
from tests.support.clusters import SUPERUSER, Clusters
from tests.support.local_stacks import LocalStack, local_stack

pytestmark = pytest.mark.integration

PASSWORD = "shared-password, 'quoted'; not a comment"


@pytest.fixture(scope="module")
def stack(clusters: Clusters) -> Iterator[LocalStack]:
    """A gateway in front of a shared database that has the service's schema."""
    source = clusters.get("source", 15)
    shared = source.new_database()
    with shared.connect() as connection:
        connection.execute("DROP ROLE IF EXISTS shared_application")
        connection.execute(
            sql.SQL("CREATE ROLE shared_application LOGIN PASSWORD {}").format(sql.Literal(PASSWORD))
        )
        connection.execute("CREATE SCHEMA user_schema AUTHORIZATION shared_application")
        connection.execute("CREATE TABLE user_schema.place AS SELECT 'shared' AS name")
        connection.execute("ALTER TABLE user_schema.place OWNER TO shared_application")
    with local_stack() as made:
        made.wanted |= {
            "instance_port": ports.free_port(),
            "gateway_port": ports.free_port(),
            "parameters": {"shared_buffers": "32MB"},
            "source": shared.endpoint.model_dump(),
            "role": "shared_application",
            "password": PASSWORD,
        }
        step = made.up()
        assert step.code == 0, step.output
        yield made
    source.drop_database(shared)
    with source.database().connect() as connection:
        connection.execute("DROP ROLE shared_application")


def as_service(stack: LocalStack, **options: Any) -> Connection:
    given = {
        "dbname": "waqiti_users",
        "user": "user_service",
        "password": stack.output("service"),
        "sslmode": "verify-full",
    }
    return psycopg.connect(
        host="postgres-user",
        hostaddr="127.0.0.1",
        port=stack.wanted["gateway_port"],
        autocommit=True,
        prepare_threshold=None,
        sslrootcert=str(stack.service_folder.parent / "ca" / "ca.crt"),
        **{**given, **options},
    )


def test_the_service_finds_its_schema_in_the_shared_database(stack: LocalStack) -> None:
    with as_service(stack) as connection:
        assert connection.execute("SELECT name, current_user FROM place").fetchone() == (
            "shared",
            "shared_application",
        )


def test_a_second_preview_is_empty(stack: LocalStack) -> None:
    preview = stack.preview()
    assert set(preview.changes) == {"same"}, preview.output


REFUSED = {
    "a wrong password": ({"password": "another"}, "SASL authentication failed"),
    "no TLS": ({"sslmode": "disable"}, "SSL required"),
    "another database": ({"dbname": "waqiti_payments"}, "login rejected"),
    "another service's role": ({"user": "payment_service", "password": PASSWORD}, "login rejected"),
    "the common role": ({"user": "shared_application", "password": PASSWORD}, "login rejected"),
    "the console's user": ({"user": "gateway_admin", "password": PASSWORD}, "login rejected"),
    "a setting": ({"options": "-c statement_timeout=5s"}, "unsupported startup parameter"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_refused_login_is_told_why_and_so_is_the_log(stack: LocalStack, reason: str) -> None:
    """As docs/applications.md has it, in its last table."""
    options, said = REFUSED[reason]
    log = stack.service_folder / "gateway/pgbouncer.log"
    before = len(log.read_bytes())
    with pytest.raises(psycopg.OperationalError, match=said):
        as_service(stack, **options)
    assert said in log.read_bytes()[before:].decode()


def test_a_client_too_many_is_told_so(stack: LocalStack) -> None:
    with console(stack) as session:
        session.execute("SET max_client_conn = 2")
        try:
            with (
                as_service(stack),
                pytest.raises(psycopg.OperationalError, match="no more connections allowed"),
            ):
                as_service(stack)
        finally:
            session.execute("RELOAD")


def test_the_console_is_not_reached_over_tcp(stack: LocalStack) -> None:
    administrator = stack.output("gateway")["administrator"]
    with pytest.raises(psycopg.OperationalError):
        as_service(stack, dbname="pgbouncer", user=administrator["name"], password=administrator["password"])


def console(stack: LocalStack) -> Connection:
    """PgBouncer's own, over the socket; it speaks the simple protocol only."""
    control = stack.output("gateway")
    return psycopg.connect(
        host=control["sockets"],
        port=control["port"],
        dbname="pgbouncer",
        autocommit=True,
        user=control["administrator"]["name"],
        password=control["administrator"]["password"],
        cursor_factory=psycopg.ClientCursor,
    )


def test_the_administrator_reaches_the_console_over_the_socket(stack: LocalStack) -> None:
    with console(stack) as session:
        assert session.execute("SHOW VERSION").statusmessage == "SHOW"


def test_clients_wait_through_a_pause_and_new_ones_may_log_in(stack: LocalStack) -> None:
    query = "SELECT name FROM place"
    with console(stack) as session, as_service(stack) as old, ThreadPoolExecutor(2) as pool:
        session.execute("PAUSE waqiti_users")
        waiting = [
            pool.submit(lambda: old.execute(query).fetchone()),
            pool.submit(_ask_once, stack, query),
        ]
        time.sleep(3)
        assert not any(answer.done() for answer in waiting)
        session.execute("RESUME waqiti_users")
        assert [answer.result(10) for answer in waiting] == [("shared",), ("shared",)]


def test_no_setting_ends_a_client_within_a_pause_of_a_minute(stack: LocalStack) -> None:
    with console(stack) as session:
        settings = {row[0]: row[1] for row in session.execute("SHOW CONFIG").fetchall()}
    for name in ("query_wait_timeout", "client_login_timeout"):
        assert float(settings[name]) == 0 or float(settings[name]) > 60, name
    assert (settings["query_timeout"], settings["client_idle_timeout"]) == ("0", "0")


def _ask_once(stack: LocalStack, query: LiteralString) -> tuple[Any, ...] | None:
    with as_service(stack) as connection:
        return connection.execute(query).fetchone()


def test_a_new_pool_size_is_reloaded_without_a_client_noticing(stack: LocalStack) -> None:
    with as_service(stack) as connection:
        stack.wanted["settings"] = {"default_pool_size": "7"}
        assert stack.up().changes["update"] == 1
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_killed_gateway_is_started_by_the_next_up(stack: LocalStack) -> None:
    os.kill(int((stack.service_folder / "gateway" / "pgbouncer.pid").read_text()), signal.SIGKILL)
    assert stack.up().changes["update"] == 1
    as_service(stack).close()


def test_a_new_password_of_the_shared_database_is_followed(stack: LocalStack, clusters: Clusters) -> None:
    changed = "another-password"
    with clusters.get("source", 15).database().connect() as connection:
        connection.execute(sql.SQL("ALTER ROLE shared_application PASSWORD {}").format(sql.Literal(changed)))
    stack.wanted["password"] = changed
    assert stack.up().changes["update"] == 1
    with as_service(stack) as connection:
        assert connection.execute("SELECT name FROM place").fetchone() == ("shared",)


def test_up_never_repoints_a_gateway_that_was_cut_over(stack: LocalStack, clusters: Clusters) -> None:
    routes = stack.service_folder / "gateway" / "routes.ini"
    before = read_routes(routes)
    assert before is not None
    ddl = DdlRoute("waqiti_users_ddl", "user_ddl")  # what an older program's route lacks is added
    port = stack.wanted["instance_port"]
    elsewhere = Route("waqiti_users", "target", "127.0.0.1", port, "waqiti_users", ddl=ddl)
    write_routes(routes, elsewhere)
    stack.wanted["settings"] = {"default_pool_size": "8"}
    stack.wanted["password"] = SUPERUSER.password.get_secret_value()
    assert stack.up().changes["update"] == 1
    assert read_routes(routes) == replace(elsewhere, user="user_service")
    write_routes(routes, before)


def test_no_password_is_readable_in_state_or_log(stack: LocalStack) -> None:
    log = (stack.service_folder / "gateway" / "pgbouncer.log").read_text()
    secrets = [PASSWORD, stack.output("service"), stack.output("gateway")["administrator"]["password"]]
    assert [secret for secret in secrets if secret in stack.state() + log] == []


def test_a_destroy_without_keep_data_leaves_no_route_to_gone_data(stack: LocalStack) -> None:
    stack.wanted["keep_data"] = False
    assert stack.up().code == 0
    assert stack.destroy().code == 0
    assert not stack.service_folder.parent.exists()
