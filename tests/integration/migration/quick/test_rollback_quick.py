"""A moved service whose own database is lost: to the shared one, or to its own as it was restored."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.errors import WrongState
from migration.commands.verbs import source_plan
from migration.plan.model import Plan
from migration.quick.context import Beyond
from migration.quick.losses import Loss, losses
from migration.quick.verbs import Choice, Way, quick_rollback
from tests.support.clusters import Clusters
from tests.support.folders import own_folder
from tests.support.moves import world
from tests.support.restored import Archive, archiving, recover_in_place, ship
from tests.support.scenes import DURABLE, Scene
from tests.support.writer import Writer

pytestmark = pytest.mark.integration


@dataclass
class Lossy:
    """A service that has moved, with an archive of its own server."""

    scene: Scene
    archive: Archive
    kept_in: Path

    @property
    def plan(self) -> Plan:
        """From the shared database alone, as the command makes it: its own may be down."""
        return source_plan(self.scene.world.contract, self.scene.service)

    def quick(self, way: Way, beyond: Beyond | None = None) -> Mapping[str, Any]:
        """What the command does."""
        with self.scene.online() as online:
            choice = Choice(way, beyond, kept_in=self.kept_in)
            return quick_rollback(online, self.scene.service, self.plan, choice)

    def ways(self) -> list[Loss]:
        """What each way would lose."""
        return losses(self.scene.world.contract, self.scene.service, self.plan.services["user"])

    def count(self, side: str) -> int:
        """Users on a side."""
        database = self.scene.world.source if side == "source" else self.scene.world.target("user")
        with database.connect() as connection:
            row = connection.execute("SELECT count(*) FROM user_schema.users").fetchone()
        assert row is not None
        return int(row[0])

    def mark(self, name: str) -> None:
        """A restore point of the service's own server."""
        with self.scene.target.database().connect() as connection:
            connection.execute("SELECT pg_create_restore_point(%s)", (name,))

    def lose(self) -> None:
        """The server dies with its disk."""
        server = self.scene.target.server
        server.kill()
        shutil.rmtree(server.data)

    def restore(self, point: str) -> None:
        """What `operations restore` does: the server's folder as it was at a point, and started."""
        recover_in_place(self.scene.target, self.archive, {"recovery_target_name": point})


@pytest.fixture
def lossy(tmp_path: Path, clusters: Clusters) -> Iterator[Lossy]:
    folder = own_folder()
    archive = Archive(folder / "archive")
    with (
        clusters.private("source", 17, DURABLE) as source,
        clusters.private("target", 17, {**DURABLE, **archiving(archive)}) as target,
        world(tmp_path, source, target, rows=300, services=("user",)) as made,
        Writer(made.gated["user"].endpoint) as writer,
    ):
        scene = Scene(made, source, target, writer)
        with target.database().connect() as connection:
            # As components/service/roles.py lets it.
            connection.execute("GRANT SET ON PARAMETER session_replication_role TO test_user_migration")
        with scene.online() as online:
            online.start(scene.service, scene.examined())
            online.cutover(scene.service, scene.plan)
        yield Lossy(scene, archive, tmp_path / "kept")
    shutil.rmtree(folder, ignore_errors=True)


def test_a_lost_database_leads_to_the_shared_one_which_follows(lossy: Lossy) -> None:
    scene = lossy.scene
    lossy.archive.take(scene.target)
    lossy.mark("base")
    ship(scene.target, lossy.archive)
    scene.writer.wait_for_more(20)
    with (
        scene.online() as online,
        pytest.raises(WrongState, match="rollback --immediate user` loses nothing"),
    ):
        quick_rollback(online, scene.service, scene.plan, Choice("shared"))
    with scene.writer.quiet():
        scene.assert_followed()
        lossy.lose()
    (way,) = lossy.ways()
    assert (way.way, way.possible, way.recommended, way.rows) == ("shared", True, True, None)
    assert lossy.quick("shared")["state"] == "fallen back"
    scene.writer.wait_for_more(5)
    assert scene.world.gateway("user").route() == "source"
    scene.writer.assert_each_write_is_there_once()
    with scene.world.source.connect() as connection:
        (left,) = connection.execute("SELECT count(*) FROM pg_subscription").fetchone() or (None,)
    assert left == 0
    # Once there is an instance again, the rest of the move goes, and it can begin anew.
    lossy.restore("base")
    with scene.online() as online:
        online.abort(scene.service, scene.plan)
        online.start(scene.service, scene.examined())
        online.cutover(scene.service, scene.plan)
    scene.assert_sound()


