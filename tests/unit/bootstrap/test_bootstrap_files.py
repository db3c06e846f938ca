"""Changes that bootstrap makes on disk are there whole or not at all."""

import stat
import zipfile
from pathlib import Path

import pytest
from waqiti_bootstrap import files, wheels


def test_a_folder_takes_its_place_only_when_it_is_complete(tmp_path: Path) -> None:
    final = tmp_path / "tool"
    with files.building(final) as folder:
        (folder / "old").touch()

    def fail_half_way() -> None:
        with files.building(final) as folder:
            (folder / "half").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert [p.name for p in tmp_path.iterdir()] == ["tool"], "nothing half-made is left"
    assert [p.name for p in final.iterdir()] == ["old"]


def test_what_a_killed_bootstrap_left_is_replaced(tmp_path: Path) -> None:
    left = tmp_path / ".tool.new"
    left.mkdir()
    (left / "half").touch()
    with files.building(tmp_path / "tool") as folder:
        (folder / "whole").touch()
    assert [p.name for p in (tmp_path / "tool").iterdir()] == ["whole"]


def test_other_users_can_read_what_was_built_whatever_the_umask(tmp_path: Path) -> None:
    with files.building(tmp_path / "tool") as folder:
        program = folder / "bin" / "program"
        program.parent.mkdir(mode=0o700)
        program.touch(mode=0o700)
        (folder / "data").touch(mode=0o600)
    final = tmp_path / "tool"
    assert stat.S_IMODE((final / "bin").stat().st_mode) == 0o755
    assert stat.S_IMODE((final / "bin" / "program").stat().st_mode) == 0o755
    assert stat.S_IMODE((final / "data").stat().st_mode) == 0o644


def test_a_link_replaces_a_link_and_a_folder(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    current = tmp_path / "current"
    current.mkdir()
    files.link(current, tmp_path / "one")
    files.link(current, tmp_path / "two")
    assert current.readlink() == Path("two")


def test_read_only_folders_are_removed_too(tmp_path: Path) -> None:
    locked = tmp_path / "modules" / "m@v1"
    locked.mkdir(parents=True)
    (locked / "go.mod").touch()
    locked.chmod(0o555)
    files.remove(tmp_path / "modules")
    assert not (tmp_path / "modules").exists()


def test_a_program_can_be_replaced(tmp_path: Path) -> None:
    source = tmp_path / "source" / "tool"
    source.parent.mkdir()
    source.write_text("new")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tool").write_text("old")
    files.install(source, tmp_path / "bin")
    assert (tmp_path / "bin" / "tool").read_text() == "new"
    assert (tmp_path / "bin" / "tool").stat().st_mode & 0o111


def test_a_wheel_is_unpacked_with_its_programs_executable(tmp_path: Path) -> None:
    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, mode in (("x/bin/run", 0o755), ("x/data", 0o644)):
            member = zipfile.ZipInfo(name)
            member.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(member, "")
    wheels.unpack(wheel, tmp_path / "out")
    assert (tmp_path / "out/x/bin/run").stat().st_mode & 0o111
    assert not (tmp_path / "out/x/data").stat().st_mode & 0o111
