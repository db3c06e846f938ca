"""The Docker Engine of a demo on containers: the machine's, or where it has none, one of the demo's own."""

from __future__ import annotations

import os
from collections.abc import Callable

from demo.environment import docker_host, pulumi_stack
from demo.environment.home import Home
from demo.errors import DemoError
from servers.docker_engine import DEFAULT_HOST


def bring_up(home: Home, tell: Callable[[str], None], *, kept: bool) -> str:
    """An engine with the image on it; noted in the home, and given to all that this process starts.

    Returns its `DOCKER_HOST`. With `kept` it is the earlier demo's. Raises DemoError.
    """
    if os.geteuid() != 0:
        raise DemoError("--platform docker hands files to the containers' users: run it as root")
    host = None if home.engine.exists() else _there(home)
    if host is None:
        tell("starting an engine, for want of one")
        host = docker_host.lasting_engine(home.engine)
    if not kept:
        docker_host.refuse_another_stack(host, pulumi_stack.LABEL)
    tell("making the containers' image, once, from Debian's packages")
    docker_host.load_image(host)
    home.docker_host.write_text(f"{host}\n", encoding="utf-8")
    os.environ["DOCKER_HOST"] = host
    return host


def take_down(home: Home, trouble: str) -> bool:
    """Remove the demo's own engine with all that is on it, or from the machine's what a destroy with
    `trouble` left; returns whether there was one of its own. Raises DemoError."""
    if home.engine.exists():
        docker_host.remove_engine(home.engine)
        return True
    if trouble and home.docker_host.exists():
        docker_host.remove_labelled(home.docker_host.read_text().strip(), pulumi_stack.LABEL)
    return False


def _there(home: Home) -> str | None:
    """An earlier demo's, the one that is named, or the machine's if it runs."""
    if home.docker_host.exists():
        return home.docker_host.read_text(encoding="utf-8").strip()
    return os.environ.get("DOCKER_HOST") or (DEFAULT_HOST if docker_host.answers(DEFAULT_HOST) else None)
