"""Which demo a shell means: the one whose variables it has read, else this user's."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from demo.environment.home import Home
from demo.environment.passwords import passwords

pytestmark = pytest.mark.unit


def test_a_shell_that_read_a_demos_variables_means_that_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAQITI_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("WAQITI_DEMO", raising=False)
    home = Home.default()
    assert home.root == tmp_path / "demo"
    home.create()
    passwords(home)
    for line in home.variables.read_text(encoding="utf-8").splitlines():
        if line.startswith("export "):
            (said,) = shlex.split(line.removeprefix("export "))
            name, _, value = said.partition("=")
            monkeypatch.setenv(name, value)
    assert Home.default() == home


def test_another_state_folder_named_afterwards_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAQITI_DEMO", str(tmp_path / "demo"))
    monkeypatch.setenv("WAQITI_STATE_DIR", str(tmp_path / "other"))
    assert Home.default().root == tmp_path / "other" / "demo"