def test_a_restored_database_is_reconciled_and_served_again(lossy: Lossy) -> None:
    scene = lossy.scene
    lossy.archive.take(scene.target)
    scene.writer.wait_for_more(10)
    with scene.writer.quiet():
        lossy.mark("before")
        at_point = lossy.count("target")
    scene.writer.wait_for_more(20)
    with scene.writer.quiet():
        scene.assert_followed()
        known = list(scene.writer.acknowledged)
        ship(scene.target, lossy.archive)
        lossy.lose()
    with pytest.raises(WrongState, match="the clients of user wait now"):
        lossy.quick("own")
    lossy.restore("before")
    assert lossy.count("target") == at_point
    ahead = lossy.count("source") - at_point
    assert ahead >= 20
    shared, way = lossy.ways()
    assert (shared.way, shared.possible) == ("shared", False)
    assert (way.way, way.recommended) == ("own", True)
    assert "behind what the shared database has" in way.said
    with scene.online() as online:
        with pytest.raises(WrongState, match=rf"{ahead} in shared only"):
            quick_rollback(online, scene.service, scene.plan, Choice("own", kept_in=lossy.kept_in))
        assert scene.world.open_sides("user") == set(), "both stay closed until somebody decides"
        done = quick_rollback(
            online, scene.service, scene.plan, Choice("own", "apply", kept_in=lossy.kept_in)
        )
    assert done["state"] == "moved"
    kept = [json.loads(line) for line in Path(done["kept"]).read_text().splitlines()]
    assert len(kept) == ahead
    assert {line["kind"] for line in kept} == {"missing"}
    assert kept[0]["shared"][0]["email"] in known
    # Nothing acknowledged is lost, no number is given twice, and the way back follows.
    scene.assert_sound()
    scene.assert_followed()
    with scene.online() as online:
        online.rollback(scene.service, scene.plan)
    scene.assert_sound()
    assert set(known) <= set(scene.writer.acknowledged)


@pytest.mark.parametrize(
    ("step", "point"),
    [("reconcile them", "acted"), ("let the shared database follow again", "acted")],
)
def test_a_reconciliation_that_is_killed_goes_on_where_it_was(lossy: Lossy, step: str, point: str) -> None:
    scene = lossy.scene
    lossy.archive.take(scene.target)
    scene.writer.wait_for_more(10)
    with scene.writer.quiet():
        lossy.mark("before")
    scene.writer.wait_for_more(20)
    with scene.writer.quiet():
        scene.assert_followed()
        ship(scene.target, lossy.archive)
        lossy.lose()
    with pytest.raises(WrongState, match="the clients of user wait now"):
        lossy.quick("own")
    lossy.restore("before")
    verb = ("rollback", "user", "--quick", "--to", "own", "--beyond", "apply", "--yes")
    killed = scene.world.run_with_fault(step, point, "kill", *verb)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert scene.world.open_sides("user") == set(), "no side takes writes until it is through"
    scene.run(*verb)
    scene.assert_sound()
    scene.assert_followed()


def test_what_the_shared_database_has_beyond_can_be_given_up(lossy: Lossy) -> None:
    scene = lossy.scene
    lossy.archive.take(scene.target)
    with scene.writer.quiet():
        lossy.mark("before-the-bad-write")
        before = lossy.count("target")
        with scene.world.gated["user"].endpoint.connect() as connection:
            connection.execute("UPDATE users SET email = 'bad' || id WHERE id <= 10")
            connection.execute("DELETE FROM sessions")
        scene.assert_followed()
        ship(scene.target, lossy.archive)
        lossy.lose()
        lossy.restore("before-the-bad-write")
        done = lossy.quick("own", "leave")
        assert done["state"] == "moved"
        assert lossy.count("target") == lossy.count("source") == before
        with scene.world.source.connect() as connection:
            bad = connection.execute(
                "SELECT count(*) FROM user_schema.users WHERE email LIKE 'bad%'"
            ).fetchone()
            sessions = connection.execute("SELECT count(*) FROM user_schema.sessions").fetchone()
        assert (bad, sessions) == ((0,), (300,))
    scene.writer.wait_for_more(5)
    scene.assert_followed()
