"""A direction of replication: made from a slot, caught up, proven, stopped, turned round, taken away."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from core.errors import StepTimeout
from core.progress.interface import Silent
from core.sessions.connections import Database
from migration.catalog.tables import TableName
from migration.replicate.flow import Flow
from migration.replicate.stalls import why_stalled
from migration.verify.compare import compare
from migration.verify.model import Verification
from migration.verify.snapshots import consistent_snapshots
from tests.support.replicas import SCHEMA, Load, make_tables, reachable, replicated
from tests.support.tables import tables_of
from tests.support.versions import every_version_pair
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


def verify(source: Database, target: Database, snapshots: tuple[str, str] | None = None) -> Verification:
    there, here = snapshots or (None, None)
    return compare(
        source,
        target,
        tables_of(source, SCHEMA),
        source_snapshot=there,
        target_snapshot=here,
        workers=2,
        progress=Silent(),
        stop=threading.Event(),
    )


def ask(database: Database, question: str) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return connection.execute(question.encode()).fetchall()


@every_version_pair
def test_what_is_written_during_and_after_the_copy_arrives(
    source_database: Database, target_database: Database
) -> None:
    load = Load(source_database)
    with replicated(source_database, target_database) as (flow, _):
        with load.running():
            deadline = time.monotonic() + 60
            while load.committed <= 50 and not load.failures and time.monotonic() < deadline:
                time.sleep(0.05)
        assert load.failures == []
        flow.prove(seconds=30)
        verification = verify(source_database, target_database)
    assert verification.equal, verification.as_json()
    assert load.committed > 50


@every_version_pair
def test_turned_round_the_new_sides_writes_come_back_and_nothing_loops(
    source_database: Database, target_database: Database
) -> None:
    with (
        replicated(source_database, target_database) as (forward, tables),
        Flow("bank", "back", reachable(target_database, source_database), source_database) as back,
    ):
        back.publish(tables)
        back.subscribe(tables, enabled=False)
        back.make_slot()
        with Load(source_database).running():
            threading.Event().wait(0.5)
        forward.prove(seconds=30)
        forward.stop()
        back.make_slot()
        back.start()
        back.prove(seconds=30)
        counted = ask(source_database, "SELECT count(*) FROM bank.log")
        assert counted == ask(target_database, "SELECT count(*) FROM bank.log"), "nothing came back twice"
        with target_database.connect() as connection:
            connection.execute("SELECT setval('bank.postings_id_seq', 1000000)")
        load = Load(target_database, seed=1)
        with load.running():
            threading.Event().wait(0.5)
        back.prove(seconds=30)
        assert load.failures == []
        assert verify(source_database, target_database).equal
        # And forward again, from a slot that begins now.
        back.stop()
        forward.make_slot()
        forward.start()
        forward.prove(seconds=30)
        assert verify(source_database, target_database).equal


@every_version_pair
def test_snapshots_of_a_live_pair_are_of_the_same_instant(
    source_database: Database, target_database: Database
) -> None:
    with replicated(source_database, target_database) as (flow, tables):
        load = Load(source_database)
        with load.running():
            for _ in range(5):
                names = [table.name for table in tables if table.holds_rows]
                with consistent_snapshots(flow, names) as taken:
                    found = verify(source_database, target_database, (taken.publisher, taken.subscriber))
                assert found.equal, found.as_json()
        assert load.failures == []


def test_replica_identities_are_settled_and_put_back(
    source_database: Database, target_database: Database
) -> None:
    tables = make_tables(source_database, target_database)
    identities = (
        "SELECT relname::text, relreplident::text FROM pg_class"
        " WHERE relnamespace = 'bank'::regnamespace AND relkind = 'r' ORDER BY 1"
    )
    before = ask(source_database, identities)
    with Flow("bank", "forward", source_database, target_database) as flow:
        published = flow.publish(tables)
        assert published.by_index == (TableName("bank", "tokens"),)
        assert published.by_full_row == (TableName("bank", "log"),)
        assert dict(ask(source_database, identities))["tokens"] == "i"
        assert dict(ask(source_database, identities))["log"] == "f"
        flow.publish(tables)
        flow.drop()
    assert ask(source_database, identities) == before


def test_the_own_databases_identities_become_what_the_sources_were(
    source_database: Database, target_database: Database
) -> None:
    tables = make_tables(source_database, target_database)
    identities = (
        "SELECT relname::text, relreplident::text FROM pg_class"
        " WHERE relnamespace = 'bank'::regnamespace AND relkind = 'r' ORDER BY 1"
    )
    before = ask(source_database, identities)
    with target_database.connect() as connection:
        # So a dump makes them, of tables that were settled.
        connection.execute("ALTER TABLE bank.log REPLICA IDENTITY FULL")
        connection.execute("ALTER TABLE bank.accounts REPLICA IDENTITY NOTHING")
    with Flow("bank", "forward", reachable(source_database, target_database), target_database) as flow:
        flow.publish(tables)
        flow.subscribe(tables, enabled=False)
        assert dict(ask(target_database, identities))["log"] == "f"
        flow.drop()
    wanted = {**dict(before), "accounts": "n"}
    assert dict(ask(target_database, identities)) == wanted, "one that was not settled is as it was"


def test_everything_can_be_made_and_dropped_twice(
    source_database: Database, target_database: Database
) -> None:
    with replicated(source_database, target_database) as (flow, tables):
        flow.publish(tables)
        flow.subscribe(tables, enabled=True)
        flow.prove(seconds=10)
        flow.stop()
        flow.stop()
        flow.start()
        flow.start()
        flow.prove(seconds=10)
        flow.drop()
        flow.drop()
    assert ask(source_database, "SELECT count(*) FROM pg_publication") == [(0,)]
    assert ask(target_database, "SELECT count(*) FROM pg_stat_subscription WHERE subname ~ 'bank'") == [(0,)]


def test_lag_says_how_far_behind_a_stopped_subscriber_is(
    source_database: Database, target_database: Database
) -> None:
    with replicated(source_database, target_database) as (flow, _):
        flow.beat()
        flow.prove(seconds=10)
        assert flow.lag().active
        flow.stop()
        with source_database.connect() as connection:
            connection.execute(
                "INSERT INTO bank.log SELECT now(), repeat('x', 1000) FROM generate_series(1, 5000)"
            )
        lag = flow.lag()
        assert lag.bytes > 5_000_000
        assert lag.retained_bytes >= lag.bytes
        assert lag.seconds is not None


def test_a_conflict_on_the_subscriber_stops_it_and_is_said(
    source_database: Database, target_database: Database
) -> None:
    with replicated(source_database, target_database) as (flow, _):
        with target_database.connect() as here, source_database.connect() as there:
            here.execute("INSERT INTO bank.accounts VALUES (999, 0, 'in the way')")
            there.execute("INSERT INTO bank.accounts VALUES (999, 0, 'new')")
        with pytest.raises(StepTimeout, match=r"after [1-9]\d* errors"):
            flow.prove(seconds=3)


def test_a_slot_does_not_wait_for_an_old_transaction_for_ever(
    source_database: Database, target_database: Database
) -> None:
    tables = make_tables(source_database, target_database)
    with (
        source_database.connect(autocommit=False) as old,
        Flow("bank", "forward", source_database, target_database) as flow,
    ):
        old.execute("INSERT INTO bank.log VALUES (now(), 'for hours')")
        flow.publish([table for table in tables if table.name.name == "accounts"])
        with pytest.raises(StepTimeout, match="old transactions"), flow.exported_slot(seconds=0.5):
            pytest.fail("the slot was made in spite of a transaction under way")
        old.rollback()
        with flow.exported_slot(seconds=10) as (snapshot, lsn):
            assert snapshot
            assert lsn


def test_the_password_is_in_no_log_and_no_statistics(
    source_database: Database, target_database: Database
) -> None:
    secret = source_database.login.password.get_secret_value()
    with target_database.connect() as connection:
        connection.execute(["ALTER SYSTEM SET log_statement = 'all'", " SELECT pg_reload_conf()"][0])
        connection.execute("SELECT pg_reload_conf()")
    try:
        with replicated(source_database, target_database) as (flow, _):
            seen = ask(target_database, "SELECT query FROM pg_stat_activity")
            assert not any(secret in (query or "") for (query,) in seen)
            assert flow.subscription.state() is not None
    finally:
        with target_database.connect() as connection:
            connection.execute("ALTER SYSTEM RESET log_statement")
            connection.execute("SELECT pg_reload_conf()")


def test_the_reason_of_a_broken_replication_is_given_at_every_look(
    source_database: Database, target_database: Database
) -> None:
    with replicated(source_database, target_database) as (flow, _):
        assert why_stalled(flow.at_subscriber, flow.name) is None
        with target_database.connect() as connection:
            connection.execute("INSERT INTO bank.accounts VALUES (900, 0, 'in the way')")
        with source_database.connect() as connection:
            connection.execute("INSERT INTO bank.accounts VALUES (900, 1, 'twice')")
        wait_until(lambda: (state := flow.subscription.state()) is not None and state.errors > 0, 20)
        said = [why_stalled(flow.at_subscriber, flow.name) for _ in range(12)]
        assert None not in said
        with target_database.connect() as connection:
            connection.execute("DELETE FROM bank.accounts WHERE id = 900")
        flow.prove(seconds=20)
        assert why_stalled(flow.at_subscriber, flow.name) is None
