"""A switch that is cut off at every step, under load: one writer at most, nothing lost, always a way on.

The points come from the protocol's steps, so a new step is covered without anyone remembering.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from migration.protocol import SWITCH, Step
from servers.errors import ServerError
from servers.pgbouncer import PgBouncerServer
from servers.postgres import PostgresServer
from tests.support.clusters import Cluster, Clusters
from tests.support.moves import World, world
from tests.support.versions import DEFAULT_VERSIONS
from tests.support.writer import Writer

pytestmark = pytest.mark.acceptance

VERBS = {"cutover": ("cutover", "user", "--yes"), "rollback": ("rollback", "user", "--immediate", "--yes")}
KILLS = [(verb, step, point) for verb in VERBS for step in SWITCH for point in ("begun", "acted")]
SERVERS = [
    (verb, step, server) for verb in VERBS for step in SWITCH for server in ("source", "target", "gateway")
]
DURABLE = {"fsync": "on"}
"""These servers are killed, and what they acknowledged has to be there afterwards."""


@dataclass
class Scene:
    """A service that was started, with a client at work."""

    world: World
    source: Cluster
    target: Cluster
    writer: Writer

    def run(self, *arguments: str) -> None:
        """A verb that has to succeed."""
        done = self.world.run(*arguments)
        assert done.returncode == 0, done.stderr

    def stand_before(self, verb: str) -> None:
        """Bring the service to where `verb` fits."""
        moved = self.world.open_sides("user") == {"target"}
        if verb == "cutover" and moved:
            self.run(*VERBS["rollback"])
        elif verb == "rollback" and not moved:
            self.run(*VERBS["cutover"])

    def pid(self, server: str) -> int:
        """The process to kill."""
        pid = self._server(server).pid()
        assert pid is not None
        return pid

    def start_again(self, server: str) -> None:
        """Wait until it has died, then start it, as its supervisor would."""
        found = self._server(server)
        deadline = time.monotonic() + 60
        while found.is_running() and time.monotonic() < deadline:
            time.sleep(0.02)
        while True:
            try:
                found.start()
            except ServerError:
                # The killed postmaster's children hold its memory for a moment.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def _server(self, server: str) -> PostgresServer | PgBouncerServer:
        if server == "gateway":
            return self.world.gated["user"].server
        return (self.source if server == "source" else self.target).server

    def assert_sound(self) -> None:
        """Exactly one side is open, clients get there, and what they were told is committed is there once."""
        sides = self.world.open_sides("user")
        assert len(sides) == 1, f"open: {sides}"
        assert {self.world.gateway("user").route()} == sides
        assert not self.world.gateway("user").is_paused()
        self.writer.wait_for_more()
        self.writer.assert_each_write_is_there_once()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("switching")
    with (
        clusters.private("source", DEFAULT_VERSIONS[0], DURABLE) as source,
        clusters.private("target", DEFAULT_VERSIONS[1], DURABLE) as target,
        world(folder, source, target, rows=300, services=("user",)) as made,
        Writer(made.gated["user"].endpoint) as writer,
    ):
        scene = Scene(made, source, target, writer)
        scene.run("start", "user", "--yes")
        yield scene


@pytest.mark.parametrize(("verb", "step", "point"), KILLS, ids=[f"{v}-{s.name}-{p}" for v, s, p in KILLS])
def test_after_the_operators_process_is_killed_resume_settles_it(
    scene: Scene, verb: str, step: Step, point: str
) -> None:
    scene.stand_before(verb)
    scene.writer.wait_for_more()
    cut_off = scene.world.run_with_fault(f"{verb}: {step.value}", point, "kill", *VERBS[verb])
    assert cut_off.returncode == -signal.SIGKILL, cut_off.stderr
    assert len(scene.world.open_sides("user")) <= 1, "never two writers, not even before `resume`"
    scene.run("resume", "user")
    scene.assert_sound()


@pytest.mark.parametrize(
    ("verb", "step", "server"), SERVERS, ids=[f"{v}-{s.name}-{server}" for v, s, server in SERVERS]
)
def test_after_a_server_is_killed_the_switch_settles_by_itself_or_with_resume(
    scene: Scene, verb: str, step: Step, server: str
) -> None:
    scene.stand_before(verb)
    scene.writer.wait_for_more()
    fault = {
        "step": f"{verb}: {step.value}",
        "point": "begun",
        "act": "signal",
        "pid": str(scene.pid(server)),
    }
    process = subprocess.Popen(
        scene.world.command(*VERBS[verb], entry="tests.support.faulty"),
        env=scene.world.environment(WAQITI_TEST_FAULTS=json.dumps([fault])),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    scene.start_again(server)
    _, said = process.communicate(timeout=120)
    assert "Traceback" not in said
    assert "a bug in this program" not in said
    scene.run("resume", "user")
    scene.assert_sound()
