"""Gates of a service that follows: each closes for its own reason, and opens again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from psycopg import sql

from components.contract import Service
from core.errors import SchemaChanged
from core.gateway.console import Console
from core.sessions.stack import source_database
from migration.examine.read_plan import examine, read_plan
from migration.gates.check import check_gates
from migration.gates.model import Gate, GateLimits, GateReport
from migration.journal.journal import open_journal
from migration.moves.online import Online
from migration.steps.runner import Runner
from tests.support.clusters import Clusters
from tests.support.moves import World, default_world

pytestmark = pytest.mark.integration

SLOT = "waqiti_user_forward"


@dataclass(frozen=True)
class Scene:
    """A world whose service `user` follows."""

    world: World

    @property
    def service(self) -> Service:
        """The service."""
        return self.world.contract.services["user"]

    def report(self, limits: GateLimits | None = None) -> GateReport:
        """All its gates before a cutover."""
        plan = read_plan(self.world.contract, [self.service])
        return check_gates(self.world.contract, self.service, plan, "cutover", limits)

    def closed(self, limits: GateLimits | None = None) -> dict[str, Gate]:
        """The closed ones."""
        return {gate.name: gate for gate in self.report(limits).no_go}

    def warned(self, limits: GateLimits | None = None) -> set[str]:
        """Those that warn."""
        return {gate.name for gate in self.report(limits).gates if gate.verdict == "warn"}

    def source(self, statement: str) -> None:
        """Somebody's statement in the shared database."""
        with self.world.source.connect(application_name="somebody") as connection:
            connection.execute(statement.encode())

    def target(self, statement: str) -> None:
        """A statement in the service's own database."""
        with self.world.target("user").connect() as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[Scene]:
    with default_world(tmp_path_factory.mktemp("world"), clusters, rows=100, services=("user",)) as made:
        service = made.contract.services["user"]
        with open_journal(source_database(made.contract), made.contract) as journal:
            online = Online(made.contract, Runner(journal), workers=2)
            online.start(service, examine(made.contract, [service]))
            online.verify(service, read_plan(made.contract, [service]))
        yield Scene(made)


@pytest.fixture(autouse=True)
def open_before_and_after(scene: Scene) -> Iterator[None]:
    yield
    assert not scene.closed(), "a test left a gate closed"


def test_a_service_that_follows_and_was_verified_is_go(scene: Scene) -> None:
    # How busy the follower is depends on what else the machine does.
    bad = {gate.name for gate in scene.report().gates if gate.verdict in {"warn", "no-go"}}
    assert bad <= {"keeping-up"}


def test_a_guard_that_somebody_disabled_closes_the_guards(scene: Scene) -> None:
    scene.source("ALTER TABLE user_schema.users DISABLE TRIGGER waqiti_migration_guard")
    closed = scene.closed()
    scene.source("ALTER TABLE user_schema.users ENABLE ALWAYS TRIGGER waqiti_migration_guard")
    scene.source("DELETE FROM waqiti_migration.ddl")
    assert "users" in closed["guards"].figure
    assert not closed["guards"].overridable


def test_a_target_that_is_open_too_closes_the_guards(scene: Scene) -> None:
    scene.target("SELECT setval('waqiti_migration.open_user', 1)")
    closed = scene.closed()
    scene.target("SELECT setval('waqiti_migration.open_user', 2)")
    assert "own database: open" in closed["guards"].figure


def test_replication_that_stopped_closes_the_gate_lag_and_tells_its_wal(scene: Scene) -> None:
    scene.target(f"ALTER SUBSCRIPTION {SLOT} DISABLE")
    report = scene.report()
    scene.target(f"ALTER SUBSCRIPTION {SLOT} ENABLE")
    found = {gate.name: gate for gate in report.gates}
    assert found["lag"].verdict == "no-go"
    assert "disabled" in found["lag"].figure
    assert SLOT in found["wal"].figure


