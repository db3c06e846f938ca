"""A program that is forked does as one that was started: what it says, its status, its folder and its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support import forks

pytestmark = pytest.mark.unit

ENTRY = "tests.support.plain_program"


def say(word: str, folder: Path) -> dict[str, Any]:
    done = forks.run(ENTRY, "say", environment={**os.environ, "WORD": word}, timeout=120, folder=folder)
    assert (done.returncode, done.stderr) == (41, "")
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize(
    "command",
    [
        ("migration", "status", "--contract", "/nonexistent"),
        ("migration", "nothing"),
        ("operations", "backups", "--help"),
        ("tests.support.faulty", "gates", "--all", "--contract", "/nonexistent", "--json"),
    ],
    ids=["status", "no-verb", "help", "faulty"],
)
def test_a_forked_program_says_what_a_started_one_says(command: tuple[str, ...]) -> None:
    environment = {**os.environ, "NO_COLOR": "1", "WAQITI_TEST_FAULTS": "[]"}
    forked = forks.run(*command, environment=environment, timeout=120)
    started = subprocess.run(
        [sys.executable, "-m", *command],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (forked.returncode, forked.stdout, forked.stderr) == (
        started.returncode,
        started.stdout,
        started.stderr,
    )


def test_each_has_its_own_process_folder_environment_and_chance(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as at_once:
        said = list(at_once.map(lambda n: say(f"word {n}", tmp_path), range(8)))
    assert [one["word"] for one in said] == [f"word {n}" for n in range(8)]
    assert {one["folder"] for one in said} == {str(tmp_path)}
    assert len({one["draw"] for one in said}) == 8
    assert len({one["pid"] for one in said} | {os.getpid()}) == 9


def test_the_signal_that_a_program_died_of_is_known() -> None:
    assert forks.run(ENTRY, "die", environment=os.environ, timeout=120).returncode == -9


def test_a_program_that_takes_too_long_is_killed() -> None:
    with pytest.raises(subprocess.TimeoutExpired) as told:
        forks.run(ENTRY, "last", environment=os.environ, timeout=3)
    assert told.value.stdout is not None
    pid = json.loads(told.value.stdout)["pid"]
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_another_locale_is_a_start_of_its_own() -> None:
    environment = {**os.environ, "LC_ALL": "C", "WORD": "own"}
    done = forks.run(ENTRY, "say", environment=environment, timeout=120)
    assert json.loads(done.stdout)["word"] == "own"
    assert done.returncode == 41
