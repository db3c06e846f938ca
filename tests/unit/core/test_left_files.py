"""What a killed process left in the temporary folder is removed; what a live one uses there is not."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from core.sessions.left_files import own_prefix, remove_left

pytestmark = pytest.mark.unit


def test_files_and_folders_of_dead_processes_go_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead = subprocess.Popen(["true"])
    dead.wait()
    kept = tmp_path / "elsewhere"
    kept.mkdir()
    (kept / "file").touch()
    (tmp_path / f"kind-{dead.pid}-folder").mkdir()
    (tmp_path / f"kind-{dead.pid}-folder" / "dump").touch()
    (tmp_path / f"kind-{dead.pid}-file").touch()
    (tmp_path / f"kind-{dead.pid}-link").symlink_to(kept)
    others = {"kind-of-another", f"kind-{os.getppid()}-a", f"{own_prefix('kind-')}b", f"other-{dead.pid}-c"}
    for name in others:
        (tmp_path / name).touch()
    remove_left("kind-")
    assert {path.name for path in tmp_path.iterdir()} == {*others, "elsewhere"}
    assert (kept / "file").exists()
