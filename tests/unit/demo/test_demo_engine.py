"""A demo on containers: what it says where it cannot have an engine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from demo.environment import engine
from demo.environment.docker_host import answers
from demo.environment.home import Home
from demo.errors import DemoError

pytestmark = pytest.mark.unit


def test_who_is_not_root_is_told_so_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(DemoError, match="run it as root"):
        engine.bring_up(Home(tmp_path / "demo"), lambda _text: None, kept=False)
    assert not (tmp_path / "demo").exists()


def test_an_engine_that_is_not_there_does_not_answer(tmp_path: Path) -> None:
    assert not answers(f"unix://{tmp_path}/nobody.sock")
