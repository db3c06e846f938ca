"""Removing a demo: its programs, its stack, its servers, its folder; also what a killed one left."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

from demo.environment import children, cluster, engine, pulumi_stack
from demo.environment.home import Home
from demo.environment.passwords import passwords
from demo.errors import DemoError

_PROGRAM_SECONDS = 10.0
_REMOVAL_SECONDS = 30.0
_STILL_AT_WORK = (errno.ENOTEMPTY, errno.ENOENT)
"""A file came, or went, while the folder was being removed."""


@dataclass(frozen=True)
class Removed:
    """What was there."""

    programs: tuple[str, ...]
    resources: int
    servers: int
    """Processes that Pulumi did not end: the shared server, and those of a stack that was cut off."""
    trouble: str
    """Why `pulumi destroy` could not, if so; everything was removed all the same."""
    own: str = ""
    """What there was of its own with all of the stack on it: a Docker Engine, a cluster; empty: nothing."""

    def __str__(self) -> str:
        parts = [f"stopped {', '.join(self.programs)}"] if self.programs else []
        what = f"its {self.own} removed" if self.own else f"{self.resources} resources destroyed"
        parts += [what, f"{self.servers} servers ended", "data removed"]
        return "; ".join(parts + ([self.trouble] if self.trouble else []))


def tear_down(home: Home, tell: Callable[[str], None] = lambda _text: None) -> Removed | None:
    """Remove the demo in `home`; None if there was none. Call it with the home locked.

    Raises DemoError when a folder cannot be removed.
    """
    if not home.root.exists():
        return None
    tell("stopping programs")
    programs = tuple(children.stop_all(home, _PROGRAM_SECONDS)) if home.pids.exists() else ()
    resources, trouble = 0, ""
    # What is on an engine or a cluster of its own goes with that.
    elsewhere = not home.engine.exists() and not home.cluster.exists()
    if elsewhere and home.project.exists() and home.passphrase.exists():
        try:
            resources = pulumi_stack.destroy(
                home, passwords(home), lambda number: tell(f"pulumi destroy: {number} resources")
            )
        except DemoError as error:
            # Of a stack that was cut off half-way, or whose servers are gone: what it made are processes
            # and files of this folder, and those go below.
            trouble = str(error)
    tell("ending servers")
    own = "Docker Engine" if engine.take_down(home, trouble) else ""
    own = "cluster" if cluster.take_down(home, trouble) else own
    servers = children.kill_servers(home)
    tell("removing data")
    servers += _remove(home)
    return Removed(programs, resources, servers, trouble, own)


def _remove(home: Home) -> int:
    """Remove the folder, against those that are still making something in it; returns how many were ended.

    A provider of a Pulumi that was killed does not know of it before it is done.
    """
    ended, deadline = 0, time.monotonic() + _REMOVAL_SECONDS
    while home.root.exists():
        try:
            shutil.rmtree(home.root)
        except OSError as error:
            if error.errno not in _STILL_AT_WORK or time.monotonic() > deadline:
                raise DemoError(
                    f"{error.filename} could not be removed ({error.strerror}); remove {home.root} yourself"
                ) from error
            ended += children.kill_servers(home)
    return ended
