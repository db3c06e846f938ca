"""Transactions that write to two services in separate statements are found in the WAL of a real server."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from components.contract import Contract, CrossingRule
from core.errors import MigrationError, SourceSettings
from core.sessions.connections import Database
from migration.catalog.read import read_catalog
from migration.gates.model import GateLimits
from migration.gates.scene import Scene
from migration.gates.transactions import transactions as gate
from migration.plan.make import Plan, make_plan
from migration.traffic.transactions import Watched
from migration.traffic.watch import note_watched, read_watched, watch_transactions
from tests.support.clusters import Clusters
from tests.support.contracts import make_contract, make_service
from tests.support.queries_verb import run_queries, start_queries

pytestmark = pytest.mark.integration

BOUND = 120.0
"""Seconds that no watch of these tests needs; each is ended as soon as there is what it is to see."""
SHOP = """
    CREATE SCHEMA user_schema; CREATE SCHEMA pay_schema; CREATE SCHEMA wallet_schema;
    CREATE TABLE user_schema.users (id int PRIMARY KEY, name text);
    CREATE TABLE user_schema."Or: INSERT, ""x"".y" (id int PRIMARY KEY);
    CREATE TABLE pay_schema.pays (id int PRIMARY KEY, user_id int);
    CREATE TABLE pay_schema.log (id int) PARTITION BY LIST (id);
    CREATE TABLE pay_schema.log1 PARTITION OF pay_schema.log FOR VALUES IN (1);
    CREATE TABLE wallet_schema.wallets (id int PRIMARY KEY);
    CREATE TABLE public.noise (id int);
