"""A server connection that changes hands: nothing of one client reaches another, with either PgBouncer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from components.contract import Login
from components.replication_roles import server_wide
from core.errors import StepTimeout
from core.gateway.console import Console
from core.gateway.gateway import Gateway, Route
from core.sessions.connections import Database
from core.sessions.session import Connection
from migration.switch.before_pause import require_no_long_transaction
from tests.support.bouncers import KINDS, NEW, bouncer_of
from tests.support.contracts import make_contract
from tests.support.gateways import (
    GatedService,
    as_the_stack_does,
    drop_login,
    ensure_login,
    gated_service,
    make_shared_login,
)

pytestmark = pytest.mark.integration

APPLICATION = Login(name="shared_application", password=SecretStr("application-password-of-nothing"))
SERVICE = Login(name="user_service", password=SecretStr("service-password-of-nothing"))
DDL = Login(name="user_ddl", password=SecretStr("ddl-password-of-nothing"))


@pytest.fixture(params=KINDS)
def bouncer(request: pytest.FixtureRequest) -> Path:
    return bouncer_of(request.param)


def fill(source: Database, target: Database) -> Login:
    """A table on either side that its owner alone may use; the login that the stack would make."""
    ensure_login(source, APPLICATION)
    ensure_login(target, SERVICE)
    for database, side, owner in ((source, "source", APPLICATION), (target, "target", SERVICE)):
        with database.connect() as connection:
            connection.execute("CREATE SCHEMA user_schema")
            connection.execute(f"ALTER SCHEMA user_schema OWNER TO {owner.name}".encode())
            connection.execute("CREATE TABLE user_schema.side AS SELECT %s::text AS name", (side,))
            connection.execute(f"ALTER TABLE user_schema.side OWNER TO {owner.name}".encode())
    with target.connect() as connection:
        connection.execute("ALTER ROLE user_service SET search_path = user_schema, public")
    return make_shared_login(source, "user", APPLICATION)


@pytest.fixture
def gated(bouncer: Path, source_database: Database, target_database: Database) -> Iterator[GatedService]:
    """One server connection, so that every client gets the one that another has just let go."""
    shared = fill(source_database, target_database)
    there = DDL.model_copy(update={"name": server_wide(DDL.name, source_database.endpoint.database)})
    ensure_login(source_database, there)
    settings = {
        **as_the_stack_does(bouncer, by_session=(DDL.name, there.name)),
        "default_pool_size": "1",
        "max_db_connections": "1",
    }
    with gated_service(
        "user", source_database, target_database, application=APPLICATION, service_login=SERVICE,
        owner="owner", settings=settings, binary=bouncer, shared=shared, ddl=DDL,
    ) as made:  # fmt: skip
        yield made
    for login in (shared, there):
        drop_login(source_database, login)


@pytest.fixture
def gateway(gated: GatedService, source_database: Database) -> Gateway:
    return Gateway(gated.service, make_contract(source_database, [gated.service], APPLICATION).source)


@pytest.fixture
def two(gated: GatedService) -> Iterator[tuple[Connection, Connection]]:
    with as_an_application(gated) as one, as_an_application(gated) as other:
        yield one, other


def as_an_application(gated: GatedService, **more: Any) -> Connection:
    endpoint = gated.service.endpoint
    return psycopg.connect(
        hostaddr=endpoint.address, host=endpoint.host, port=endpoint.port, dbname=endpoint.database,
        user=SERVICE.name, password=SERVICE.password.get_secret_value(), sslmode="disable",
        autocommit=True, prepare_threshold=None, **more,
    )  # fmt: skip


def ask_as_an_application(gated: GatedService, question: str = "SELECT name FROM side") -> Any:
    with as_an_application(gated) as connection:
        return ask(connection, question)


def as_a_migration(gated: GatedService) -> Connection:
    endpoint = gated.service.endpoint
    return psycopg.connect(
        hostaddr=endpoint.address,
        host=endpoint.host,
        port=endpoint.port,
        dbname=gated.service.ddl_database,
        user=DDL.name,
        password=DDL.password.get_secret_value(),
        sslmode="disable",
        autocommit=True,
    )


def ask(connection: Connection, question: str) -> Any:
    row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


SEEN = """
SELECT current_user, current_setting('search_path'), current_setting('default_transaction_isolation'),
       current_setting('default_transaction_read_only'), current_setting('statement_timeout'),
       (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
       (SELECT count(*) FROM pg_listening_channels()), to_regclass('pg_temp.kept'),
       (SELECT count(*) FROM pg_cursors WHERE is_holdable), (SELECT name FROM side)
"""

LEFT_BEHIND = (
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "SET search_path = pg_catalog",
    "SET statement_timeout = '7s'",
    "SELECT set_config('search_path', 'pg_catalog', false)",
    "RESET ALL",
    "DISCARD ALL",
    "SET ROLE NONE",
    "RESET ROLE",
    "SET SESSION AUTHORIZATION DEFAULT",
    "SELECT pg_advisory_lock(4711)",
    "LISTEN something",
    "CREATE TEMPORARY TABLE kept (id int)",
    "DECLARE kept CURSOR WITH HOLD FOR SELECT 1",
)


def test_what_one_client_leaves_behind_reaches_no_other(two: tuple[Connection, Connection]) -> None:
    one, other = two
    before = ask(other, SEEN)
    assert (before[0], before[-1]) == (APPLICATION.name, "source")
    for statement in LEFT_BEHIND:
        one.execute(statement.encode())
        assert ask(other, SEEN) == before, statement


@pytest.mark.parametrize("bouncer", [NEW], indirect=True)
def test_a_session_that_is_read_only_stays_so_for_its_client_alone(
    two: tuple[Connection, Connection],
) -> None:
    one, other = two
    one.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    other.execute("UPDATE side SET name = name")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        one.execute("UPDATE side SET name = name")


@pytest.mark.parametrize("bouncer", [NEW], indirect=True)
def test_statements_that_drivers_prepare_outlive_a_hand_over(two: tuple[Connection, Connection]) -> None:
    one, other = two
    for connection in (one, other):
        connection.prepare_threshold = 0
    for _ in range(3):
        assert [ask(connection, "SELECT name FROM side") for connection in two] == ["source", "source"]
    assert one.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() != (0,)


@pytest.mark.parametrize("bouncer", [NEW], indirect=True)
def test_what_drivers_prepared_stays_prepared_on_the_server(two: tuple[Connection, Connection]) -> None:
    """Preparing anew with each transaction costs a third of the throughput (bench/README.md)."""
    one, other = two
    one.prepare_threshold = other.prepare_threshold = 0
    began = ask(one, "SELECT prepare_time FROM pg_prepared_statements ORDER BY 1 LIMIT 1")
    assert ask(other, "SELECT prepare_time FROM pg_prepared_statements ORDER BY 1 LIMIT 1") == began


def test_a_schema_migrations_statements_are_gone_for_the_next_one(gated: GatedService) -> None:
    """Its sessions are the clients' own, as are the names that drivers give to what they prepare."""
    backends = set()
    for _ in range(2):
        with as_a_migration(gated) as connection:
            connection.execute("SELECT 1", prepare=True)
            backends.add(ask(connection, "SELECT pg_backend_pid()"))
    assert len(backends) == 1


def test_what_cannot_be_kept_of_a_startup_packet_is_refused_by_name(gated: GatedService) -> None:
    for options, named in (
        ("-c statement_timeout=5s", "statement_timeout"),
        ("-c search_path=other", "search_path"),
        ("-c timezone=UTC -c lock_timeout=1s", "lock_timeout"),
    ):
        with pytest.raises(
            psycopg.OperationalError, match=f"unsupported startup parameter.*({named}|options)"
        ):
            as_an_application(gated, options=options)
    log = (gated.server.folder / "pgbouncer.log").read_text()
    assert log.count("unsupported startup parameter") >= 3


def test_a_pause_that_was_given_up_does_not_harm_the_next_ones(
    gated: GatedService, gateway: Gateway, two: tuple[Connection, Connection]
) -> None:
    """PgBouncer's issue 715: a RESUME beside a PAUSE that waits leaves that PAUSE waiting for ever."""
    one, other = two
    for _ in range(3):
        one.execute("BEGIN")
        one.execute("SELECT 1")
        with pytest.raises(StepTimeout, match="1 in a transaction"):
            gateway.pause(0.15)
        one.execute("COMMIT")
        assert ask(other, "SELECT name FROM side") == "source"
        assert gateway.pause(5.0) < 5.0
        gateway.resume()
    assert ask(one, "SELECT name FROM side") == "source"


def test_whoever_comes_to_a_repointed_gateway_in_a_pause_is_served(
    gated: GatedService, gateway: Gateway
) -> None:
    """PgBouncer's issue 498: the first new client waited for RESUME, each further one was refused."""
    gateway.pause(5.0)
    gateway.repoint("target")
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(ask_as_an_application, gated) for _ in range(6)]
        time.sleep(0.3)
        assert not any(one.done() for one in asked)
        gateway.resume()
        assert [one.result(10) for one in asked] == ["target"] * 6


