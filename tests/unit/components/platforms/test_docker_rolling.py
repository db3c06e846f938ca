"""Which lines of a container's log say why its server does not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.platforms.docker import rolling as docker_rolling
from components.platforms.docker.rolling import STARTING, of_the_last_start

pytestmark = pytest.mark.unit


def test_what_stopped_an_earlier_start_is_not_what_stops_the_last() -> None:
    lines = [STARTING, "waqiti: disk full: 7 of 487 MB are left", STARTING, "FATAL: another thing"]
    assert of_the_last_start(lines) == ["FATAL: another thing"]


def test_without_a_start_of_ours_every_line_may_say_it() -> None:
    assert of_the_last_start(["/bin/sh: not found"]) == ["/bin/sh: not found"]


def test_the_start_script_says_that_it_starts() -> None:
    script = Path(docker_rolling.__file__).with_name("start.sh").read_text(encoding="utf-8")
    assert f'echo "{STARTING}" >&2' in script
