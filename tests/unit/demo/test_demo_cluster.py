"""A demo on Kubernetes: what it says where there is no cluster that it could be on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from demo.environment import cluster
from demo.environment.home import Home, Options
from demo.errors import DemoError

pytestmark = pytest.mark.unit


def bring_up(folder: Path, options: Options) -> None:
    home = Home(folder / "demo")
    try:
        cluster.bring_up(home, options, lambda _text: None, kept=False)
    finally:
        assert not home.root.exists()


def test_who_is_not_root_is_told_so_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(DemoError, match="run it as root, or name a --context"):
        bring_up(tmp_path, Options(platform="kubernetes"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "FileNotFoundError"),
        ("config: {}", "KeyError"),
        ("just words", "TypeError"),
        ("config: {'waqiti:kubernetes': {}, 'waqiti:source': {address: 192.0.2.7}}", "no address of this"),
    ],
)
def test_a_file_that_does_not_say_what_the_cluster_is_like_is_named(
    tmp_path: Path, text: str | None, said: str
) -> None:
    file = tmp_path / "Pulumi.theirs.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(DemoError, match=said) as raised:
        bring_up(tmp_path, Options(platform="kubernetes", context="theirs", settings=str(file)))
    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value)