def test_a_queue_after_a_pause_holds_up_no_other_database(gated: GatedService, gateway: Gateway) -> None:
    """PgBouncer's issue 1145: clients of other databases stood in the queue of the one that was paused."""
    with as_a_migration(gated) as other, ThreadPoolExecutor(30) as pool:
        gateway.pause(5.0)
        asked = [pool.submit(ask_as_an_application, gated, "SELECT pg_sleep(0.2)") for _ in range(30)]
        gateway.resume()
        assert ask(other, "SELECT 1") == 1
        assert not all(one.done() for one in asked)
        assert [one.result(30) for one in asked] == [""] * 30


def test_only_clients_in_a_transaction_are_named(gateway: Gateway, gated: GatedService) -> None:
    with (
        as_an_application(gated, application_name="at work") as busy,
        as_an_application(gated, application_name="idle one") as idle,
        ThreadPoolExecutor(1) as pool,
    ):
        ask(idle, "SELECT 1")
        busy.execute("BEGIN")
        busy.execute("SELECT 1")
        waits = pool.submit(ask, idle, "SELECT name FROM side")
        time.sleep(0.1)
        with pytest.raises(StepTimeout) as given_up:
            gateway.pause(0.2)
        busy.execute("COMMIT")
        assert waits.result(10) == "source"
    assert "1 in a transaction (at work" in str(given_up.value)
    assert "idle one" not in str(given_up.value)


