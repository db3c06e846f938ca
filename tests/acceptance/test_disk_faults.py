"""The target's disk fills up, while copying and while following: the source serves, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import MigrationError
from tests.support.clusters import Clusters
from tests.support.disks import fill_up, small_disk
from tests.support.faulty import At
from tests.support.leftovers import leftovers
from tests.support.moves import world
from tests.support.scenes import Scene
from tests.support.versions import DEFAULT_VERSIONS
from tests.support.writer import Writer

pytestmark = pytest.mark.acceptance

DISK_MEGABYTES = 250
MUCH = "INSERT INTO user_schema.sessions (user_id, token) SELECT 1, decode(repeat(md5(k::text), 60), 'hex')"
MORE_THAN_PREALLOCATED = f"{MUCH} FROM generate_series(1, 40000) k"
"""Some 40 MB: more than what PostgreSQL has set aside for its WAL."""


@pytest.fixture
def disk() -> Iterator[Path]:
    with small_disk(DISK_MEGABYTES) as folder:
        yield folder


@pytest.fixture
def scene(tmp_path: Path, clusters: Clusters, disk: Path) -> Iterator[Scene]:
    source = clusters.get("source", DEFAULT_VERSIONS[0])
    settings = {"min_wal_size": "32MB", "max_wal_size": "64MB"}
    with (
        clusters.private("target", DEFAULT_VERSIONS[1], settings, folder=disk) as target,
        world(tmp_path, source, target, rows=300, services=("user",)) as made,
        Writer(made.gated["user"].endpoint) as writer,
    ):
        yield Scene(made, source, target, writer)


def make_room(scene: Scene, ballast: Path) -> None:
    """What a person does; a server that could not write its WAL has stopped, and is started again."""
    ballast.unlink()
    scene.server("target").start()
    scene.wait_for_servers()


def test_a_start_that_fills_the_targets_disk_is_undone_in_one_line(scene: Scene, disk: Path) -> None:
    with scene.world.source.connect() as connection:
        connection.execute(MORE_THAN_PREALLOCATED.encode())
    ballast: list[Path] = []
    fill = At("copy from the slot's snapshot", lambda: ballast.append(fill_up(disk)))
    with scene.online(fill, patience=1.0) as online:
        plan = scene.examined()
        with pytest.raises(MigrationError, match=r"disk|closed the connection|space") as failed:
            online.start(scene.service, plan)
    assert "\n" not in str(failed.value)
    scene.assert_sound()
    assert scene.writer.failed == []
    make_room(scene, ballast[0])
    scene.resume()
    assert leftovers(scene.world, "user") == []


def test_the_source_serves_while_the_targets_disk_is_full(scene: Scene, disk: Path) -> None:
    with scene.online() as online:
        online.start(scene.service, scene.examined())
    ballast = fill_up(disk)
    with scene.world.source.connect() as connection:
        connection.execute(MORE_THAN_PREALLOCATED.encode())
    scene.writer.wait_for_more(20)
    assert scene.writer.failed == []
    make_room(scene, ballast)
    scene.assert_sound()
    scene.assert_followed()
