"""A disk is full at a step of a switch, to the last byte of its WAL: one writer, and nothing is lost."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from core.errors import MigrationError
from migration.switch.protocol import SWITCH, Step
from tests.support.clusters import Clusters
from tests.support.disks import bring_up, fill_up, small_disk, use_up_wal
from tests.support.fault_matrix import ALL, by_turns, names
from tests.support.faulty import At
from tests.support.moves import world
from tests.support.scenes import DURABLE, Scene
from tests.support.versions import DEFAULT_VERSIONS
from tests.support.writer import Writer

pytestmark = pytest.mark.acceptance

DISK_MEGABYTES = 260
SETTINGS = {**DURABLE, "min_wal_size": "32MB", "max_wal_size": "64MB"}

CASES = by_turns(SWITCH if ALL else SWITCH[1::3], ("target", "source"), ("cutover", "rollback"))
"""Every third step, and all of them with WAQITI_ALL_FAULTS: each takes some seconds."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[Scene]:
    with (
        small_disk(DISK_MEGABYTES) as first,
        small_disk(DISK_MEGABYTES) as second,
        clusters.private("source", DEFAULT_VERSIONS[0], SETTINGS, folder=first) as source,
        clusters.private("target", DEFAULT_VERSIONS[1], SETTINGS, folder=second) as target,
        world(tmp_path_factory.mktemp("full"), source, target, rows=300, services=("user",)) as made,
        Writer(made.gated["user"].endpoint) as writer,
    ):
        scene = Scene(made, source, target, writer)
        with scene.online() as online:
            online.start(scene.service, scene.examined())
        yield scene


@pytest.mark.parametrize(("step", "server", "verb"), CASES, ids=names(CASES))
def test_a_switch_in_which_a_disk_fills_up_goes_on_or_back(
    scene: Scene, step: Step, server: str, verb: str
) -> None:
    cluster = scene.source if server == "source" else scene.target
    scene.stand_before(verb)
    scene.writer.wait_for_more()
    plan = scene.plan
    ballast: list[Path] = []

    def fill() -> None:
        # A repair may have a step's name.
        if not ballast:
            ballast.append(fill_up(cluster.server.data))
            with contextlib.suppress(psycopg.Error), cluster.database().connect() as connection:
                use_up_wal(connection)

    with scene.online(At(f"{verb}: {step.value}", fill), patience=0.1) as online:
        act = online.cutover if verb == "cutover" else online.rollback
        with contextlib.suppress(MigrationError):
            act(scene.service, plan)
    ballast[0].unlink()
    bring_up(cluster)
    scene.resume()
    scene.assert_sound()
    scene.assert_followed()
