"""A session that has a Docker Engine of its own is killed: the next one ends the engine, nobody before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from demo.environment.docker_host import end_orphaned_engines
from servers import postmaster
from tests.support.absence import absent
from tests.support.folders import remove_leftovers
from tests.support.places import REPOSITORY
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance

BRIDGE = "wq-orphan"
SESSION = """
import subprocess, sys
from demo.environment.docker_host import docker_engine
with docker_engine(bare=True) as host:
    for command in sys.argv[1:]:
        arguments = ["docker", "--host", host, *command.split()]
        said = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    print(host.removeprefix("unix://"), said.strip(), flush=True)
    sys.stdin.read()
"""
COMMANDS = (
    "import {image} sleeps",
    f"network create --opt com.docker.network.bridge.name={BRIDGE} of-a-test",
    "run --detach --restart always --stop-signal KILL --network of-a-test --name one sleeps /sleep 600",
    "inspect --format {{{{.State.Pid}}}} one",
)
LASTING = """
import os, signal
from demo.environment import docker_host
from tests.support.folders import own_folder
folder = own_folder() / "demo" / "docker"
with docker_host._lock(wait=True):
    pass
docker_host.lasting_engine(folder)
print(folder, (folder / "docker.pid").read_text(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
"""A demo's engine, which goes on after its process, in a test of the demo that is killed."""


@dataclass(frozen=True)
class Left:
    """An engine with a container on a network, and the session that started it."""

    session: subprocess.Popen[str]
    folder: Path
    engine: int
    container: int

    def is_there(self) -> list[str]:
        """What is there of it, in words."""
        found = [f"process {pid}" for pid in (self.engine, self.container) if postmaster.alive(pid)]
        mounted = [one.mountpoint for one in psutil.disk_partitions(all=True)]
        found += [f"mount {point}" for point in mounted if Path(point).is_relative_to(self.folder)]
        rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
        found += [f"rule {rule}" for rule in rules.splitlines() if BRIDGE in rule]
        found += [str(one) for one in (Path("/sys/class/net") / BRIDGE, self.folder) if one.exists()]
        return found


@contextmanager
def session(image: Path) -> Iterator[Left]:
    """One that has an engine and waits; killed at the end, if not before."""
    process = subprocess.Popen(
        [sys.executable, "-c", SESSION, *(command.format(image=image) for command in COMMANDS)],
        cwd=REPOSITORY,
        env=without_host(),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline().split()
        assert said, process.communicate()[1]
        folder = Path(said[0]).parent
        yield Left(process, folder, int((folder / "docker.pid").read_text()), int(said[1]))
    finally:
        process.kill()
        process.communicate()
        end_orphaned_engines()


def required() -> None:
    """Skip where not everything is to be tried."""
    if not os.environ.get("WAQITI_REQUIRE_ALL"):
        absent("a Docker Engine of its own is only started where WAQITI_REQUIRE_ALL is set, by root")


def without_host() -> dict[str, str]:
    """The environment without an engine that is there already."""
    return {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The archive of an image that can sleep."""
    required()
    sleep = "/usr/bin/sleep"
    libraries = subprocess.run(["ldd", sleep], capture_output=True, text=True, check=True).stdout.split()
    archive = tmp_path / "image.tar"
    with tarfile.open(archive, "w", dereference=True) as made:
        made.add(sleep, "sleep")
        for library in libraries:
            if library.startswith("/"):
                made.add(os.path.realpath(library), library.removeprefix("/"))
    return archive


@pytest.mark.parametrize("also", ["the session", "the session, then the engine"])
def test_the_engine_of_a_killed_session_is_ended_with_all_that_is_its_own(image: Path, also: str) -> None:
    with session(image) as left:
        before = left.is_there()
        assert {one.partition(" ")[0] for one in before} >= {"process", "mount", "rule", str(left.folder)}
        end_orphaned_engines()
        remove_leftovers()
        assert left.is_there() == before, "its owner lives"
        left.session.kill()
        left.session.wait()
        if also != "the session":
            os.kill(left.engine, signal.SIGKILL)
            wait_until(lambda: not postmaster.alive(left.engine))
        assert f"process {left.container}" in left.is_there()
        remove_leftovers()
        assert left.is_there() == []


def test_the_lasting_engine_of_a_demo_in_a_killed_session_is_ended_too() -> None:
    required()
    command = [sys.executable, "-c", LASTING]
    killed = subprocess.run(
        command, cwd=REPOSITORY, env=without_host(), capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    folder, engine = killed.stdout.split()
    assert postmaster.alive(int(engine))
    remove_leftovers()
    assert not postmaster.alive(int(engine))
    assert not Path(folder).exists()
    assert folder not in Path("/proc/self/mountinfo").read_text()
