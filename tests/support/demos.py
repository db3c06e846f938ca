"""A demo as `script/demo` makes it, in a folder of its own."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from demo.environment.home import Options
from demo.environment.pulumi_stack import wanted_ports
from servers import paths, ports
from tests.support.absence import absent
from tests.support.folders import own_folder

SECONDS = 1200


@dataclass(frozen=True)
class Demo:
    """A demo whose state is under a folder of its own."""

    state: Path
    offset: int
    scale: float
    more: tuple[str, ...] = ()
    """Options of `up` beside its size and ports."""

    @property
    def root(self) -> Path:
        return self.state / "demo"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "demo", *arguments],
            env={**os.environ, "WAQITI_STATE_DIR": str(self.state), "PATH": _search_path()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        child = self.start(*arguments)
        out, error = child.communicate(timeout=SECONDS)
        return child.returncode, out, error

    def up(self, *arguments: str) -> dict[str, Any]:
        status, out, error = self.run("up", "--json", *self.options, *arguments)
        assert status == 0, error
        document: dict[str, Any] = json.loads(out)
        return document

    @property
    def options(self) -> list[str]:
        sized = ["--scale", str(self.scale), "--rate", "20", "--port-offset", str(self.offset)]
        return [*sized, *self.more]

    def processes(self) -> list[str]:
        """Command lines that name the demo's folder, or that have it in the environment that Pulumi gets."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                line = " ".join(process.cmdline())
                if str(self.root) in line or str(self.root) in process.environ().get(
                    "PULUMI_BACKEND_URL", ""
                ):
                    found.append(line)
        return found

    def kill_in(self, stage: str, seconds: float) -> None:
        """Start a demo and kill it some seconds after a stage has begun."""
        child = self.start("up", "--json", *self.options)
        assert child.stderr is not None
        said = []
        for line in child.stderr:
            said.append(line)
            if line.startswith("{") and json.loads(line).get("stage") == stage:
                break
        else:
            pytest.fail(f"the demo ended before {stage}: {''.join(said[-5:])}{child.communicate()}")
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        child.communicate()


@contextmanager
def new_demo(*more: str, scale: float = 0.01) -> Iterator[Demo]:
    """One that is not up yet; it goes away. `more` are options of its `up`."""
    if shutil.which("pulumi", path=_search_path()) is None:
        absent("Pulumi's CLI is not installed: run script/bootstrap")
    folder = own_folder()
    made = Demo(folder, _free_offset(), scale, more)
    try:
        yield made
    finally:
        made.run("down")
        shutil.rmtree(folder, ignore_errors=True)


def _free_offset() -> int:
    for _ in range(100):
        offset = random.randrange(12000, 40000)
        if not any(ports.is_taken(port) for port in wanted_ports(Options(port_offset=offset))):
            return offset
    raise AssertionError("no free ports")


def _search_path() -> str:
    own = (Path(sys.executable).parent, paths.cache_dir() / "pulumi" / "bin")
    return os.pathsep.join([*map(str, own), os.environ.get("PATH", "")])
