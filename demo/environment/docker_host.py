"""A Docker Engine with the test image on it, for a stack of containers beside the demo's shared database.

Engines on one machine share its firewall, and stacks of the demo and of the tests the same addresses: one
at a time. An engine's folder is named after the process that started it; where that was killed, whoever comes
next ends the engine.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from demo.environment.home import REPOSITORY
from demo.errors import DemoError
from servers import postmaster

SUBNET = "10.213.0.0/16"
LINK_ADDRESS = "10.213.0.1"
"""The host's on the link network, where the containers find the shared database; there once a stack is up."""
_SECONDS = 600
_PREFIX = "wqde"


@contextmanager
def docker_engine(*, installed: bool = False, bare: bool = False) -> Iterator[str]:
    """`DOCKER_HOST` of an engine that has the test image; waits for whoever has one at the moment.

    `$DOCKER_HOST` where it is set, else one that is started here and goes away with its data: the machine's
    own program if `installed`, however old. Without the test image if `bare`. What a killed process left
    running is ended first. Raises DemoError with what the script said that failed.
    """
    given = os.environ.get("DOCKER_HOST")
    with _lock(wait=True):
        for left in _orphans():
            remove_engine(left)
        with nullcontext(given) if given is not None else _own(installed=installed) as host:
            if not bare:
                load_image(host)
            yield host


def lasting_engine(folder: Path) -> str:
    """`DOCKER_HOST` of an engine in `folder` that goes on after this process, until `remove_engine`.

    One that runs there already is taken. It keeps the lock itself as long as it runs. Raises DemoError where
    somebody else's engine of ours is at work, and as `docker_engine` does.
    """
    with _lock_file().open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not answers(f"unix://{folder}/docker.sock"):
                raise DemoError(
                    "another Docker Engine of this project's is at work (a demo's, a test's): wait for it, or"
                    " name an engine in DOCKER_HOST"
                ) from None
        return _script("docker-engine", "start", str(folder), held=(lock.fileno(),))


def remove_engine(folder: Path) -> None:
    """End an engine, with all that is on it, and remove its folder. Raises DemoError."""
    _script("docker-engine", "stop", str(folder), "--purge")


def answers(host: str) -> bool:
    """Whether an engine answers there."""
    command = ["docker", "--host", host, "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False


def end_orphaned_engines() -> None:
    """End the engines that `docker_engine` started for processes that were killed, with all that is theirs.

    None where somebody has an engine at the moment: whoever comes after that does it. Raises DemoError as
    `docker_engine` does.
    """
    if not _orphans():
        return
    with _lock(wait=False) as held:
        for left in _orphans() if held else []:
            remove_engine(left)


def _lock_file() -> Path:
    return Path(tempfile.gettempdir()) / "waqiti-test-docker.lock"


@contextmanager
def _lock(*, wait: bool) -> Iterator[bool]:
    """The one that is held as long as an engine is used; whether it is had."""
    with _lock_file().open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def _own(*, installed: bool) -> Iterator[str]:
    owner = os.getpid()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{owner}.{postmaster.born(owner) or 0}-"))
    try:
        yield _script("docker-engine", "start", str(folder), *(["--installed"] if installed else []))
    finally:
        remove_engine(folder)


def _orphans() -> list[Path]:
    """Folders of engines whose owner is dead; only root's, which alone can have started one."""
    if os.geteuid() != 0:
        return []
    found = []
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = re.fullmatch(rf"{_PREFIX}(\d+)\.(\d+)-\w+", folder.name)
        if owner is None:
            continue
        pid, born = int(owner[1]), int(owner[2])
        lives = postmaster.alive(pid) and postmaster.born(pid) == born
        with suppress(FileNotFoundError):  # gone since
            if not lives and folder.lstat().st_uid == 0:
                found.append(folder)
    return found


def image_name() -> str:
    """The test image's."""
    text = (REPOSITORY / "script" / "test-image").read_text(encoding="utf-8")
    return next(line.partition("=")[2] for line in text.splitlines() if line.startswith("name="))


def load_image(host: str) -> str:
    """Make the test image, once, and load it into the engine; returns its name. Raises DemoError."""
    return _script("test-image", host=host)


def remove_labelled(host: str, label: str) -> None:
    """Remove the containers, networks and volumes of a stack of that label, where its destroy could not."""
    docker, wanted = ["docker", "--host", host], ["--quiet", "--filter", f"label=waqiti.stack={label}"]
    for listed, removed in (
        (["ps", "--all"], ["rm", "--force"]),
        (["network", "ls"], ["network", "rm"]),
        (["volume", "ls"], ["volume", "rm"]),
    ):
        found = subprocess.run([*docker, *listed, *wanted], capture_output=True, text=True, check=False)
        if names := found.stdout.split():
            subprocess.run([*docker, *removed, *names], capture_output=True, check=False)


def refuse_another_stack(host: str, label: str) -> None:
    """Raises DemoError when containers or volumes of a stack of that label are on the engine already: a
    volume would be taken over, and removed in the end."""
    wanted = ["--quiet", "--filter", f"label=waqiti.stack={label}"]
    for listed in (["ps", "--all"], ["volume", "ls"]):
        done = subprocess.run(
            ["docker", "--host", host, *listed, *wanted],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode or done.stdout.strip():
            seen = done.stderr.strip() or f"the stack {label} is on it already"
            raise DemoError(f"Docker Engine at {host}: {seen}; name another engine in DOCKER_HOST, or none")


def _script(name: str, *arguments: str, host: str | None = None, held: tuple[int, ...] = ()) -> str:
    done = subprocess.run(
        [REPOSITORY / "script" / name, *arguments],
        env={**os.environ, **({"DOCKER_HOST": host} if host else {})},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        pass_fds=held,
    )
    if done.returncode != 0:
        raise DemoError((done.stderr.strip().splitlines() or [f"script/{name} failed"])[-1])
    return done.stdout.strip()
