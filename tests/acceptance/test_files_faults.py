"""A start that brings tables as files, killed inside that step: nothing is left, the instance is whole."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import psutil
import pytest

from tests.support.by_files import CANARY, FilesScene, files_scene
from tests.support.clusters import Clusters
from tests.support.killed_in_files import POINTS
from tests.support.leftovers import leftovers
from tests.support.writer import Writer

pytestmark = pytest.mark.acceptance

START = ("start", "user", "--yes", "--physical", "always")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[FilesScene]:
    with files_scene(tmp_path_factory.mktemp("files"), clusters, 17, rows=200) as made:
        yield made


@pytest.fixture(scope="module")
def writer(scene: FilesScene) -> Iterator[Writer]:
    with Writer(scene.world.gated["user"].endpoint) as writer:
        yield writer


def assert_as_before(scene: FilesScene, writer: Writer) -> None:
    """The service is served by the shared database, and its instance is as the stack made it."""
    assert leftovers(scene.world, "user") == []
    assert not scene.places.folder.exists()
    assert scene.files_with(CANARY.encode()) == []
    with scene.source.database().connect() as session:
        assert session.execute("SELECT slot_name FROM pg_replication_slots").fetchall() == []
    folder = str(scene.places.folder)
    assert [one.pid for one in psutil.process_iter() if folder in " ".join(_argv(one))] == []
    assert scene.world.open_sides("user") == {"source"}
    writer.wait_for_more()
    assert writer.failed == []


def _argv(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.parametrize("point", POINTS)
def test_a_start_killed_while_files_come_is_undone(scene: FilesScene, writer: Writer, point: str) -> None:
    killed = scene.world.run(
        *START, entry="tests.support.killed_in_files", timeout=600, WAQITI_TEST_POINT=point
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    resumed = scene.world.run("resume", "user", "--yes", timeout=600)
    assert resumed.returncode == 0, resumed.stderr
    assert_as_before(scene, writer)


def test_after_all_of_it_a_start_succeeds_and_has_every_write(scene: FilesScene, writer: Writer) -> None:
    for verb in (START, ("verify", "user"), ("cutover", "user", "--yes")):
        done = scene.world.run(*verb, timeout=600)
        assert done.returncode == 0, done.stderr
    writer.wait_for_more()
    writer.assert_each_write_is_there_once()
    assert writer.failed == []
