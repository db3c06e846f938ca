"""Whose Docker Engine it is: only what a dead process left behind is anybody's to end."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from demo.environment import docker_host
from servers import postmaster
from tests.support.absence import absent

pytestmark = pytest.mark.unit


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder in which nobody else has an engine."""
    if os.geteuid() != 0:
        absent("only root's engines are looked for, and only by root")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def dead() -> int:
    """The id of a process that has ended."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    return ended.pid


def test_a_process_is_told_from_a_later_one_of_the_same_id() -> None:
    own = postmaster.born(os.getpid())
    assert own is not None
    assert own >= (postmaster.born(os.getppid()) or 0)
    assert postmaster.born(dead()) is None


def test_the_folder_of_a_live_process_is_left_alone(temporary: Path) -> None:
    pid = os.getpid()
    left = temporary / f"wqde{pid}.{postmaster.born(pid)}-abc"
    left.mkdir()
    docker_host.end_orphaned_engines()
    assert left.exists()


def test_a_folder_without_an_owner_is_left_alone(temporary: Path) -> None:
    for name in ("wqde8x_2", f"wqde{dead()}-abc"):
        (temporary / name).mkdir()
    docker_host.end_orphaned_engines()
    assert len(list(temporary.iterdir())) == 2


@pytest.mark.parametrize("owner", ["dead", "another of the same id"])
def test_what_is_left_of_a_stopped_engine_goes_with_its_owner(temporary: Path, owner: str) -> None:
    pid = dead() if owner == "dead" else os.getpid()
    left = temporary / f"wqde{pid}.1-abc"
    (left / "data").mkdir(parents=True)
    docker_host.end_orphaned_engines()
    assert not left.exists()


def test_nothing_is_ended_while_somebody_has_an_engine(temporary: Path) -> None:
    left = temporary / f"wqde{dead()}.1-abc"
    left.mkdir()
    with docker_host._lock(wait=True):
        docker_host.end_orphaned_engines()
        assert left.exists()
    docker_host.end_orphaned_engines()
    assert not left.exists()
