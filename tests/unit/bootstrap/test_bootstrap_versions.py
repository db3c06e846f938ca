"""What bootstrap reads from the lock files, and that all that pins a version says the same."""

from pathlib import Path

import pytest
from waqiti_bootstrap import versions
from waqiti_bootstrap.errors import BootstrapError
from waqiti_bootstrap.places import ROOT

LOCK = ROOT / "requirements.lock"
CLI_MODULE = (ROOT / "toolchain/cli/go.mod").read_text()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("v3.259.0", (3, 259, 0)),
        ("postgres (PostgreSQL) 17.10", (17, 10)),
        ("command not found", ()),
    ],
)
def test_a_version_is_found_in_what_a_program_says(said: str, expected: tuple[int, ...]) -> None:
    assert versions.numbers(said) == expected


@pytest.mark.parametrize("said", ["v3.259.0", "v3.260.1", "v3.1000.0"])
def test_a_pulumi_of_the_same_major_version_and_no_older_is_used(said: str) -> None:
    assert versions.is_wanted_pulumi(said, "3.259.0")


@pytest.mark.parametrize("said", ["v3.258.9", "v3.99.0", "v4.0.0", "v2.300.0", ""])
def test_an_older_pulumi_or_one_of_another_major_version_is_not(said: str) -> None:
    assert not versions.is_wanted_pulumi(said, "3.259.0")


def test_a_requirement_is_taken_from_a_lock_with_its_hashes_alone(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    lock.write_text(
        "a==1 \\\n    --hash=sha256:01\nab==2 \\\n    --hash=sha256:02 \\\n    --hash=sha256:03\nb==4\n"
    )
    assert versions.requirement(lock, "ab") == [
        "ab==2 \\",
        "    --hash=sha256:02 \\",
        "    --hash=sha256:03",
    ]
    assert versions.locked(lock, "a") == "1"
    assert versions.locked(lock, "b") == "4"


def test_a_package_missing_from_the_lock_is_named(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    lock.write_text("a==1\n")
    with pytest.raises(BootstrapError, match=r"x\.lock: no nothing in it"):
        versions.locked(lock, "nothing")


def test_the_command_built_from_source_is_that_of_the_python_package() -> None:
    pulumi = versions.locked(LOCK, "pulumi")
    assert f"github.com/pulumi/pulumi/pkg/v3 v{pulumi}\n" in CLI_MODULE
    assert f"github.com/pulumi/pulumi/sdk/v3 v{pulumi} " in CLI_MODULE


def test_the_language_host_built_is_the_one_that_its_module_names() -> None:
    module = (ROOT / "toolchain/language-python/go.mod").read_text()
    assert f"github.com/pulumi/pulumi/sdk/v3 v{versions.LANGUAGE_HOST}\n" in module


@pytest.mark.parametrize("lock", [LOCK, ROOT / "toolchain/wheels.lock"])
def test_every_locked_package_has_a_hash_and_no_index_is_named(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    for line in text.splitlines():
        if "==" in line:
            package = line.split("==")[0]
            assert any("--hash=" in each for each in versions.requirement(lock, package)), package
