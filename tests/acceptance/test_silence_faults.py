"""A server that neither answers nor refuses, at every step of a switch: clients wait no longer than needed.

Every process of the server is stopped, as by a disk that hangs. Whom the clients do not need may be silent
as long as it likes; whom they need, they wait for, and are served by themselves once it answers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from threading import Timer

import pytest

from core.errors import MigrationError
from core.sessions import liveness
from migration.switch.carry_out import Limits
from migration.switch.protocol import POINT_OF_NO_RETURN, SWITCH, Step
from tests.support.clusters import Clusters
from tests.support.fault_matrix import by_turns, names
from tests.support.faulty import At
from tests.support.scenes import Scene
from tests.support.scenes import scene as make_scene

pytestmark = pytest.mark.acceptance

SWITCHES = ("cutover", "rollback")
OPENING = SWITCH.index(POINT_OF_NO_RETURN)
CASES = by_turns(SWITCH, ("old", "new", "gateway"), SWITCHES)
LIMITS = Limits(pause=1.0, inside=1.0)
LONGEST_WAIT_SECONDS = 8.0
"""Pause, what is inside it, and the time to cut sessions and end a worker; far below what a silence takes."""
SILENCE_SECONDS = 3.0


def needed(step: Step, who: str) -> bool:
    """Whether clients cannot be served without it from this step on."""
    if who == "gateway" or (step is POINT_OF_NO_RETURN and who == "new"):
        return True
    return (who == "old") == (SWITCH.index(step) < OPENING)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[Scene]:
    with make_scene(tmp_path_factory.mktemp("silent"), clusters) as scene:
        with scene.online() as online:
            online.start(scene.service, scene.examined())
        yield scene


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "SILENCE_SECONDS", 1.0)


@pytest.mark.parametrize(("step", "who", "verb"), CASES, ids=names(CASES))
def test_a_switch_in_which_a_server_falls_silent(scene: Scene, step: Step, who: str, verb: str) -> None:
    sides = {"cutover": ("source", "target"), "rollback": ("target", "source")}[verb]
    server = {"old": sides[0], "new": sides[1]}.get(who, who)
    scene.stand_before(verb)
    scene.writer.wait_for_more()
    scene.writer.longest = 0.0
    plan, failed = scene.plan, len(scene.writer.failed)
    thawing = Timer(SILENCE_SECONDS, scene.thaw, [server])

    def silence() -> None:
        # A repair may have a step's name.
        if not thawing.is_alive() and not thawing.finished.is_set():
            scene.freeze(server)
            if needed(step, who):
                thawing.start()

    try:
        with scene.online(At(f"{verb}: {step.value}", silence), patience=0.5, limits=LIMITS) as online:
            act = online.cutover if verb == "cutover" else online.rollback
            with contextlib.suppress(MigrationError):
                act(scene.service, plan)
            scene.writer.wait_for_more()
    finally:
        thawing.cancel()
        scene.thaw(server)
    assert scene.writer.longest < LONGEST_WAIT_SECONDS
    assert scene.writer.failed[failed:] == []
    scene.resume()
    scene.assert_sound()
    scene.assert_followed()
