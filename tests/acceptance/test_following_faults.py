"""A server or an apply worker is killed while a service follows: it goes on by itself, and loses nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from core.errors import MigrationError
from core.observer import Point
from migration.gates.check import check_gates
from migration.replicate.flow import Flow
from migration.report.status import ServiceStatus, read_status
from migration.switch.protocol import SWITCH, Step
from tests.support.clusters import Clusters
from tests.support.fault_matrix import by_turns, names
from tests.support.scenes import Scene
from tests.support.scenes import scene as make_scene

pytestmark = pytest.mark.acceptance

STATES = {"following": "cutover", "moved": "rollback"}
"""Each with the verb that fits it."""
ENDS = by_turns(SWITCH, ("terminate", "kill"), ("cutover", "rollback"))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[Scene]:
    with make_scene(tmp_path_factory.mktemp("following"), clusters) as scene:
        with scene.online() as online:
            online.start(scene.service, scene.examined())
        yield scene


def worker_of(flow: Flow) -> int:
    """The apply worker that runs now."""
    deadline = time.monotonic() + 30
    while (state := flow.subscription.state()) is None or state.worker is None:
        assert time.monotonic() < deadline, state
        time.sleep(0.02)
    return state.worker


def terminate(flow: Flow) -> None:
    """As an administrator may; the worker acts for the migration's role, or for a superuser."""
    with flow.subscriber.connect() as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", [worker_of(flow)])


def kill(flow: Flow) -> None:
    """Its server takes that for a crash, and restarts."""
    os.kill(worker_of(flow), signal.SIGKILL)


def until(scene: Scene, said: Callable[[ServiceStatus], bool]) -> ServiceStatus:
    """The status, once it says so."""
    deadline = time.monotonic() + 30
    while True:
        (found,) = read_status(scene.world.contract, [scene.service])
        if said(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


@pytest.mark.parametrize("server", ["source", "target", "gateway"])
@pytest.mark.parametrize("state", STATES)
def test_after_a_server_was_killed_it_follows_on_by_itself(scene: Scene, state: str, server: str) -> None:
    scene.stand_before(STATES[state])
    scene.writer.wait_for_more()
    os.kill(scene.pid(server), signal.SIGKILL)
    scene.start_again(server)
    scene.assert_sound()
    scene.assert_followed()


@pytest.mark.parametrize("end", [terminate, kill])
@pytest.mark.parametrize("state", STATES)
def test_after_the_apply_worker_was_ended_it_follows_on_by_itself(
    scene: Scene, state: str, end: Callable[[Flow], None]
) -> None:
    scene.stand_before(STATES[state])
    scene.writer.wait_for_more()
    with scene.flow() as flow:
        end(flow)
    scene.writer.wait_for_more(5)
    scene.wait_for_servers()
    scene.assert_sound()
    scene.assert_followed()


class EndingWorkers:
    """Ends every apply worker that runs when a step begins to act."""

    def __init__(self, scene: Scene, step: str, how: str) -> None:
        self._databases = (scene.world.source, scene.world.target("user"))
        self._step = step
        self._how = how

    def reached(self, point: Point, step: str) -> None:
        if (point, step) != ("begun", self._step):
            return
        if self._how == "terminate":
            self._everywhere(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_subscription WHERE pid IS NOT NULL"
            )
            return
        for pid in self._everywhere("SELECT pid FROM pg_stat_subscription WHERE pid IS NOT NULL"):
            # Its server takes that for a crash, and restarts.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _everywhere(self, statement: str) -> list[int]:
        found = []
        for database in self._databases:
            with database.connect(application_name="a test") as connection:
                found += [row[0] for row in connection.execute(statement.encode())]
        return found


@pytest.mark.parametrize(("step", "how", "verb"), ENDS, ids=names(ENDS))
def test_a_switch_whose_apply_workers_are_ended_goes_on_or_back(
    scene: Scene, step: Step, how: str, verb: str
) -> None:
    scene.stand_before(verb)
    scene.writer.wait_for_more()
    with scene.online(EndingWorkers(scene, f"{verb}: {step.value}", how)) as online:
        act = online.cutover if verb == "cutover" else online.rollback
        # It may as well fail: then it has gone back, which is what is looked at next.
        with contextlib.suppress(MigrationError):
            act(scene.service, scene.plan)
    scene.wait_for_servers()
    # A server that restarted in the middle may have left a settling to be finished.
    scene.resume()
    scene.assert_sound()
    scene.assert_followed()


def test_status_and_gates_name_an_error_of_applying_until_it_is_mended(scene: Scene) -> None:
    scene.stand_before("cutover")
    with scene.world.target("user").connect() as connection:
        connection.execute("SELECT setval('waqiti_migration.open_user', 1)")
        connection.execute(
            "INSERT INTO user_schema.users (id, email) OVERRIDING SYSTEM VALUE VALUES (-1, 'in@the.way')"
        )
        connection.execute("SELECT setval('waqiti_migration.open_user', 2)")
    with scene.world.source.connect() as connection:
        connection.execute(
            "INSERT INTO user_schema.users (id, email) OVERRIDING SYSTEM VALUE VALUES (-1, 'new@example.org')"
        )
    found = until(scene, lambda status: any("duplicate key" in problem for problem in status.problems))
    (problem,) = found.problems
    assert "user_schema.users" in problem
    assert "in@the.way" not in problem, "no row is quoted"
    report = check_gates(scene.world.contract, scene.service, scene.plan, "cutover")
    assert "duplicate key" in {gate.name: gate.figure for gate in report.no_go}["lag"]
    with scene.world.target("user").connect() as connection:
        connection.execute("SELECT setval('waqiti_migration.open_user', 1)")
        connection.execute("DELETE FROM user_schema.users WHERE id = -1")
        connection.execute("SELECT setval('waqiti_migration.open_user', 2)")
    scene.assert_followed()
    assert until(scene, lambda status: not status.problems).problems == ()


def test_more_wal_than_the_limit_is_told_and_closes_the_cutover(scene: Scene) -> None:
    scene.stand_before("cutover")
    with scene.flow() as flow:
        flow.stop()
        with scene.world.source.connect() as connection:
            connection.execute("SELECT pg_logical_emit_message(false, 'x', repeat('x', 12000000))")
        told = scene.world.run("status", "user", "--wal-limit", "0.01")
        gates = scene.world.run("gates", "user", "--wal-limit", "0.01")
        flow.start()
    assert told.returncode == 0
    assert "the slot waqiti_user_forward_" in told.stderr
    assert "over the limit of 10 MiB" in told.stderr
    assert gates.returncode == 27
    scene.assert_followed()
