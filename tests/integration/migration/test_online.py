"""A service moved while it could be written to, switched over and back, on all versions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from components.contract import Service
from core.errors import WrongState
from core.sessions.stack import source_database, target_database
from migration.examine.read_plan import examine, read_plan
from migration.fidelity.compare import compare_schemas
from migration.journal.journal import open_journal
from migration.journal.states import State
from migration.moves.online import Online
from migration.plan.model import Plan
from migration.schema import early
from migration.steps.runner import Runner
from tests.support.clusters import Cluster
from tests.support.moves import World, world
from tests.support.versions import every_version_pair

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Scene:
    """A world, and the verbs on its service `user`."""

    world: World
    online: Online

    @property
    def service(self) -> Service:
        """The service that moves."""
        return self.world.contract.services["user"]

    @property
    def plan(self) -> Plan:
        """Its plan, as the source's catalogue is now."""
        return read_plan(self.world.contract, [self.service])

    def start(self) -> None:
        """Let its own database follow."""
        plan = examine(self.world.contract, [self.service])
        plan.check()
        self.online.start(self.service, plan)

    def write(self, name: str) -> None:
        """A write as the service's applications make it."""
        with self.world.gated["user"].endpoint.connect() as connection:
            connection.execute("INSERT INTO users (email) VALUES (%s)", (name,))

    def names(self) -> int:
        """Rows as the service's applications see them."""
        return self.world.count("user", "SELECT count(*) FROM users")


@pytest.fixture
def scene(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[Scene]:
    with (
        world(tmp_path, source_cluster, target_cluster, rows=200, services=("user",)) as made,
        open_journal(source_database(made.contract), made.contract) as journal,
    ):
        yield Scene(made, Online(made.contract, Runner(journal), workers=2))


@every_version_pair
def test_every_write_is_there_after_each_of_three_round_trips(scene: Scene) -> None:
    before = scene.names()
    scene.start()
    written = 0
    for _ in range(3):
        scene.write(f"before-{written}@example.com")
        scene.online.cutover(scene.service, scene.plan)
        assert scene.world.open_sides("user") == {"target"}
        assert scene.world.gateway("user").route() == "target"
        scene.write(f"after-{written}@example.com")
        scene.online.rollback(scene.service, scene.plan)
        assert scene.world.open_sides("user") == {"source"}
        assert scene.world.gateway("user").route() == "source"
        written += 2
        assert scene.names() == before + written
    assert scene.online.verify(scene.service, scene.plan).equal


def test_a_start_builds_indexes_beside_its_copy(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early, "LARGE_BYTES", 0)
    scene.start()
    move = scene.online.state(scene.service)
    assert move is not None
    figures = {step.step: step.figures for step in scene.online.runner.journal.steps(move)}
    assert figures["copy from the slot's snapshot"]["indexes"]["tables"] > 0
    assert "indexes" not in figures["build indexes and constraints"]["seconds"], (
        "they were built a second time"
    )
    assert scene.online.verify(scene.service, scene.plan).equal
    assert (
        compare_schemas(
            scene.world.source,
            target_database(scene.service),
            scene.plan,
            "user",
            scene.world.contract,
        )
        == ()
    )


def test_after_the_cutover_the_shared_database_refuses_the_services_writes(scene: Scene) -> None:
    scene.start()
    scene.online.cutover(scene.service, scene.plan)
    with (
        scene.world.source.connect() as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("DELETE FROM user_schema.users")


def test_a_verb_that_does_not_fit_says_which_one_does(scene: Scene) -> None:
    with pytest.raises(WrongState, match="not begun, not following: `start` it first"):
        scene.online.cutover(scene.service, scene.plan)
    scene.start()
    with pytest.raises(WrongState, match=r"is following \(online\) already"):
        scene.start()
    with pytest.raises(WrongState, match="`cutover` it first"):
        scene.online.rollback(scene.service, scene.plan)
    scene.online.cutover(scene.service, scene.plan)
    with pytest.raises(WrongState, match="`rollback --immediate` first"):
        scene.online.abort(scene.service, scene.plan)


def test_giving_up_leaves_nothing_behind_on_either_side(scene: Scene) -> None:
    scene.start()
    scene.online.abort(scene.service, scene.plan)
    assert scene.online.state(scene.service) is None
    with scene.world.source.connect() as connection:
        for what in ("pg_publication", "pg_replication_slots", "pg_subscription"):
            row = connection.execute(f"SELECT count(*) FROM {what}").fetchone()  # noqa: S608
            assert row == (0,), f"{what} is not empty on the source"
    scene.start()
    move = scene.online.state(scene.service)
    assert move is not None
    assert move.state == State.FOLLOWING, "a service that was given up can be started again"


def test_settling_a_service_that_needs_nothing_changes_nothing(scene: Scene) -> None:
    scene.start()
    scene.online.cutover(scene.service, scene.plan)
    move = scene.online.resume(scene.service, scene.plan)
    assert move is not None
    assert move.state == State.MOVED
    assert scene.world.open_sides("user") == {"target"}