"""
_every_source = pytest.mark.parametrize(
    "versions", [(15, 17), (17, 17)], indirect=True, ids=["from-15", "from-17"]
)


@pytest.fixture
def shop(source_database: Database) -> Database:
    with source_database.connect() as connection:
        connection.execute(SHOP)
    return source_database


def agreed(shop: Database, *rules: CrossingRule) -> Contract:
    services = [make_service(name) for name in ("user", "pay", "wallet")]
    services[1] = services[1].model_copy(update={"crossing": rules})
    return make_contract(shop, services)


def planned(shop: Database, contract: Contract) -> Plan:
    with shop.connect() as connection:
        return make_plan(contract, read_catalog(connection))


@contextmanager
def watching(shop: Database, contract: Contract, **limits: int) -> Iterator[Callable[[], Watched]]:
    """Watches from here on; what it yields ends the watch and has what was seen."""
    begun, stop = Event(), Event()
    plan = planned(shop, contract)
    with ThreadPoolExecutor(1) as pool:
        watch = pool.submit(
            watch_transactions, shop, contract, plan, seconds=BOUND, stop=stop, begun=begun.set, **limits
        )

        def seen() -> Watched:
            stop.set()
            return watch.result(BOUND)

        try:
            assert begun.wait(BOUND)
            yield seen
        finally:
            stop.set()


def write(shop: Database, *statements: str) -> None:
    """All in one transaction."""
    with shop.connect() as connection, connection.transaction():
        for statement in statements:
            connection.execute(statement.encode())


@_every_source
def test_writes_to_two_services_are_found_with_how_often_and_where(
    shop: Database,
) -> None:
    write(shop, "INSERT INTO wallet_schema.wallets VALUES (1)", "INSERT INTO pay_schema.pays VALUES (0)")
    with watching(shop, agreed(shop)) as seen:
        for _ in range(3):
            write(
                shop,
                "INSERT INTO user_schema.users SELECT count(*), 'pay_schema.pays: INSERT:'"
                " FROM user_schema.users",
                "SAVEPOINT s",
                "INSERT INTO pay_schema.pays SELECT count(*) FROM user_schema.users",
                "RELEASE s",
            )
        write(shop, "INSERT INTO user_schema.users VALUES (10)", "INSERT INTO public.noise VALUES (1)")
        write(shop, "UPDATE user_schema.users SET name = 'y'", "SELECT * FROM pay_schema.pays")
        write(shop, "DELETE FROM wallet_schema.wallets", "INSERT INTO pay_schema.log VALUES (1)")
        write(
            shop,
            'INSERT INTO user_schema."Or: INSERT, ""x"".y" VALUES (1)',
            "TRUNCATE pay_schema.pays, wallet_schema.wallets",
        )
        with shop.connect() as connection, connection.transaction(force_rollback=True):
            connection.execute("INSERT INTO user_schema.users VALUES (99)")
            connection.execute("INSERT INTO wallet_schema.wallets VALUES (99)")
        watched = seen()
    assert watched.ended == "interrupted"
    assert watched.transactions == 7
    found = {pair.services: (pair.transactions, set(pair.examples)) for pair in watched.pairs}
    odd = 'INSERT user_schema."Or: INSERT, ""x"".y"'
    assert found == {
        ("pay", "user"): (
            4,
            {"INSERT pay_schema.pays", "INSERT user_schema.users", "TRUNCATE pay_schema.pays", odd},
        ),
        ("pay", "wallet"): (
            2,
            {
                "DELETE wallet_schema.wallets",
                "INSERT pay_schema.log1",
                "TRUNCATE pay_schema.pays",
                "TRUNCATE wallet_schema.wallets",
            },
        ),
        ("user", "wallet"): (1, {odd, "TRUNCATE wallet_schema.wallets"}),
    }


def test_the_slot_is_gone_with_its_session_and_nothing_else_was_made(shop: Database) -> None:
    with watching(shop, agreed(shop)) as seen:
        with shop.connect() as connection:
            (slots,) = connection.execute(
                "SELECT count(*) FROM pg_replication_slots WHERE temporary AND plugin = 'test_decoding'"
                " AND database = current_database()"
            ).fetchall()
        seen()
    assert slots == (1,)
    with shop.connect() as connection:
        (left,) = connection.execute(
            "SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = current_database()),"
            " (SELECT count(*) FROM pg_publication), to_regnamespace('waqiti_migration')"
        ).fetchall()
    assert left == (0, 0, None)


def test_so_much_wal_ends_the_watch_before_its_time(shop: Database) -> None:
    with watching(shop, agreed(shop), wal_bytes=200_000) as seen:
        write(shop, "INSERT INTO user_schema.users VALUES (1)", "INSERT INTO pay_schema.pays VALUES (1)")
        write(shop, "INSERT INTO public.noise SELECT generate_series(1, 10000)")
        watched = seen()
    assert watched.ended == "wal"
    assert [pair.transactions for pair in watched.pairs] == [1], "what came before the limit counts"


def test_a_rule_allows_a_pair_and_the_gate_follows_what_was_seen_last(shop: Database) -> None:
    rule = CrossingRule(match="transaction -> pay, user", action="ignore", reason="an outbox in May")
    contract, ruled = agreed(shop), agreed(shop, rule)
    with shop.connect() as connection:
        assert read_watched(connection, contract) is None
        assert asked(shop, contract, "user") == ("unknown", "nobody has watched yet")
    with watching(shop, contract) as seen:
        write(shop, "INSERT INTO user_schema.users VALUES (1)", "INSERT INTO pay_schema.pays VALUES (1)")
        watched = seen()
    note_watched(shop, replace(watched, transactions=100))
    note_watched(shop, watched)
    with shop.connect() as connection:
        assert read_watched(connection, contract) == watched
        kept = read_watched(connection, ruled)
    assert kept is not None
    assert [pair.reason for pair in kept.pairs] == ["an outbox in May"]
    verdict, figure = asked(shop, contract, "user")
    assert verdict == "no-go"
    assert "1 of 1 in" in figure
    assert "the first with pay: INSERT" in figure
    assert asked(shop, ruled, "user")[0] == "go"
    assert asked(shop, contract, "wallet")[0] == "go"
    note_watched(shop, replace(watched, made=watched.made - timedelta(days=60)))
    assert asked(shop, contract, "wallet")[0] == "unknown", "what was seen two months ago says nothing"
    assert asked(shop, contract, "user")[0] == "no-go"
    assert not any("matches nothing" in problem.text for problem in planned(shop, ruled).problems)


def asked(shop: Database, contract: Contract, service: str) -> tuple[str, str]:
    with shop.connect() as there:
        scene = Scene(
            contract, contract.services[service], planned(shop, contract), "cutover", GateLimits(), None,
            shop, shop, there, there,
        )  # fmt: skip
        (found,) = gate.run(scene)
    return found.verdict, found.figure


def test_the_gate_watches_by_itself_where_it_is_told_how_long(shop: Database) -> None:
    contract = agreed(shop)
    with shop.connect() as there:
        scene = Scene(
            contract, contract.services["user"], planned(shop, contract), "cutover",
            GateLimits(watch_seconds=0.1), None, shop, shop, there, there,
        )  # fmt: skip
        (found,) = gate.run(scene)
        assert read_watched(there, contract) is not None
    assert found.verdict == "go"


def test_a_server_that_cannot_decode_is_named_with_what_to_do(clusters: Clusters) -> None:
    with clusters.private("source", 17, {"wal_level": "replica"}) as cluster:
        database = cluster.new_database()
        with database.connect() as connection:
            connection.execute(SHOP)
        contract = agreed(database)
        with pytest.raises(SourceSettings, match=r"wal_level = replica: .* set wal_level = logical"):
            watch_transactions(database, contract, planned(database, contract), seconds=1)


def test_a_role_that_may_not_replicate_is_named(shop: Database) -> None:
    with shop.connect() as connection:
        connection.execute("CREATE ROLE watcher_of_a_test LOGIN PASSWORD 'watcher-of-a-test'")
    try:
        login = shop.login.model_copy(
            update={"name": "watcher_of_a_test", "password": type(shop.login.password)("watcher-of-a-test")}
        )
        contract = agreed(shop)
        with pytest.raises(MigrationError, match="does not let watcher_of_a_test go on"):
            watch_transactions(replace(shop, login=login), contract, planned(shop, contract), seconds=1)
    finally:
        with shop.connect() as connection:
            connection.execute("DROP ROLE watcher_of_a_test")


def test_the_command_shows_what_it_saw_and_keeps_it(shop: Database, tmp_path: Path) -> None:
    contract = agreed(shop)
    quiet = run_queries(contract, tmp_path, "--watch-transactions", "1", "--json")
    assert quiet.returncode == 0, quiet.stderr
    shown = json.loads(quiet.stdout)["transactions"]
    assert (shown["pairs"], shown["ended"]) == ([], "time")
    with shop.connect() as connection:
        kept = read_watched(connection, contract)
    assert kept is not None
    assert kept.as_json() == shown


@pytest.mark.parametrize(("crossing", "code"), [(True, 27), (False, 130)], ids=["found", "nothing found"])
def test_ctrl_c_ends_the_commands_watch_and_not_its_result(
    shop: Database, tmp_path: Path, crossing: bool, code: int
) -> None:
    contract = agreed(shop)
    with start_queries(contract, tmp_path, "--watch-transactions", "86400", "--json") as process:
        assert process.stderr is not None
        assert any("Ctrl-C ends it" in line for line in process.stderr), "it did not begin"
        wallet = ["INSERT INTO wallet_schema.wallets VALUES (1)"] if crossing else []
        write(shop, "INSERT INTO user_schema.users VALUES (1)", *wallet)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=BOUND)
    assert process.returncode == code, error
    shown = json.loads(out)
    seen = shown["transactions"]
    assert (seen["ended"], seen["transactions"], len(seen["pairs"])) == ("interrupted", 1, int(crossing))
    assert seen["seconds"] < BOUND
    assert shown["error"]["exit_code"] == code
    assert ("cut short" in shown["error"]["message"]) != crossing
    assert error.splitlines()[-1] == f"error: {shown['error']['message']}"
    with shop.connect() as connection:
        kept = read_watched(connection, contract)
    # What saw nothing does not take the place of a watch that was not cut short.
    assert (kept and kept.as_json()) == (seen if crossing else None)


def test_ctrl_c_says_to_a_person_that_the_watch_was_cut_short(shop: Database, tmp_path: Path) -> None:
    with start_queries(agreed(shop), tmp_path, "--watch-transactions", "86400") as process:
        assert process.stderr is not None
        assert any("Ctrl-C ends it" in line for line in process.stderr), "it did not begin"
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=BOUND)
    assert process.returncode == 130, error
    assert "cut short: 86,400 s were asked for" in " ".join(out.split())


def test_ctrl_c_before_the_watch_has_begun_leaves_no_slot(shop: Database, tmp_path: Path) -> None:
    looking = (
        "SELECT pid FROM pg_stat_activity WHERE query ~ 'slot' AND datname = current_database()"
        " AND application_name = 'waqiti-migration-watch'"
    )
    with shop.connect(autocommit=False) as old, shop.connect() as connection:
        old.execute("SELECT pg_current_xact_id()")  # which the slot has to wait for
        with start_queries(agreed(shop), tmp_path, "--watch-transactions", "86400") as process:
            assert process.stderr is not None
            assert "for 86400 s" in process.stderr.readline()
            deadline = time.monotonic() + BOUND
            while not connection.execute(looking).fetchall():
                assert time.monotonic() < deadline, "it did not begin"
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            error = process.communicate(timeout=BOUND)[1]
        assert (process.returncode, len(error.splitlines())) == (130, 1), error
        while connection.execute(looking).fetchall():
            assert time.monotonic() < deadline, "it is still being made, for nobody"
            time.sleep(0.02)
        (slots,) = connection.execute(
            "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"
        ).fetchall()
    assert slots == (0,)


def test_the_commands_exit_status_tells_of_a_pair(shop: Database, tmp_path: Path) -> None:
    """The writer goes on until the watch, which so much WAL ends, has ended."""
    stop = Event()
    with ThreadPoolExecutor(1) as pool:

        def work() -> None:
            while not stop.is_set():
                write(
                    shop,
                    "INSERT INTO user_schema.users SELECT count(*) FROM user_schema.users",
                    "INSERT INTO pay_schema.pays SELECT count(*) FROM pay_schema.pays",
                    "INSERT INTO public.noise SELECT generate_series(1, 1000)",
                )

        working = pool.submit(work)
        try:
            found = run_queries(
                agreed(shop), tmp_path, "--watch-transactions", str(BOUND / 2), "--watch-wal", "0.001"
            )
        finally:
            stop.set()
        working.result(BOUND)
    assert found.returncode == 27, found.stderr
    assert "pay, user" in found.stdout
    assert "the WAL's limit ended it" in " ".join(found.stdout.split())
    assert "- {match: 'transaction -> pay, user', action: ignore" in found.stderr.splitlines()[-1]
