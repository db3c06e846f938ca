"""`resume` itself is killed around every repair that it makes: the next one settles it.

The points come from the protocol's repairs, so a new one is covered without anyone remembering.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from migration.switch.protocol import BACK, FORWARD, Repair, Step
from tests.support.clusters import Clusters
from tests.support.fault_matrix import by_turns, names
from tests.support.scenes import VERBS, Scene
from tests.support.scenes import scene as make_scene

pytestmark = pytest.mark.acceptance

WAYS: dict[str, tuple[Step, tuple[Repair, ...]]] = {
    "back": (Step.PROVE_BACK, BACK),
    "forward": (Step.OPEN_NEW, FORWARD),
}
"""The last step that a switch got done, and what is repaired then."""
CASES = by_turns(("back", "forward"), (0, 1), ("cutover", "rollback"))
"""The number decides which repairs are killed as they begin, and which as they end."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[Scene]:
    with make_scene(tmp_path_factory.mktemp("resuming"), clusters) as scene:
        with scene.online() as online:
            online.start(scene.service, scene.examined())
        yield scene


@pytest.mark.parametrize(("way", "first", "verb"), CASES, ids=names(CASES))
def test_resumes_killed_around_every_repair_are_settled_by_the_next(
    scene: Scene, way: str, first: int, verb: str
) -> None:
    step, repairs = WAYS[way]
    scene.stand_before(verb)
    scene.writer.wait_for_more()
    old = scene.world.open_sides("user")
    cut_off = scene.world.run_with_fault(f"{verb}: {step.value}", "acted", "kill", *VERBS[verb])
    assert cut_off.returncode == -signal.SIGKILL, cut_off.stderr
    for number, repair in enumerate(repairs):
        point = ("begun", "acted")[(number + first) % 2]
        killed = scene.world.run_with_fault(f"{verb}: {repair.value}", point, "kill", "resume", "user")
        assert killed.returncode == -signal.SIGKILL, (repair, killed.stderr)
        assert len(scene.world.open_sides("user")) <= 1, f"two writers after {repair}"
    scene.run("resume", "user")
    assert (scene.world.open_sides("user") == old) == (way == "back")
    scene.assert_sound()
    scene.assert_followed()
