"""A switch that is cut off at every step, under load: one writer at most, nothing lost, always a way on.

The points come from the protocol's steps, so a new step is covered without anyone remembering.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator

import pytest

from migration.switch.protocol import SWITCH, Step
from tests.support.clusters import Clusters
from tests.support.fault_matrix import each
from tests.support.scenes import VERBS, Scene
from tests.support.scenes import scene as make_scene

pytestmark = pytest.mark.acceptance

SWITCHES = ("cutover", "rollback")
KILLS = [(verb, step, point) for step, point, verb in each(SWITCH, ("begun", "acted"), SWITCHES)]
SERVERS = [
    (verb, step, server) for step, server, verb in each(SWITCH, ("source", "target", "gateway"), SWITCHES)
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[Scene]:
    with make_scene(tmp_path_factory.mktemp("switching"), clusters) as scene:
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
def test_a_switch_whose_server_was_killed_settles_itself_or_by_resume(
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
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    scene.start_again(server)
    _, said = process.communicate(timeout=120)
    assert "Traceback" not in said
    assert "a bug in this program" not in said
    scene.run("resume", "user")
    scene.assert_sound()
