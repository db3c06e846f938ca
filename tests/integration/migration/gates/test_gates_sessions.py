"""Sessions that a switch would wait for or break are found, named, and told apart from harmless ones."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from core.sessions.session import Connection
from migration.examine.read_plan import read_plan
from migration.gates.check import check_gates
from migration.gates.model import Gate, GateLimits, Stage
from tests.support.bouncers import OLD, bouncer_of
from tests.support.clusters import Cluster, Clusters
from tests.support.moves import SECRETS, World, world

pytestmark = pytest.mark.integration

QUICK = GateLimits(pause_seconds=0.3, report_seconds=0.3)


@dataclass(frozen=True)
class Scene:
    """A world and its sessions, which end with the test."""

    world: World
    stack: ExitStack

    def gates(self, stage: Stage = "cutover", of: str = "user") -> dict[str, list[Gate]]:
        """The gates of a service by name."""
        service = self.world.contract.services[of]
        report = check_gates(
            self.world.contract, service, read_plan(self.world.contract, [service]), stage, QUICK
        )
        found: dict[str, list[Gate]] = {}
        for gate in report.gates:
            found.setdefault(gate.name, []).append(gate)
        return found

    def gate(self, name: str, stage: Stage = "cutover", of: str = "user") -> Gate:
        """The one gate of a name."""
        (gate,) = self.gates(stage, of)[name]
        return gate

    def through(self, service: str = "user") -> Connection:
        """A client of a service's gateway."""
        return self.stack.enter_context(
            self.world.gated[service].endpoint.connect(application_name="checkout")
        )

    def directly(self) -> Connection:
        """A client that goes round the gateway."""
        return self.stack.enter_context(self.world.source.connect(application_name="report"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[World]:
    parameters = {"max_prepared_transactions": "5"}
    with (
        clusters.private("source", 15, parameters) as source,
        world(
            tmp_path_factory.mktemp("world"),
            source,
            _target(clusters),
            rows=50,
            own_logins={"payment": bouncer_of(OLD)},
        ) as made,
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


def test_an_idle_transaction_is_named_with_its_application(scene: Scene) -> None:
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


def test_another_services_prepared_transaction_is_in_no_switchs_way(
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

    def work(session: Connection) -> None:
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


def test_where_statements_are_not_counted_the_gate_says_how_to(scene: Scene) -> None:
    gate = scene.gate("session-state")
    assert gate.verdict == "unknown"
    assert "pg_stat_statements" in gate.advice


def test_a_gateway_that_keeps_no_prepared_statements_is_warned_of(scene: Scene) -> None:
    new, old = (scene.gate("gateway-version", "start", service) for service in ("user", "payment"))
    assert (new.verdict, new.advice) == ("go", "")
    assert (old.verdict, old.limit) == ("warn", "1.22")
    assert "python -m migration config" in old.advice


def test_what_a_switch_changes_in_sessions_is_listed_old_and_new(scene: Scene, clusters: Clusters) -> None:
    service = scene.world.contract.services["user"]
    role = sql.Identifier(service.service.name)
    with _target(clusters).database(service.instance.database).connect() as owner:
        owner.execute(sql.SQL("ALTER ROLE {} SET statement_timeout = '7s'").format(role))
        try:
            there, back = scene.gate("session-settings"), scene.gate("session-settings", "rollback")
        finally:
            owner.execute(sql.SQL("ALTER ROLE {} RESET statement_timeout").format(role))
    assert there.verdict == "warn"
    assert "statement_timeout 0 -> 7s" in there.figure
    assert back.verdict == "go"
    assert "statement_timeout 7s -> 0" in back.figure
    assert "statement_timeout" not in scene.gate("session-settings").figure


def test_config_prints_by_the_gateway_that_runs_and_no_password(scene: Scene, tmp_path: Path) -> None:
    said = scene.world.run("config", "--all", "--format", "pgx", "--json", entry="migration")
    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout)
    assert {name: one["prepared"] for name, one in found.items()} == {"user": True, "payment": False}
    assert "default_query_exec_mode=exec" in found["payment"]["text"]
    assert "default_query_exec_mode" not in found["user"]["text"]
    assert not [secret for secret in SECRETS if secret in said.stdout]
    folder = tmp_path / "configuration"
    for _ in range(2):  # the same again is no mistake
        assert scene.world.run("config", "user", "--write", str(folder)).returncode == 0
    assert [file.name for file in folder.iterdir()] == ["user.yaml"]
    (folder / "user.yaml").write_text("another's\n")
    refused = scene.world.run("config", "user", "--write", str(folder))
    assert refused.returncode != 0
    assert "says something else" in refused.stderr
    assert (folder / "user.yaml").read_text() == "another's\n"


PRINTED = re.compile(r"`((?:ALTER|SELECT|ROLLBACK) [^`]+)`")


def test_what_a_gate_prints_opens_it(scene: Scene) -> None:
    somebody, prepared = scene.directly(), scene.directly()
    old = scene.world.source.connect(application_name="report")
    somebody.execute("CREATE UNLOGGED TABLE user_schema.\"un: 'logged'\" (id int PRIMARY KEY)")
    somebody.execute(
        "CREATE FUNCTION user_schema.tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
    )
    somebody.execute(
        'CREATE TRIGGER "the one" AFTER INSERT ON user_schema.users FOR EACH ROW EXECUTE FUNCTION'
        ' user_schema.tr(); ALTER TABLE user_schema.users ENABLE ALWAYS TRIGGER "the one"'
    )
    somebody.execute("ALTER SYSTEM SET wal_retrieve_retry_interval = '5s'")
    somebody.execute("SELECT pg_reload_conf()")
    prepared.execute("BEGIN; UPDATE user_schema.users SET profile = NULL WHERE id = 1")
    prepared.execute("PREPARE TRANSACTION 'it''s forgotten'")
    old.execute("BEGIN; LOCK TABLE user_schema.users IN ROW SHARE MODE")
    time.sleep(QUICK.pause_seconds + 0.2)
    names = {"unlogged", "always-triggers", "retry-interval", "prepared-transactions", "long-transactions"}

    def closed() -> list[Gate]:
        found = [
            gate
            for stage in ("start", "cutover")
            for name in names
            for gate in scene.gates(stage).get(name, [])
        ]
        return [gate for gate in found if gate.verdict == "no-go"]

    try:
        before = closed()
        assert {gate.name for gate in before} == names
        somebody.execute("SET lock_timeout = '5s'")
        ran: set[str] = set()
        # Whoever holds a lock first, as a person would.
        for gate in sorted(before, key=lambda gate: "transactions" not in gate.name):
            for statement in PRINTED.findall(gate.advice):
                if statement not in ran:
                    somebody.execute(statement.encode())
                    ran.add(statement)
        time.sleep(0.5)
        assert closed() == []
    finally:
        old.close()
        for left in somebody.execute("SELECT gid FROM pg_prepared_xacts").fetchall():
            somebody.execute(sql.SQL("ROLLBACK PREPARED {}").format(sql.Literal(left[0])))
        somebody.execute("DROP TABLE user_schema.\"un: 'logged'\"; DROP FUNCTION user_schema.tr() CASCADE")
        somebody.execute("ALTER SYSTEM RESET wal_retrieve_retry_interval")
        somebody.execute("SELECT pg_reload_conf()")
