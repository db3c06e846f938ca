"""Fixtures: real PostgreSQL servers for the session, databases of its own for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from core.sessions.connections import Database
from tests.support import depth
from tests.support.clusters import Cluster, Clusters
from tests.support.folders import own_folder, remove_leftovers
from tests.support.schedule import FilesInOrder, by_cost
from tests.support.versions import DEFAULT_VERSIONS

# A busy machine is no failure. In CI hypothesis has the same and derandomizes (its profile `ci`).
if "CI" not in os.environ:
    settings.register_profile("waqiti", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("waqiti")


def pytest_configure(config: pytest.Config) -> None:
    """The day is chosen before any worker begins."""
    depth.today()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What is left to other days."""
    if not depth.is_wanted(_of_folders(config)):
        return []
    some = ", ".join((*depth.PARTS, *depth.ALONE))
    return [f"of {some} the part of {depth.today()} runs; WAQITI_ALL_FAULTS=1 runs all of it"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whole folders have their day's part; where files run side by side, the long ones come first."""
    if depth.is_wanted(_of_folders(config)):
        items[:], left = depth.split(items, depth.today())
        config.hook.pytest_deselected(items=left)
    if hasattr(config, "workerinput"):
        items[:] = by_cost(items)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The names of tests that failed, a line each, where WAQITI_FAILED_TESTS says (script/test asks)."""
    if path := os.environ.get("WAQITI_FAILED_TESTS"):
        reports = [*terminalreporter.stats.get("failed", ()), *terminalreporter.stats.get("error", ())]
        Path(path).write_text("".join(f"{name}\n" for name in dict.fromkeys(r.nodeid for r in reports)))


def _of_folders(config: pytest.Config) -> bool:
    return all((config.invocation_params.dir / argument).is_dir() for argument in config.args)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesInOrder | None:
    """Ours for `--dist loadfile`, xdist's own for all else."""
    return FilesInOrder(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def clusters() -> Iterator[Clusters]:
    """All the session's servers: `.get("source", 15)`, or `.private("target", 17)` for one test alone."""
    remove_leftovers()
    folder = own_folder()
    made = Clusters(folder)
    with pytest.MonkeyPatch.context() as patch:
        # What tests leave of evidence and points is theirs, and not this machine's.
        patch.setenv("WAQITI_STATE_DIR", str(folder / "state"))
        try:
            yield made
        finally:
            made.destroy()


@pytest.fixture
def versions(request: pytest.FixtureRequest) -> tuple[int, int]:
    """Major versions (source, target); see tests.support.versions.every_version_pair."""
    pair: tuple[int, int] = getattr(request, "param", DEFAULT_VERSIONS)
    return pair


@pytest.fixture
def source_cluster(clusters: Clusters, versions: tuple[int, int]) -> Cluster:
    return clusters.get("source", versions[0])


@pytest.fixture
def target_cluster(clusters: Clusters, versions: tuple[int, int]) -> Cluster:
    return clusters.get("target", versions[1])


@pytest.fixture
def source_database(source_cluster: Cluster) -> Iterator[Database]:
    """An empty database on the source's server, as its superuser; dropped afterwards."""
    database = source_cluster.new_database()
    yield database
    source_cluster.drop_database(database)


@pytest.fixture
def target_database(target_cluster: Cluster) -> Iterator[Database]:
    """An empty database on the target's server, as its superuser; dropped afterwards."""
    database = target_cluster.new_database()
    yield database
    target_cluster.drop_database(database)
