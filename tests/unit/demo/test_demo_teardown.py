"""A demo's folder is removed also while what a killed Pulumi left is still making something in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from demo.environment.home import Home
from demo.environment.teardown import tear_down

pytestmark = pytest.mark.unit

AT_WORK = """
mkdir -p "$1/stacks" && echo
for number in $(seq 1000); do mkdir "$1/stacks/$number" && touch "$1/stacks/$number/file" || exit 0; done
"""


def test_a_folder_in_which_somebody_is_at_work_is_removed(tmp_path: Path) -> None:
    home = Home(tmp_path / "demo")
    for _ in range(5):
        with subprocess.Popen(
            ["sh", "-c", AT_WORK, "sh", home.root], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as at_work:
            assert at_work.stdout is not None
            at_work.stdout.readline()
            assert tear_down(home) is not None
            at_work.wait(60)
        assert not home.root.exists()
