"""A real PgBouncer between a client and two databases: paused, repointed, resumed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from components.contract import Login
from core.errors import GatewayFailed, StepTimeout
from core.gateway.console import Console
from core.gateway.gateway import Gateway
from core.sessions.connections import Database
from servers.pgbouncer import Route, write_routes
from tests.support.contracts import make_contract
from tests.support.gateways import CONSOLE, HBA, SETTINGS, GatedService, ensure_login, gated_service
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

APPLICATION = Login(name="shared_application", password=SecretStr("application-password-of-nothing"))
SERVICE = Login(name="user_service", password=SecretStr("service-password-of-nothing"))


@pytest.fixture
def gated(source_database: Database, target_database: Database) -> Iterator[GatedService]:
    ensure_login(source_database, APPLICATION)
    ensure_login(target_database, SERVICE)
    for database, side in ((source_database, "source"), (target_database, "target")):
        with database.connect() as connection:
            connection.execute("CREATE SCHEMA user_schema")
            connection.execute("GRANT USAGE ON SCHEMA user_schema TO PUBLIC")
            connection.execute("CREATE TABLE user_schema.side AS SELECT %s::text AS name", (side,))
            connection.execute("GRANT ALL ON user_schema.side TO PUBLIC")
    with target_database.connect() as connection:
        connection.execute("ALTER ROLE user_service SET search_path = user_schema, public")
    with gated_service(
        "user",
        source_database,
        target_database,
        application=APPLICATION,
        service_login=SERVICE,
        owner="owner",
    ) as made:
        yield made


@pytest.fixture
def gateway(gated: GatedService, source_database: Database) -> Gateway:
    contract = make_contract(source_database, [gated.service], APPLICATION)
    return Gateway(gated.service, contract.source)


def ask(gated: GatedService) -> str:
    """The side that answers a new client now."""
    with gated.endpoint.connect() as connection:
        row = connection.execute("SELECT name FROM side").fetchone()
    assert row is not None
    return str(row[0])


def test_it_leads_to_the_shared_database_at_first(gated: GatedService, gateway: Gateway) -> None:
    assert gateway.route() == "source"
    assert ask(gated) == "source"


def test_a_repointed_gateway_leads_to_the_services_own_database(
    gated: GatedService, gateway: Gateway
) -> None:
    gateway.pause(5)
    gateway.repoint("target")
    gateway.resume()
    assert gateway.route() == "target"
    assert ask(gated) == "target"


def test_what_was_prepared_for_one_side_never_leads_to_the_other(
    gated: GatedService, gateway: Gateway
) -> None:
    gateway.prepare("target")
    gateway.repoint("source")
    assert (gateway.route(), ask(gated)) == ("source", "source")
    gateway.prepare("target")
    gateway.repoint("target")
    assert (gateway.route(), ask(gated)) == ("target", "target")


def test_it_leads_back_after_a_rollback(gated: GatedService, gateway: Gateway) -> None:
    gateway.repoint("target")
    gateway.repoint("source")
    assert gateway.route() == "source"
    assert ask(gated) == "source"


def test_a_statement_sent_in_the_pause_is_answered_by_the_new_side(
    gated: GatedService, gateway: Gateway
) -> None:
    with gated.endpoint.connect() as client, ThreadPoolExecutor(1) as pool:
        assert client.execute("SELECT name FROM side").fetchone() == ("source",)
        gateway.pause(5)
        answer = pool.submit(lambda: client.execute("SELECT name FROM side").fetchone())
        time.sleep(0.2)
        assert not answer.done()
        gateway.repoint("target")
        gateway.resume()
        assert answer.result(5) == ("target",)


def test_a_client_that_comes_while_it_is_paused_waits_too(gated: GatedService, gateway: Gateway) -> None:
    gateway.pause(5)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, gated)
        time.sleep(0.2)
        assert not answer.done()
        gateway.resume()
        assert answer.result(5) == "source"


def test_no_session_of_the_gateway_is_left_on_the_old_side_after_a_pause(
    gated: GatedService, gateway: Gateway, source_database: Database
) -> None:
    with gated.endpoint.connect() as client:
        client.execute("SELECT 1")
        gateway.pause(5)
        with source_database.connect() as connection:
            # The gateway has closed them all; their processes take a moment to end.
            for _ in range(200):
                row = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE usename = %s", (APPLICATION.name,)
                ).fetchone()
                if row == (0,):
                    break
                time.sleep(0.01)
        assert row == (0,)
        gateway.resume()


def test_an_open_transaction_makes_the_pause_give_up_and_names_its_client(
    gated: GatedService, gateway: Gateway
) -> None:
    with gated.endpoint.connect(autocommit=False, application_name="slow report") as client:
        client.execute("SELECT 1")
        with pytest.raises(StepTimeout, match=r"1 in a transaction .*127\.0\.0\.1:"):
            gateway.pause(0.3)
        client.rollback()


def test_a_pause_that_was_given_up_leaves_the_gateway_serving(gated: GatedService, gateway: Gateway) -> None:
    with gated.endpoint.connect(autocommit=False) as client:
        client.execute("SELECT 1")
        with pytest.raises(StepTimeout):
            gateway.pause(0.3)
        assert not gateway.is_paused()
        assert ask(gated) == "source"
        client.rollback()


def test_a_transaction_that_ends_in_time_lets_the_pause_go_on(gated: GatedService, gateway: Gateway) -> None:
    with gated.endpoint.connect(autocommit=False) as client:
        client.execute("SELECT 1")
        threading.Timer(0.3, client.commit).start()
        assert 0.2 < gateway.pause(5) < 3
        gateway.resume()


def test_pausing_and_resuming_twice_changes_nothing(gated: GatedService, gateway: Gateway) -> None:
    gateway.pause(5)
    gateway.pause(5)
    gateway.resume()
    gateway.resume()
    assert ask(gated) == "source"


def test_a_gateway_killed_after_a_repoint_comes_back_with_the_new_route(
    gated: GatedService, gateway: Gateway
) -> None:
    gateway.pause(5)
    gateway.repoint("target")
    gated.server.kill()
    gated.server.start()
    assert not gateway.is_paused()
    assert gateway.route() == "target"


def test_a_gateway_that_is_down_is_an_error_of_its_own(gated: GatedService, gateway: Gateway) -> None:
    gated.server.stop(0.2)
    with pytest.raises(GatewayFailed, match="the gateway of user does not answer"):
        gateway.route()


def test_a_gateway_that_leads_elsewhere_is_an_error_that_says_where(
    gated: GatedService, gateway: Gateway
) -> None:
    name = gated.service.endpoint.database
    write_routes(gated.server.routes, Route(name, "source", "127.0.0.1", 9, "elsewhere"))
    gated.server.reload()
    time.sleep(0.5)
    with pytest.raises(GatewayFailed, match=r"127\.0\.0\.1:9/elsewhere"):
        gateway.route()


def test_clients_are_listed_without_our_own_session(gated: GatedService, gateway: Gateway) -> None:
    with gated.endpoint.connect(application_name="checkout") as client:
        client.execute("SELECT 1")
        (seen,) = gateway.clients()
    assert seen.address.startswith("127.0.0.1:")


def test_settings_are_read_from_the_running_gateway(gateway: Gateway) -> None:
    assert gateway.settings()["pool_mode"] == "transaction"


def test_a_wrong_console_password_is_a_gateway_error_without_the_password(
    gated: GatedService, source_database: Database
) -> None:
    wrong = Login(name="console", password=SecretStr("wrong-console-password"))
    control = gated.service.gateway_control.model_copy(update={"administrator": wrong})
    service = gated.service.model_copy(update={"gateway_control": control})
    with pytest.raises(GatewayFailed) as caught:
        Gateway(service, make_contract(source_database, [service]).source).route()
    assert "wrong-console-password" not in str(caught.value)


def test_no_statement_of_many_clients_fails_over_many_repoints(gated: GatedService, gateway: Gateway) -> None:
    stop = threading.Event()
    failures: list[psycopg.Error] = []

    def work() -> int:
        done = 0
        with gated.endpoint.connect() as client:
            while not stop.is_set():
                try:
                    client.execute("SELECT name FROM side")
                    done += 1
                except psycopg.Error as error:
                    failures.append(error)
                    break
        return done

    with ThreadPoolExecutor(4) as pool:
        counts = [pool.submit(work) for _ in range(4)]
        for turn in range(10):
            gateway.pause(5)
            gateway.repoint("target" if turn % 2 == 0 else "source")
            gateway.resume()
        stop.set()
        assert all(count.result(10) > 0 for count in counts)
    assert failures == []


def test_clients_that_are_held_outlast_the_time_a_statement_may_wait(
    gated: GatedService, gateway: Gateway
) -> None:
    gated.server.configure(
        {**SETTINGS, "query_wait_timeout": "1"},
        {login.name: login.password.get_secret_value() for login in (CONSOLE, SERVICE)},
        HBA,
    )
    gateway.release()
    assert gateway.settings()["query_wait_timeout"] == "1"
    with gated.endpoint.connect() as client, ThreadPoolExecutor(1) as pool:
        client.execute("SELECT 1")
        gateway.hold()
        gateway.pause(5)
        answer = pool.submit(lambda: client.execute("SELECT name FROM side").fetchone())
        time.sleep(2.5)
        gateway.resume()
        assert answer.result(5) == ("source",)
    gateway.release()
    assert gateway.settings()["query_wait_timeout"] == "1"


def test_reloads_beside_connections_that_are_being_made_end_nothing(
    gated: GatedService, gateway: Gateway
) -> None:
    """A RELOAD freed what a TLS handshake with the server was reading (toolchain/pgbouncer)."""
    enough = threading.Event()

    def come_and_go() -> int:
        answered = 0
        while not enough.is_set():
            assert ask(gated) == "source"
            answered += 1
        return answered

    with (
        ThreadPoolExecutor(4) as clients,
        Console(gated.service.gateway_control, "the gateway") as console,
    ):
        asking = [clients.submit(come_and_go) for _ in range(4)]
        try:
            for _ in range(150):
                console.command(sql.SQL("RECONNECT"))
                console.command(sql.SQL("RELOAD"))
                time.sleep(0.01)
        finally:
            enough.set()
        assert all(one.result() > 0 for one in asking)
    assert gateway.route() == "source"


def test_who_comes_after_a_pause_that_cut_a_login_is_served(
    source_database: Database, target_database: Database
) -> None:
    """PgBouncer takes such a login for a failed one; ours is patched (toolchain/pgbouncer)."""
    ensure_login(source_database, APPLICATION)
    ensure_login(target_database, SERVICE)
    with (
        Proxy.to(source_database) as proxy,
        gated_service(
            "user",
            proxy.seen_through(source_database),
            target_database,
            application=APPLICATION,
            service_login=SERVICE,
            owner="owner",
        ) as gated,
        ThreadPoolExecutor(1) as pool,
    ):
        gateway = Gateway(gated.service, make_contract(source_database, [gated.service], APPLICATION).source)
        with gated.endpoint.connect() as client, gated.endpoint.connect() as other:
            client.execute("SELECT 1")
            gateway.pause(5)
            gateway.resume()
            proxy.slow(0.2)
            begun = proxy.accepted
            waiting = pool.submit(client.execute, "SELECT 1")
            wait_until(lambda: proxy.accepted > begun)
            gateway.pause(5)
            gateway.resume()
            assert other.execute("SELECT 2").fetchone() == (2,)
            assert waiting.result(10).fetchone() == (1,)
