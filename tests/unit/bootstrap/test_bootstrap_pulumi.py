"""Pulumi is taken where it is, else downloaded, and built only when neither can be."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from waqiti_bootstrap import commands, download, pulumi, versions
from waqiti_bootstrap.console import Console
from waqiti_bootstrap.errors import BootstrapError
from waqiti_bootstrap.places import ROOT, Places

WANTED = versions.locked(ROOT / "requirements.lock", "pulumi")
NAMES = ("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return Places(ROOT, tmp_path / "cache")


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The versions that were built, in order; nothing is."""
    asked: list[str] = []
    monkeypatch.setattr(pulumi, "_built", lambda wanted, *_: asked.append(wanted))
    return asked


def installing(names: tuple[str, ...]) -> Callable[..., str]:
    """Stands in for the official installer: leaves `names` in bin/ of the folder it is given."""

    def run(argv: list[str], *_: Any, **__: Any) -> str:
        folder = Path(argv[-1]) / "bin"
        folder.mkdir()
        for name in names:
            (folder / name).touch()
        return ""

    return run


def test_nothing_is_built_when_the_download_works(
    here: Places, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "reachable", lambda _: True)
    monkeypatch.setattr(commands, "run", installing(NAMES))
    pulumi.ensure(here, Console())
    assert pulumi.is_complete(here)
    assert built == []
    assert [p.name for p in here.pulumi_bin.parent.iterdir()] == ["bin"], "the download leaves nothing else"


def test_a_download_that_fails_half_way_is_followed_by_a_build(
    here: Places, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise BootstrapError("downloading Pulumi failed: 403")

    monkeypatch.setattr(download, "reachable", lambda _: True)
    monkeypatch.setattr(commands, "run", fail)
    pulumi.ensure(here, Console())
    assert built == [WANTED]


def test_a_download_without_the_helpers_is_followed_by_a_build(
    here: Places, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "reachable", lambda _: True)
    monkeypatch.setattr(commands, "run", installing(("pulumi",)))
    pulumi.ensure(here, Console())
    assert built == [WANTED]


def test_without_the_download_site_it_is_built(
    here: Places, built: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(download, "reachable", lambda _: False)
    pulumi.ensure(here, Console())
    assert built == [WANTED]
    assert "download site is not reached from here; building it instead" in capsys.readouterr().err