def test_a_worker_that_never_rests_is_foretold_as_a_limit(scene: Scene) -> None:
    with scene.world.target("user").connect(autocommit=False) as holding:
        holding.execute("LOCK TABLE user_schema.sessions IN ACCESS EXCLUSIVE MODE")
        scene.source("INSERT INTO user_schema.sessions (user_id, token) VALUES (1, 'held')")
        report = scene.report()
    (gate,) = [gate for gate in report.gates if gate.name == "keeping-up"]
    assert gate.verdict == "warn"
    assert "applying 100% of the time" in gate.figure
    assert "quieter time" in gate.advice


def test_more_wal_than_the_slot_may_keep_closes_the_wal(scene: Scene) -> None:
    scene.source(
        "INSERT INTO user_schema.sessions (user_id, token) SELECT 1, 'x' FROM generate_series(1, 500)"
    )
    assert "wal" in scene.closed(GateLimits(wal_bytes=0))


def test_large_objects_over_the_limit_are_no_go_but_may_be_skipped(scene: Scene) -> None:
    gate = scene.closed(GateLimits(large_object_bytes=1000))["large-objects"]
    assert gate.figure.startswith("3 of ")
    assert gate.overridable


def test_a_changed_schema_is_named_by_its_statement_and_not_skipped(scene: Scene) -> None:
    scene.source("CREATE INDEX made_later ON user_schema.sessions (token)")
    gate = scene.closed()["schema"]
    scene.source("DROP INDEX user_schema.made_later")
    scene.source("DELETE FROM waqiti_migration.ddl")
    assert "CREATE INDEX made_later" in gate.figure
    assert "`abort` and `start` again" in gate.advice
    assert gate.error is SchemaChanged
    assert not gate.overridable


def test_a_right_lost_on_the_own_database_is_a_changed_schema(scene: Scene) -> None:
    role = scene.service.service.name
    scene.target(f"REVOKE DELETE ON user_schema.users FROM {role}")
    gate = scene.closed()["schema"]
    scene.target(f"GRANT DELETE ON user_schema.users TO {role}")
    assert f"privilege {role} on TABLE user_schema.users differs" in gate.figure
    assert "`verify --schema user`" in gate.advice, "what a new start makes the same way is mended in place"
    assert "schema" not in scene.closed()


def test_a_replica_identity_that_was_taken_away_is_named(scene: Scene) -> None:
    scene.source('ALTER TABLE user_schema."Odd Name" REPLICA IDENTITY NOTHING')
    closed = scene.closed()
    scene.source('ALTER TABLE user_schema."Odd Name" REPLICA IDENTITY FULL')
    scene.source("DELETE FROM waqiti_migration.ddl")
    assert '"Odd Name"' in closed["replica-identity"].figure


def test_a_paused_gateway_is_no_go_and_resume_is_what_helps(scene: Scene) -> None:
    gateway = scene.world.gateway("user")
    gateway.pause(5.0)
    closed = scene.closed()
    gateway.resume()
    assert "paused" in closed["gateway"].figure
    assert "resume" in closed["gateway"].advice


def test_a_gateway_that_leads_elsewhere_is_no_go(scene: Scene) -> None:
    gateway = scene.world.gateway("user")
    gateway.repoint("target")
    closed = scene.closed()
    gateway.repoint("source")
    assert closed["gateway"].figure == "leads to the target"


def test_a_gateway_that_pools_sessions_is_no_go(scene: Scene) -> None:
    def pool(mode: str) -> None:
        with Console(scene.service.gateway_control, "the gateway") as console:
            console.command(sql.SQL("SET pool_mode = {}").format(sql.Literal(mode)))

    pool("session")
    closed = scene.closed()
    pool("transaction")
    assert closed["pool-mode"].figure == "session"


def test_a_slow_retry_interval_is_no_go_but_may_be_skipped(scene: Scene) -> None:
    gate = scene.closed(GateLimits(retry_seconds=0.01))["retry-interval"]
    assert "0.1 s" in gate.figure
    assert gate.overridable


def test_an_old_verification_only_warns_as_the_cutover_makes_a_new_one(scene: Scene) -> None:
    assert scene.warned(GateLimits(verification_minutes=0)) - {"keeping-up"} == {"verification"}
