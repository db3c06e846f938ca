"""A start that is killed around every step, under writes: nothing is left behind, and the next one succeeds.

The points come from the steps themselves, so a new step is covered without anyone remembering.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import MigrationError
from core.observer import Point
from core.sessions.stack import source_database
from migration.examine.read_plan import read_plan
from migration.journal.journal import open_journal
from migration.moves.online import Online
from migration.moves.start import START
from migration.steps.runner import UNDO_PREFIX, Runner
from tests.support.clusters import Clusters
from tests.support.faulty import Faults
from tests.support.leftovers import leftovers
from tests.support.moves import World, default_world
from tests.support.scenes import Scene, scene
from tests.support.signature_generator import BASE, ODD
from tests.support.writer import Writer

pytestmark = pytest.mark.acceptance

STEPS = [step.name for step in START]
UNDOS = [f"{UNDO_PREFIX}{step.name}" for step in reversed(START) if step.undo]
START_USER = ("start", "user", "--yes")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[World]:
    with default_world(tmp_path_factory.mktemp("world"), clusters, rows=300, services=("user",)) as made:
        with made.source.connect() as connection:
            connection.execute("SET search_path = user_schema")
            connection.execute((BASE + ODD).encode())
        yield made


@pytest.fixture(scope="module")
def writer(shared: World) -> Iterator[Writer]:
    """A client at work all the time; what it is told must be true."""
    with Writer(shared.gated["user"].endpoint) as writer:
        yield writer


def kill(shared: World, step: str, point: str, *verb: str) -> None:
    """Run a verb that dies at a point of a step."""
    killed = shared.run_with_fault(step, point, "kill", *(verb or START_USER))
    assert killed.returncode == -signal.SIGKILL, killed.stderr


def resume(shared: World) -> None:
    """The verb in this process: starting a program takes longer than what it does here."""
    service = shared.contract.services["user"]
    with open_journal(source_database(shared.contract), shared.contract) as journal:
        online = Online(shared.contract, Runner(journal), workers=2)
        assert online.resume(service, read_plan(shared.contract, [service])) is None


def assert_as_before(shared: World, writer: Writer) -> None:
    """The service is served by the shared database, and nothing tells that a start was ever tried."""
    assert shared.open_sides("user") == {"source"}
    assert shared.gateway("user").route() == "source"
    assert not shared.gateway("user").is_paused()
    assert leftovers(shared, "user") == []
    writer.wait_for_more()
    assert writer.failed == [], "clients notice nothing of a start, nor of its end"


@pytest.mark.parametrize("step", STEPS)
def test_resume_leaves_nothing_of_a_start_killed_around_a_step(
    shared: World, writer: Writer, step: str
) -> None:
    kill(shared, step, "begun")
    assert shared.open_sides("user") == {"source"}, "one writer, also before `resume`"
    # Undoes what the first one left, then dies itself.
    kill(shared, step, "acted")
    assert shared.open_sides("user") == {"source"}
    resume(shared)
    assert_as_before(shared, writer)


def test_after_undos_were_killed_around_every_step_resume_leaves_nothing(
    shared: World, writer: Writer
) -> None:
    kill(shared, STEPS[-1], "acted")
    for number, undo in enumerate(UNDOS):
        kill(shared, undo, ("begun", "acted")[number % 2], "resume")
        assert shared.open_sides("user") == {"source"}
    resume(shared)
    assert_as_before(shared, writer)


def test_a_start_after_killed_ones_succeeds_and_has_every_write(shared: World, writer: Writer) -> None:
    for step in STEPS[3], STEPS[-1]:
        kill(shared, step, "acted")
    started = shared.run(*START_USER)
    assert started.returncode == 0, started.stderr
    moved = shared.run("cutover", "user", "--yes")
    assert moved.returncode == 0, moved.stderr
    assert shared.open_sides("user") == {"target"}
    writer.wait_for_more()
    writer.assert_each_write_is_there_once()
    assert writer.failed == []


@pytest.fixture(scope="module")
def killable(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("killable"), clusters) as made:
        yield made


@pytest.mark.parametrize("server", ["source", "target"])
@pytest.mark.parametrize("step", STEPS)
def test_a_start_in_which_a_server_is_killed_leaves_nothing_behind(
    killable: Scene, step: str, server: str
) -> None:
    fault = {"step": step, "point": "begun", "act": "signal", "pid": str(killable.pid(server))}
    with ThreadPoolExecutor(1) as supervisor, killable.online(Faults([fault])) as online:
        plan = killable.examined()
        restarted = supervisor.submit(killable.start_again, server)
        said = ""
        try:
            online.start(killable.service, plan)
        except MigrationError as error:
            said = str(error)
        else:
            # No step needed it any more, or it was there again before one did.
            restarted.result()
            online.abort(killable.service, killable.plan)
        restarted.result()
        assert "\n" not in said
    killable.resume()
    killable.assert_sound()
    assert leftovers(killable.world, "user") == []


class Killing:
    """Kills the gateway as each step begins, and starts it again, as its supervisor would."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.killed: list[str] = []

    def reached(self, point: Point, step: str) -> None:
        if point == "begun":
            os.kill(self._scene.pid("gateway"), signal.SIGKILL)
            self._scene.start_again("gateway")
            self.killed.append(step)


def test_a_start_in_which_the_gateway_is_killed_at_every_step_succeeds(killable: Scene) -> None:
    killing = Killing(killable)
    with killable.online(killing) as online:
        online.start(killable.service, killable.examined())
    assert killing.killed == STEPS
    with killable.online() as online:
        assert online.verify(killable.service, killable.plan).equal
        online.abort(killable.service, killable.plan)
    killable.assert_sound()
    assert leftovers(killable.world, "user") == []
