"""Sessions that a switch would wait for or break are found, named, and told apart from harmless ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from migration.gates import check_gates
from migration.gates_model import Gate, GateLimits, Stage
from migration.planning import read_plan
from tests.support.clusters import Cluster, Clusters
from tests.support.moves import World, world

pytestmark = pytest.mark.integration

QUICK = GateLimits(pause_seconds=0.3, report_seconds=0.3)


@dataclass(frozen=True)
class Scene:
    """A world and its sessions, which end with the test."""

    world: World
    stack: ExitStack

    def gates(self, stage: Stage = "cutover") -> dict[str, list[Gate]]:
        """The gates of the service `user` by name."""
        service = self.world.contract.services["user"]
        report = check_gates(
            self.world.contract, service, read_plan(self.world.contract, [service]), stage, QUICK
        )
        found: dict[str, list[Gate]] = {}
        for gate in report.gates:
            found.setdefault(gate.name, []).append(gate)
        return found

    def gate(self, name: str, stage: Stage = "cutover") -> Gate:
        """The one gate of a name."""
        (gate,) = self.gates(stage)[name]
        return gate

    def through(self, service: str = "user") -> psycopg.Connection[tuple[Any, ...]]:
        """A client of a service's gateway."""
        return self.stack.enter_context(
            self.world.gated[service].endpoint.connect(application_name="checkout")
        )

    def directly(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A client that goes round the gateway."""
        return self.stack.enter_context(self.world.source.connect(application_name="report"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[World]:
    parameters = {"max_prepared_transactions": "5"}
    with (
        clusters.private("source", 15, parameters) as source,
        world(tmp_path_factory.mktemp("world"), source, _target(clusters), rows=50) as made,
    ):
        yield made


def _target(clusters: Clusters) -> Cluster:
    return clusters.get("target", 17)


@pytest.fixture
def scene(shared: World) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(shared, stack)


def test_a_quiet_service_has_no_session_in_the_way(scene: Scene) -> None:
    found = scene.gates()
    for name in ("long-transactions", "idle-in-transaction", "prepared-transactions", "advisory-locks"):
        assert [gate.verdict for gate in found[name]] == ["go"], name


def test_an_idle_transaction_through_the_gateway_is_named_with_its_application(scene: Scene) -> None:
    session = scene.through()
    session.execute("BEGIN")
    session.execute("SELECT 1")
    time.sleep(0.6)
    gate = scene.gate("long-transactions")
    assert gate.verdict == "no-go"
    assert "through the gateway" in gate.figure
    assert "idle in transaction" in gate.figure


def test_a_transaction_of_another_service_is_not_in_the_way(scene: Scene) -> None:
    session = scene.through("payment")
    session.execute("BEGIN")
    session.execute("SELECT count(*) FROM payments")
    time.sleep(0.6)
    assert scene.gate("long-transactions").verdict == "go"


def test_a_direct_transaction_on_the_services_tables_is_in_the_way(scene: Scene) -> None:
    session = scene.directly()
    session.execute("BEGIN")
    session.execute("SELECT count(*) FROM user_schema.users")
    time.sleep(0.6)
    gate = scene.gate("long-transactions")
    assert gate.verdict == "no-go"
    assert "(tester, report, directly)" in gate.figure
    assert scene.gate("round-the-gateway").verdict == "warn"


def test_a_prepared_transaction_on_the_services_tables_is_named(scene: Scene) -> None:
    session = scene.directly()
    session.execute("BEGIN")
    session.execute("UPDATE user_schema.users SET profile = NULL WHERE id = 1")
    session.execute("PREPARE TRANSACTION 'forgotten'")
    try:
        gate = scene.gate("prepared-transactions")
        assert gate.verdict == "no-go"
        assert "'forgotten' of tester" in gate.figure
    finally:
        session.execute("ROLLBACK PREPARED 'forgotten'")


def test_a_prepared_transaction_on_another_services_tables_is_not_in_the_way_of_a_switch(
    scene: Scene,
) -> None:
    session = scene.directly()
    session.execute("BEGIN")
    session.execute("UPDATE payment_schema.payments SET status = 'paid' WHERE id = 1")
    session.execute("PREPARE TRANSACTION 'elsewhere'")
    try:
        assert scene.gate("prepared-transactions").verdict == "go"
    finally:
        session.execute("ROLLBACK PREPARED 'elsewhere'")


def test_an_advisory_lock_held_through_the_gateway_is_a_no_go(scene: Scene) -> None:
    session = scene.through()
    session.execute("SELECT pg_advisory_lock(42)")
    gate = scene.gate("advisory-locks")
    session.execute("SELECT pg_advisory_unlock_all()")
    assert gate.verdict == "no-go"
    assert gate.overridable


def test_advisory_locks_of_transactions_are_in_nobodys_way(scene: Scene) -> None:
    done = threading.Event()
    sessions = [scene.through() for _ in range(4)]

    def work(session: psycopg.Connection[tuple[Any, ...]]) -> None:
        while not done.is_set():
            session.execute("SELECT pg_advisory_xact_lock(4711 + (random() * 100)::int), pg_sleep(0.002)")

    with ThreadPoolExecutor(len(sessions)) as pool:
        working = [pool.submit(work, session) for session in sessions]
        try:
            verdicts = {scene.gate("advisory-locks").verdict for _ in range(20)}
        finally:
            done.set()
    for one in working:
        one.result()  # they were at work to the end
    assert verdicts == {"go"}


def test_a_listening_session_is_warned_of(scene: Scene) -> None:
    scene.through().execute("LISTEN news")
    assert scene.gate("listen").verdict == "warn"


def test_a_temporary_table_of_the_service_is_warned_of(scene: Scene) -> None:
    session = scene.through()
    session.execute("CREATE TEMPORARY TABLE basket (id int)")
    gate = scene.gate("temporary-tables")
    session.execute("DROP TABLE basket")
    assert gate.verdict == "warn"
    assert "basket" in gate.figure


def test_a_long_report_that_goes_round_the_gateway_is_warned_of(scene: Scene) -> None:
    session = scene.directly()
    session.execute("SET application_name = 'nightly'")
    session.execute("BEGIN")
    session.execute("SELECT count(*) FROM user_schema.users")
    with ThreadPoolExecutor(1) as pool:
        report = pool.submit(session.execute, "SELECT pg_sleep(60) FROM user_schema.users LIMIT 1")
        time.sleep(0.8)
        gate = scene.gate("long-reports")
        session.cancel_safe()
        assert isinstance(report.exception(), psycopg.errors.QueryCanceled)
    session.execute("ROLLBACK")
    assert gate.verdict == "warn"
    assert "nightly" in gate.figure


def test_what_cannot_be_seen_of_other_sessions_is_said(scene: Scene) -> None:
    gate = scene.gate("session-state")
    assert gate.verdict == "unknown"
    assert "prepared statements" in gate.figure
