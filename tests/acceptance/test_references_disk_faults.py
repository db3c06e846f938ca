"""The reader's disk is full while its replica is filled: the rows of before, and nothing that keeps WAL."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from core.errors import DiskFull, MigrationError, StepTimeout
from migration.references.link import catch_up
from migration.references.refill import FILL, refill
from migration.replicate.subscription import Subscription
from migration.steps.runner import Runner
from tests.support.clusters import Cluster, Clusters
from tests.support.disks import bring_up, fill_up, small_disk, use_up_wal
from tests.support.faulty import At
from tests.support.leftovers import leftovers
from tests.support.moves import World, world
from tests.support.reference_scene import FOLLOWING_SHARED, NONE, payments_of, played, referring
from tests.support.stalled_replicas import LINK, drop_slot, reading
from tests.support.versions import DEFAULT_VERSIONS

pytestmark = pytest.mark.acceptance

DISK_MEGABYTES = 260
SETTINGS = {"min_wal_size": "32MB", "max_wal_size": "64MB", "autovacuum": "off"}
"""Autovacuum has sessions write pg_internal.init anew, and one that cannot on a full disk ends."""
ROWS = 2000
"""Their replica is some pages more than a full disk may have got back meanwhile, and little WAL."""
FOLLOWS = "let replicas of other services follow"


@dataclass(frozen=True)
class Reader:
    """Payment, which reads users, and its server on a small disk."""

    world: World
    server: Cluster
    disk: Path

    def fill_disk(self) -> Path:
        """To the last byte, but with WAL set aside that is enough for a replica; returns what to remove."""
        with self.server.database().connect() as connection:
            connection.execute("SELECT pg_switch_wal()")
            connection.execute("SELECT pg_logical_emit_message(true, 'x', 'into the next segment')")
        self.rows()  # such a file is there for the next session
        return fill_up(self.disk)

    def rows(self) -> int:
        """As payment reads them."""
        with payments_of(self.world).connect() as connection:
            row = connection.execute("SELECT count(email) FROM user_schema.users").fetchone()
        return row[0] if row else 0

    def refilled(self) -> None:
        """Once there is room, the same again mends all."""
        with played(self.world) as scene:
            (filled,) = refill(self.world.contract, scene.service("payment"), scene.online.runner)
            assert filled["rows"] >= ROWS
            assert reading(self.world).state == "following"
            scene.arrives(scene.write("after all"), "after all")
            assert scene.traces() == FOLLOWING_SHARED


@pytest.fixture
def reader(tmp_path: Path, clusters: Clusters) -> Iterator[Reader]:
    with (
        small_disk(DISK_MEGABYTES) as disk,
        clusters.private("target", DEFAULT_VERSIONS[1], SETTINGS, folder=disk) as server,
        world(tmp_path, clusters.get("source", DEFAULT_VERSIONS[0]), server, rows=ROWS) as made,
    ):
        yield Reader(referring(made), server, disk)


def test_a_refill_without_room_leaves_the_replica_as_it_was(reader: Reader) -> None:
    with played(reader.world) as scene:
        scene.start("payment")
    drop_slot(reader.world)
    ballast = reader.fill_disk()
    for _ in range(2):
        ended = reader.world.run("references", "--refill", "payment", "--yes")
        assert ended.returncode == DiskFull.exit_code, ended.stderr
        (line,) = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
        assert "payment's own database" in line
        assert "has no disk space left while filling the replicas of user" in line
        assert reader.rows() == ROWS
        assert (reading(reader.world).state, reading(reader.world).retained_bytes) == ("stale", None)
    with played(reader.world) as scene:
        assert scene.traces()["shared"] == [], "nothing keeps WAL for it"
    ballast.unlink()
    reader.refilled()


def test_a_refill_whose_server_died_of_a_full_disk_is_settled_by_the_next(reader: Reader) -> None:
    with played(reader.world) as scene:
        scene.start("payment")
    drop_slot(reader.world)
    ballast: list[Path] = []

    def fill() -> None:
        with contextlib.suppress(psycopg.Error), reader.server.database().connect() as connection:
            ballast.append(fill_up(reader.disk))
            use_up_wal(connection)

    with played(reader.world) as scene:
        runner: Runner = replace(scene.online.runner, observer=At(FILL, fill), patience=1.0)
        with pytest.raises(MigrationError) as failed:
            refill(reader.world.contract, scene.service("payment"), runner)
        assert "\n" not in str(failed.value)
        assert "payment's own database" in str(failed.value)
        assert reading(reader.world).state == "stale"
    ballast[0].unlink()
    bring_up(reader.server)
    assert reader.rows() == ROWS
    with played(reader.world) as scene:
        assert scene.traces()["shared"] == [], "nothing keeps WAL for it"
    reader.refilled()


def test_a_replica_without_room_says_so_and_goes_on_with_room(reader: Reader) -> None:
    with played(reader.world) as scene:
        scene.start("payment")
        ballast = reader.fill_disk()
        with reader.world.source.connect() as connection:
            connection.execute(
                "INSERT INTO user_schema.users (email) SELECT 'late' || k FROM generate_series(1, %s) k",
                [ROWS],
            )
        deadline = time.monotonic() + 60
        with reader.world.target("payment").connect() as connection:
            while not (state := Subscription(connection, LINK).state()) or not state.errors:
                assert time.monotonic() < deadline, state
                time.sleep(0.05)
        with pytest.raises(
            StepTimeout, match=r"got no further for 0\.1 s .*own database says: .*after \d+ errors"
        ):
            catch_up(reader.world.contract, reading(reader.world).link, 0.1)
        assert reader.rows() == ROWS
        ballast.unlink()
        scene.arrives(scene.write("after all"), "after all")
        assert reader.rows() == 2 * ROWS + 1


def test_a_start_without_room_for_the_replica_is_undone_and_goes_with_room(reader: Reader) -> None:
    ballast: list[Path] = []
    fill = At(FOLLOWS, lambda: ballast.append(reader.fill_disk()))
    with played(reader.world) as scene:
        runner = replace(scene.online.runner, observer=fill)
        with pytest.raises(DiskFull, match="while filling the replicas of user") as failed:
            replace(scene, online=replace(scene.online, runner=runner)).start("payment")
        assert "\n" not in str(failed.value)
        assert scene.traces() == NONE
        assert leftovers(reader.world, "payment") == []
        ballast[0].unlink()
        scene.start("payment")
        scene.arrives(scene.write("after all"), "after all")
        assert scene.traces() == FOLLOWING_SHARED
