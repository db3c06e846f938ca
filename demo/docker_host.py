"""A Docker Engine with the test image on it, for a stack of containers beside the demo's shared database.

Engines on one machine share its firewall, and stacks of the demo and of the tests the same addresses: one
at a time.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.errors import DemoError
from demo.home import REPOSITORY

SUBNET = "10.213.0.0/16"
LINK_ADDRESS = "10.213.0.1"
"""The host's on the link network, where the containers find the shared database; there once a stack is up."""
_SECONDS = 600


@contextmanager
def docker_engine(*, installed: bool = False) -> Iterator[str]:
    """`DOCKER_HOST` of an engine that has the test image; waits for whoever has one at the moment.

    `$DOCKER_HOST` where it is set, else one that is started here and goes away with its data: the machine's
    own program if `installed`, however old. Raises DemoError with what the script said that failed.
    """
    given = os.environ.get("DOCKER_HOST")
    with (Path(tempfile.gettempdir()) / "waqiti-test-docker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if given is not None:
            _script("test-image", host=given)
            yield given
            return
        folder = tempfile.mkdtemp(prefix="wqde")
        try:
            host = _script("docker-engine", "start", folder, *(["--installed"] if installed else []))
            _script("test-image", host=host)
            yield host
        finally:
            _script("docker-engine", "stop", folder, "--purge")


def image_name() -> str:
    """The test image's."""
    text = (REPOSITORY / "script" / "test-image").read_text(encoding="utf-8")
    return next(line.partition("=")[2] for line in text.splitlines() if line.startswith("name="))


def refuse_another_stack(host: str, label: str) -> None:
    """Raises DemoError when containers or volumes of a stack of that label are on the engine already: a
    volume would be taken over, and removed in the end."""
    wanted = ["--quiet", "--filter", f"label=waqiti.stack={label}"]
    for listed in (["ps", "--all"], ["volume", "ls"]):
        done = subprocess.run(
            ["docker", "--host", host, *listed, *wanted],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode or done.stdout.strip():
            seen = done.stderr.strip() or f"the stack {label} is on it already"
            raise DemoError(f"Docker Engine at {host}: {seen}; name another engine in DOCKER_HOST, or none")


def _script(name: str, *arguments: str, host: str | None = None) -> str:
    done = subprocess.run(
        [REPOSITORY / "script" / name, *arguments],
        env={**os.environ, **({"DOCKER_HOST": host} if host else {})},
        capture_output=True, text=True, timeout=_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise DemoError((done.stderr.strip().splitlines() or [f"script/{name} failed"])[-1])
    return done.stdout.strip()
