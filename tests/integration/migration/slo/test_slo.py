"""A move that is watched: measured before, held to that after its switch, led back by `rollback`'s proofs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from components.contract import SloPolicy
from core.errors import LedBack, NotMeasured, OutOfBand
from core.observer import Point
from core.sessions.stack import source_database
from migration.__main__ import main
from migration.commands.ways_back.slo import WATCHED
from migration.journal.journal import StepRecord, open_journal
from migration.slo.before import measured
from migration.slo.hold import holding
from migration.slo.look import Eyes
from migration.switch.protocol import Step
from tests.support.clusters import Clusters
from tests.support.moves import World, world
from tests.support.versions import DEFAULT_VERSIONS
from tests.support.writer import Writer

pytestmark = pytest.mark.integration

RECENT = "SELECT count(*) FROM users WHERE made > clock_timestamp() - interval '2 seconds'"
"""What the team of `user` calls success: users come."""
POLICY = SloPolicy(
    business=RECENT, auto_rollback=6, latency=50, errors=0.9, success=0.1, before=3, patience=2
)


@dataclass
class At:
    """Acts once when a step of the switch has ended."""

    step: str
    act: Callable[[], object]
    done: bool = field(default=False)

    def reached(self, point: Point, step: str) -> None:
        """See `core.observer`."""
        if point == "ended" and step.endswith(self.step) and not self.done:
            self.done = True
            self.act()


@dataclass
class Scene:
    """`user`, which follows or is moved, with a client at work."""

    world: World
    writer: Writer
    quiet: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def verb(self, *arguments: str, observer: At | None = None) -> int:
        """Run one in this process; returns its exit status."""
        command = [*arguments, "--yes", "--contract", str(self.world.contract_file)]
        return main(command, observer)

    def policy(self, policy: SloPolicy | None) -> None:
        """What services.yaml says from now on."""
        service = self.world.contract.services["user"].model_copy(update={"slo": policy})
        self.world.write_contract(self.world.contract.model_copy(update={"services": {"user": service}}))

    def fall_silent(self) -> None:
        """No user comes any more: the business's own success falls."""
        # The main thread: what holds the turn has to let it go.
        self.quiet.enter_context(self.writer.quiet())

    def steps(self, name: str) -> list[StepRecord]:
        """What the journal has of a step."""
        contract = self.world.contract
        with open_journal(source_database(contract), contract) as journal:
            move = journal.last_move("user")
            assert move is not None
            return [record for record in journal.steps(move) if record.step == name]

    def state(self) -> str:
        """Of the move."""
        contract = self.world.contract
        with open_journal(source_database(contract), contract) as journal:
            move = journal.last_move("user")
        assert move is not None
        return move.state


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("slo")
    source, target = clusters.get("source", DEFAULT_VERSIONS[0]), clusters.get("target", DEFAULT_VERSIONS[1])
    with (
        pytest.MonkeyPatch.context() as patch,
        world(folder, source, target, rows=100, services=("user",)) as made,
        Writer(made.gated["user"].endpoint) as writer,
    ):
        patch.setenv("WAQITI_STATE_DIR", str(folder / "state"))
        found = Scene(made, writer)
        found.policy(POLICY)
        writer.wait_for_more()
        assert found.verb("start", "user") == 0
        yield found


@pytest.fixture(autouse=True)
def follows_before_and_after(scene: Scene) -> Iterator[None]:
    scene.policy(POLICY)
    scene.writer.wait_for_more()
    yield
    scene.quiet.close()
    if scene.state() == "moved":
        assert scene.verb("rollback", "user", "--immediate") == 0
    scene.writer.wait_for_more()
    scene.writer.assert_each_write_is_there_once()


def test_a_copy_begins_with_what_the_service_does(scene: Scene) -> None:
    (copied,) = [
        record for record in scene.steps("copy from the slot's snapshot") if record.outcome == "done"
    ]
    before = copied.figures["slo"]["before"]
    assert before["rate"] > 2
    assert 0 < before["latency"] < 5
    assert before["business"] > 0


def test_a_service_that_does_well_stays(scene: Scene) -> None:
    assert scene.verb("cutover", "user") == 0
    assert scene.state() == "moved"
    figures = scene.steps(WATCHED)[-1].figures
    assert figures["left"] is None
    assert figures["after"]["business"] > 0
    assert figures["seconds"] >= 6


def test_one_whose_business_falls_is_led_back_with_every_write(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    observer = At(Step.DROP_FEED.value, scene.fall_silent)
    assert scene.verb("cutover", "user", observer=observer) == LedBack.exit_code
    assert scene.state() == "following"
    assert scene.world.gateway("user").route() == "source"
    assert scene.world.open_sides("user") == {"source"}
    assert "business is 0, at least" in scene.steps(WATCHED)[-1].figures["left"]
    assert "was led back to the shared database, which has every write" in capsys.readouterr().err


def test_nothing_is_led_back_past_a_gate_that_is_closed(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    def spoil() -> None:
        scene.fall_silent()
        with scene.world.target("user").connect() as connection:
            connection.execute("ALTER TABLE user_schema.users DISABLE TRIGGER waqiti_migration_guard")

    assert scene.verb("cutover", "user", observer=At(Step.DROP_FEED.value, spoil)) == OutOfBand.exit_code
    said = capsys.readouterr().err
    with scene.world.target("user").connect() as connection:
        connection.execute("ALTER TABLE user_schema.users ENABLE ALWAYS TRIGGER waqiti_migration_guard")
    assert scene.state() == "moved", "it stays where its writes are"
    assert "could not be led back: user: the gate guards is closed" in said
    assert "rollback --immediate user" in said


def test_without_auto_rollback_a_person_is_called(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.policy(POLICY.model_copy(update={"auto_rollback": None, "patience": 1, "before": 6}))
    observer = At(Step.DROP_FEED.value, scene.fall_silent)
    assert scene.verb("cutover", "user", observer=observer) == OutOfBand.exit_code
    assert scene.state() == "moved"
    assert "services.yaml says no `autoRollback`" in capsys.readouterr().err


def test_a_query_that_fails_is_told_before_anything_is_switched(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.policy(POLICY.model_copy(update={"business": "SELECT count(*) FROM nowhere", "before": 1}))
    assert scene.verb("cutover", "user") == NotMeasured.exit_code
    assert scene.state() == "following"
    assert 'the business query fails: relation "nowhere" does not exist' in capsys.readouterr().err


def test_a_business_query_cannot_write(scene: Scene) -> None:
    service = scene.world.contract.services["user"].model_copy(
        update={"slo": POLICY.model_copy(update={"business": "SELECT nextval('users_id_seq')", "before": 1})}
    )
    with Eyes(service, scene.world.contract, "source") as eyes, pytest.raises(NotMeasured, match="read-only"):
        measured(eyes, lambda: None)


def test_a_copy_is_held_back_while_business_is_down(scene: Scene) -> None:
    service = scene.world.contract.services["user"].model_copy(
        update={"slo": POLICY.model_copy(update={"before": 2})}
    )
    with holding(Eyes(service, scene.world.contract, "source"), lambda: None) as hold:
        assert hold.why() is None
        with scene.writer.quiet():
            _until(lambda: hold.share.value <= 0.5)
            assert "business is 0" in (hold.why() or "")
            hold.rest(0)
            time.sleep(0.05)
            assert hold.rest(0) > 0
        least = hold.share.value
        _until(lambda: hold.share.value > least)
    assert hold.figures()["looks_out"] > 0
    assert "business is 0" in hold.figures()["first"]


def _until(reached: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.1)
