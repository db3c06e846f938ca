"""The decisions of bootstrap that need no network."""

import io
import os
import time
from pathlib import Path

import pytest
from waqiti_bootstrap import (
    commands,
    download,
    extensions,
    golang,
    pgbouncer,
    places,
    plugins,
    pulumi,
    stamp,
    versions,
)
from waqiti_bootstrap.console import Console, duration
from waqiti_bootstrap.errors import BootstrapError
from waqiti_bootstrap.places import ROOT, Places


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    return Places(ROOT, tmp_path / "cache")


def fake(program: Path, says: str) -> Path:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    return program


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WAQITI_CACHE_DIR", str(tmp_path))
    assert places.cache_dir() == tmp_path
    monkeypatch.delenv("WAQITI_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert places.cache_dir() == Path("/x/waqiti")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert places.cache_dir() == Path("/var/cache/waqiti")


def test_a_folder_that_others_cannot_enter_is_found(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "cache").mkdir(parents=True)
    closed.chmod(0o700)
    assert closed in places.unreadable_parents(closed / "cache")


def test_missing_libraries_are_fetched_with_those_that_they_need() -> None:
    archive = {
        "pgbouncer": "Depends: lsb-base, libevent-2.1-7 (>= 2.1), libc-ares2, libsystemd0 | libelogind0",
        "libevent-2.1-7": "Package: x\nDepends: libc6 (>= 2.36), libmore:any",
        "libc-ares2": "",
        "libmore": "Depends: libevent-2.1-7",
    }
    installed = {"libc6", "libelogind0"}
    wanted = pgbouncer.with_libraries("pgbouncer", archive.__getitem__, installed.__contains__)
    assert wanted == ["pgbouncer", "libevent-2.1-7", "libc-ares2", "libmore"]


def test_the_libraries_folders_are_named_for_the_wrapper(tmp_path: Path) -> None:
    for name in ("usr/lib/x/libevent.so.7", "lib/x/libcap.so.2", "usr/share/doc/readme"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert pgbouncer.library_path(tmp_path) == "$here/lib/x:$here/usr/lib/x"


def test_the_line_that_names_the_fault_is_shown() -> None:
    said = ["Collecting x\n", "ERROR: no matching distribution\n", "hint: try later\n", "\n"]
    assert commands.telling_line(said) == "ERROR: no matching distribution"
    assert commands.telling_line(["first\n", "last\n"]) == "last"
    assert commands.telling_line([]) == ""


def test_a_command_that_fails_says_what_where_and_what_next(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "x.log"
    with pytest.raises(BootstrapError) as caught:
        commands.run(["sh", "-c", "echo Error: no; exit 3"], "making it", log, advice="Try again.")
    assert str(caught.value) == f"making it failed: Error: no (all of it: {log}). Try again."
    assert log.read_text() == "Error: no\n"


def test_a_program_that_is_missing_or_fails_answers_nothing(tmp_path: Path) -> None:
    assert commands.answers([tmp_path / "no"]) is None
    assert commands.answers(["false"]) is None
    assert commands.answers(["echo", "yes"]) == "yes"


def test_a_pulumi_on_the_path_is_used_if_new_enough_and_with_its_host(
    here: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = fake(tmp_path / "bin" / "pulumi", "v3.300.0")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert pulumi.on_path("3.259.0", here) is None, "without its Python host it cannot run the program"
    fake(tmp_path / "bin" / "pulumi-language-python", "")
    assert pulumi.on_path("3.259.0", here) == found
    assert pulumi.on_path("3.301.0", here) is None


def test_a_pulumi_in_the_cache_counts_only_with_its_helpers(here: Places) -> None:
    fake(here.pulumi_bin / "pulumi", "v3.259.0")
    assert not pulumi.is_complete(here)
    for helper in ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"):
        fake(here.pulumi_bin / helper, "")
    assert pulumi.is_complete(here)


@pytest.mark.parametrize(
    ("system", "machine", "ending"),
    [
        ("Linux", "x86_64", "-linux-x64.tar.gz"),
        ("Linux", "aarch64", "-linux-arm64.tar.gz"),
        ("Darwin", "arm64", "-darwin-arm64.tar.gz"),
    ],
)
def test_the_download_is_that_of_this_machine(
    system: str, machine: str, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert download.address("3.259.0").endswith(f"/pulumi-v3.259.0{ending}")


def test_a_machine_that_pulumi_does_not_support_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "FreeBSD")
    with pytest.raises(BootstrapError, match=r"FreeBSD on .* is not supported"):
        download.address("3.259.0")


def test_go_is_used_from_1_26_on() -> None:
    assert golang.is_recent("go version go1.26.0 linux/amd64")
    assert golang.is_recent("go version go1.30 darwin/arm64")
    assert not golang.is_recent("go version go1.25.9 linux/amd64")
    assert not golang.is_recent("")


def test_go_builds_in_the_cache_and_fetches_no_other_go(
    here: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOMODCACHE", "GOCACHE", "GOPATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOTOOLCHAIN", "auto")
    env = golang.environment(here)
    assert env["GOTOOLCHAIN"] == "local"
    for name in ("GOMODCACHE", "GOCACHE", "GOPATH"):
        assert Path(env[name]).is_relative_to(here.cache), name


def test_plugins_are_where_the_engine_looks_for_the_locked_versions(here: Places) -> None:
    version = versions.locked(here.lock, "pulumi-postgresql")
    program = plugins.installed("postgresql", here).relative_to(here.pulumi_home)
    assert program == Path(f"plugins/resource-postgresql-v{version}/pulumi-resource-postgresql")


def test_what_is_installed_depends_on_where_it_goes(here: Places, tmp_path: Path) -> None:
    assert stamp.ingredients(here) == stamp.ingredients(here)
    assert stamp.ingredients(here) != stamp.ingredients(Places(ROOT, tmp_path / "other"))


def test_without_a_stamp_nothing_counts_as_done(here: Places, tmp_path: Path) -> None:
    assert not stamp.is_done(Places(tmp_path, here.cache), [17])


def test_off_a_terminal_progress_is_plain_lines() -> None:
    stream = io.StringIO()
    console = Console(stream, interval=0.01)
    with console.step("building", "5 min"):
        console.progress("half way")
        time.sleep(0.1)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "building (5 min) ..."
    assert "  0.0 s: half way" in lines
    assert lines[-1].startswith("building: done in 0.")
    assert "\x1b" not in stream.getvalue()


def test_a_step_that_fails_is_not_reported_as_done() -> None:
    stream = io.StringIO()
    with pytest.raises(BootstrapError), Console(stream).step("building"):
        raise BootstrapError("no")
    assert "done" not in stream.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(0.04, "0.0 s"), (52.2, "52 s"), (185, "3 min 05 s")])
def test_durations_read_as_a_person_says_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_our_extension_is_added_renewed_and_never_over_a_builds_own(tmp_path: Path) -> None:
    here = Places(tmp_path / "root", tmp_path / "cache")
    made = extensions.folder(here)
    made.mkdir(parents=True)
    for name in ("one", "two"):
        (made / f"{name}.control").write_text(f"# {name} {extensions.OURS}\n")
        (made / f"{name}--1.sql").write_text("new")
    there = tmp_path / "programs" / "share" / "extension"
    there.mkdir(parents=True)
    (there / "one.control").write_text("# theirs\n")
    (there / "two.control").write_text(f"# two, older, {extensions.OURS}\n")
    (there / "two--1.sql").write_text("old")
    assert extensions.add(tmp_path / "programs", here) == ["two"]
    assert sorted(file.name for file in there.iterdir()) == ["one.control", "two--1.sql", "two.control"]
    assert (there / "two--1.sql").read_text() == "new"


def test_the_control_files_of_the_checkout_say_that_they_are_ours() -> None:
    controls = list(extensions.folder(Places(ROOT, ROOT)).glob("*.control"))
    assert controls
    assert all(extensions.OURS in control.read_text() for control in controls)
