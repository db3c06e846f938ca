"""Connections are cut, or left hanging, in every phase: one line in bounded time, and nothing is lost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from core.errors import MigrationError
from core.progress.interface import Silent, Unit
from core.sessions import liveness
from core.sessions.connections import Database
from migration.moves.start import START
from migration.switch.carry_out import Limits
from migration.switch.protocol import SWITCH, Step
from tests.support.clusters import Clusters
from tests.support.faulty import At
from tests.support.leftovers import leftovers
from tests.support.moves import world
from tests.support.proxy import Proxy
from tests.support.scenes import Scene
from tests.support.versions import DEFAULT_VERSIONS
from tests.support.writer import Writer

pytestmark = pytest.mark.acceptance

SILENCE_SECONDS = 1.0
BOUND_SECONDS = 90.0
"""Far above what is needed, and far below for ever: a hang is what this is about."""
SIDES = ("source", "target")
STEPS = [(step.name, SIDES[number % 2], number % 4 < 2) for number, step in enumerate(START)]
"""Each step with one side, and whether its connections hang or are cut."""
SWITCHES = [
    (("cutover", "rollback")[number % 2], step, SIDES[number // 2 % 2]) for number, step in enumerate(SWITCH)
]


@dataclass
class Lines:
    """A scene whose every connection goes through a proxy for each side."""

    scene: Scene
    proxies: dict[str, Proxy]

    def hang(self, side: str) -> Callable[[], None]:
        """Keep connections open, and let nothing through."""
        return self.proxies[side].hang

    def cut(self, side: str) -> Callable[[], None]:
        """Reset connections, and refuse new ones."""
        return self.proxies[side].cut

    def heal(self) -> None:
        for proxy in self.proxies.values():
            proxy.heal()


class Phase(Silent):
    """Does something when the first phase is told."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act

    def phase(self, name: str, total: int | None = None, unit: Unit = "bytes") -> None:
        self._act()


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[Lines]:
    source, target = (
        clusters.get("source", DEFAULT_VERSIONS[0]),
        clusters.get("target", DEFAULT_VERSIONS[1]),
    )
    with Proxy.to(source.database()) as there, Proxy.to(target.database()) as here:
        proxies = {"source": there, "target": here}

        def through(database: Database) -> Database:
            seen = proxies[database.side].seen_through(database)
            return replace(database, endpoint=seen.endpoint)

        folder = tmp_path_factory.mktemp("lines")
        with (
            world(folder, source, target, rows=300, services=("user",), through=through) as made,
            Writer(made.gated["user"].endpoint) as writer,
        ):
            yield Lines(Scene(made, source, target, writer), proxies)
            there.heal()
            here.heal()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, lines: Lines) -> Iterator[None]:
    """A silent server is given up soon, and every fault has an end."""
    monkeypatch.setattr(liveness, "SILENCE_SECONDS", SILENCE_SECONDS)
    yield
    lines.heal()


def assert_one_line(begun: float, error: MigrationError) -> None:
    assert "\n" not in str(error)
    assert time.monotonic() - begun < BOUND_SECONDS


def start(lines: Lines, observer: At | None = None) -> None:
    with lines.scene.online(observer, patience=1.0) as online:
        online.start(lines.scene.service, lines.scene.examined())


def started(lines: Lines) -> Scene:
    """The scene with a service that follows, or is moved."""
    scene = lines.scene
    with scene.online() as online:
        if online.state(scene.service) is None:
            online.start(scene.service, scene.examined())
    return scene


@pytest.mark.parametrize(("step", "side", "hangs"), STEPS, ids=[step for step, _, _ in STEPS])
def test_a_start_whose_connections_fail_ends_in_one_line_and_is_undone(
    lines: Lines, step: str, side: str, hangs: bool
) -> None:
    fault = lines.hang(side) if hangs else lines.cut(side)
    begun = time.monotonic()
    with pytest.raises(MigrationError) as failed:
        start(lines, At(step, fault, lines.heal))
    assert_one_line(begun, failed.value)
    lines.heal()
    lines.scene.resume()
    lines.scene.assert_sound()
    assert leftovers(lines.scene.world, "user") == []


@pytest.mark.parametrize("side", SIDES)
def test_a_service_follows_on_after_its_connections_hung_and_were_cut(lines: Lines, side: str) -> None:
    scene = started(lines)
    scene.stand_before("cutover")
    for fault in (lines.hang(side), lines.cut(side)):
        fault()
        time.sleep(0.5)
        lines.heal()
        scene.writer.wait_for_more()
        scene.assert_followed()


@pytest.mark.parametrize("side", SIDES)
def test_a_verification_whose_connections_hang_can_be_made_again(lines: Lines, side: str) -> None:
    scene = started(lines)
    scene.stand_before("cutover")
    begun = time.monotonic()
    with scene.online(progress=Phase(lines.hang(side))) as online, pytest.raises(MigrationError) as failed:
        online.verify(scene.service, scene.plan)
    assert_one_line(begun, failed.value)
    lines.heal()
    scene.resume()
    with scene.online() as online:
        assert online.verify(scene.service, scene.plan).equal


@pytest.mark.parametrize(
    ("verb", "step", "side"), SWITCHES, ids=[f"{verb}-{step.name}-{side}" for verb, step, side in SWITCHES]
)
def test_a_switch_whose_connections_are_cut_or_hang_goes_on_or_back(
    lines: Lines, verb: str, step: Step, side: str
) -> None:
    scene = started(lines)
    scene.stand_before(verb)
    scene.writer.wait_for_more()
    hangs = SWITCH.index(step) % 3 == 1
    fault = lines.hang(side) if hangs else lines.cut(side)
    begun = time.monotonic()
    with scene.online(
        At(f"{verb}: {step.value}", fault, lines.heal), patience=1.0, limits=Limits(pause=1.0, inside=1.0)
    ) as online:
        act = online.cutover if verb == "cutover" else online.rollback
        with contextlib.suppress(MigrationError):
            act(scene.service, scene.plan)
    assert time.monotonic() - begun < BOUND_SECONDS
    lines.heal()
    assert len(scene.world.open_sides("user")) <= 1, "never two writers, not even before `resume`"
    scene.resume()
    scene.assert_sound()
    scene.assert_followed()