@pytest.mark.parametrize("bouncer", [NEW], indirect=True)
def test_a_long_transaction_is_found_before_anybody_is_made_to_wait(
    gateway: Gateway, gated: GatedService, source_database: Database
) -> None:
    with (
        as_an_application(gated, application_name="report") as busy,
        source_database.connect(application_name="round it") as other,
        source_database.connect() as session,
        other.transaction(),
    ):
        other.execute("SELECT 1")
        require_no_long_transaction(gateway, source_database, session, 0.1)
        busy.execute("BEGIN")
        busy.execute("SELECT 1")
        time.sleep(0.2)
        with pytest.raises(
            StepTimeout, match=r"1 in a transaction .* report \(pid \d+.*nobody was made to wait"
        ):
            require_no_long_transaction(gateway, source_database, session, 0.1)
        assert not gateway.is_paused()
        require_no_long_transaction(gateway, source_database, session, 60.0)
        busy.execute("COMMIT")
        require_no_long_transaction(gateway, source_database, session, 0.1)


def test_logins_go_on_working_through_many_pauses_and_repointings(
    gated: GatedService, gateway: Gateway
) -> None:
    """PgBouncer 1.25.0 to 1.25.2 cannot log in by SCRAM a second time (1432, 1501, 1504)."""
    over, failed = threading.Event(), []
    sides: tuple[Route, ...] = ("target", "source", "target", "source")

    def work() -> None:
        while not over.is_set():
            try:
                with as_an_application(gated) as connection:
                    ask(connection, "SELECT name FROM side")
            except psycopg.Error as error:
                failed.append(str(error))

    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            pool.submit(work)
        try:
            for side in sides:
                gateway.pause(5.0)
                gateway.repoint(side)
                gateway.resume()
                with Console(gated.service.gateway_control, "the gateway") as console:
                    console.command(psycopg.sql.SQL("RECONNECT"))
                with as_an_application(gated) as connection:
                    assert ask(connection, "SELECT name FROM side") == side
        finally:
            over.set()
    assert failed == []


@pytest.fixture
def by_session(
    bouncer: Path, source_database: Database, target_database: Database
) -> Iterator[tuple[GatedService, Gateway]]:
    shared = fill(source_database, target_database)
    with gated_service(
        "user", source_database, target_database, application=APPLICATION, service_login=SERVICE,
        owner="owner", settings=as_the_stack_does(bouncer, "session"), binary=bouncer, shared=shared,
        pooling="session",
    ) as made:  # fmt: skip
        contract = make_contract(source_database, [made.service], APPLICATION)
        yield made, Gateway(made.service, contract.source)
    drop_login(source_database, shared)


def test_sessions_are_ended_between_their_transactions(by_session: tuple[GatedService, Gateway]) -> None:
    gated, gateway = by_session
    with as_an_application(gated) as idle, as_an_application(gated) as busy, ThreadPoolExecutor(1) as pool:
        idle.execute("SET statement_timeout = '7s'")
        assert ask(idle, "SHOW statement_timeout") == "7s"
        busy.execute("BEGIN")
        busy.execute("UPDATE side SET name = 'written'")
        paused = pool.submit(gateway.pause, 5.0)
        time.sleep(0.2)
        assert not paused.done()
        busy.execute("COMMIT")
        assert paused.result(10) < 5.0
        gateway.resume()
        with pytest.raises(psycopg.OperationalError):
            idle.execute("SELECT 1")
    with as_an_application(gated) as again:
        assert ask(again, "SELECT name FROM side") == "written"


def test_a_pause_of_sessions_is_given_up_for_a_long_transaction(
    by_session: tuple[GatedService, Gateway],
) -> None:
    gated, gateway = by_session
    with as_an_application(gated, application_name="report") as busy:
        busy.execute("BEGIN")
        busy.execute("SELECT 1")
        with pytest.raises(StepTimeout, match="report"):
            gateway.pause(0.5)
        busy.execute("COMMIT")
        assert ask(busy, "SELECT name FROM side") == "source"
