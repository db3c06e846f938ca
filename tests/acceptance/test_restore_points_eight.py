"""A restore point over eight databases and eight gateways under load, and a real restore of all eight."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.points.create import Limits, Wanted, create_point
from core.points.store import PointStore
from operations.restore_points.restored import check_restored
from tests.support.clusters import Clusters
from tests.support.folders import own_folder
from tests.support.point_world import EIGHT, Chain, point_world

pytestmark = pytest.mark.acceptance


def test_all_eight_restored_to_one_point_are_one_instant(tmp_path: Path, clusters: Clusters) -> None:
    folder = own_folder()
    limits = Limits(pause=2.0, attempts=10)  # a crowded machine
    with point_world(folder, clusters, EIGHT) as world:
        store = PointStore(world.contract, tmp_path)
        world.take_base_backups()
        with Chain(world, clients=4) as chain:
            for number in range(3):
                point = create_point(world.contract, Wanted(f"cut-{number}", limits=limits), store)
                chain.wait_for_more(10)
        assert chain.failed == []
        assert set(point.places) == set(world.contract.services), "all have moved: none in the shared one"
        assert {place.exact for place in point.places.values()} == {"yes"}
        with world.restored(point.name) as databases:
            verdict = check_restored(world.contract, point, databases)
            verdict.require()
        assert len(verdict.references) == 7
        assert all(one.keys for one in verdict.references)
    shutil.rmtree(folder, ignore_errors=True)
