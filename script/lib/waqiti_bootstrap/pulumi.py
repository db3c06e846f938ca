"""Pulumi: what is there, else the official download, else built from the Go module registry."""

import os
import shutil
import tempfile
from pathlib import Path

from . import commands, download, files, golang, versions
from .console import Console
from .errors import BootstrapError
from .places import Places
from .python_environment import clean_environment

CLI = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
VERSION_FLAG = "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v"
LANGUAGE_HOST = "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
SDK = "github.com/pulumi/pulumi/sdk/v3"
# Scripts that belong beside the CLI, as they are in the SDK's module.
HELPERS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
INSTALL = """
import sys
from pulumi.automation import PulumiCommand
PulumiCommand.install(root=sys.argv[1])
"""


def ensure(places: Places, console: Console) -> None:
    """Make `pulumi` and its Python helpers runnable with script/env's PATH."""
    wanted = versions.locked(places.lock, "pulumi")
    cached = places.pulumi_bin / "pulumi"
    if is_complete(places) and versions.is_wanted_pulumi(commands.answers([cached, "version"]) or "", wanted):
        return
    if found := on_path(wanted, places):
        files.remove(places.pulumi_bin)
        console.note(f"Pulumi: {found}")
        return
    if download.reachable(wanted):
        if _downloaded(wanted, places, console):
            return
    else:
        console.note(f"Pulumi {wanted}: its download site is not reached from here; building it instead")
    _built(wanted, places, console)


def is_complete(places: Places) -> bool:
    """Whether the cache has the CLI and what it needs to run a Python program."""
    needed = ["pulumi", "pulumi-language-python", *(Path(helper).name for helper in HELPERS)]
    return all((places.pulumi_bin / name).is_file() for name in needed)


def on_path(wanted: str, places: Places) -> Path | None:
    """A `pulumi` of the machine's own that is new enough, with its Python host beside it or on PATH."""
    folders = [f for f in os.environ.get("PATH", "").split(os.pathsep) if f and Path(f) != places.pulumi_bin]
    path = os.pathsep.join(folders)
    found = shutil.which("pulumi", path=path)
    if not found or not versions.is_wanted_pulumi(commands.answers([found, "version"]) or "", wanted):
        return None
    beside = os.pathsep.join([str(Path(found).resolve().parent), path])
    return Path(found) if shutil.which("pulumi-language-python", path=beside) else None


def _downloaded(wanted: str, places: Places, console: Console) -> bool:
    places.pulumi_bin.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            console.step(f"Pulumi {wanted}, the official download", "1 min"),
            tempfile.TemporaryDirectory(dir=places.pulumi_bin.parent) as root,
        ):
            commands.run(
                [places.python, "-c", INSTALL, root],
                "downloading Pulumi",
                places.cache / "logs" / "pulumi-download.log",
                env=clean_environment(),
            )
            _install_all(Path(root) / "bin", places)
            if not is_complete(places):
                raise BootstrapError(f"the download of Pulumi {wanted} lacks a part")
    except BootstrapError as error:
        console.note(f"{error}; building it instead")
        return False
    return True


def _install_all(folder: Path, places: Places) -> None:
    # The CLI last: it is what says that the others are there.
    for program in sorted(folder.iterdir(), key=lambda p: p.name == "pulumi"):
        files.install(program, places.pulumi_bin)


def _built(wanted: str, places: Places, console: Console) -> None:
    console.note("Built once, then kept in the cache: about 9 minutes on 2 cores for Pulumi and its plugins")
    go = golang.go_command(places, console)
    places.pulumi_bin.parent.mkdir(parents=True, exist_ok=True)
    with files.building(places.pulumi_bin.parent / "built") as folder:
        host = f"{VERSION_FLAG}{versions.LANGUAGE_HOST}"
        for program in (
            golang.Program("pulumi-language-python", "language-python", LANGUAGE_HOST, host, 0.5),
            golang.Program("pulumi", "cli", CLI, f"{VERSION_FLAG}{wanted}", 5),
        ):
            golang.build(program, folder, go, places, console)
        source = golang.module_folder(SDK, wanted, go, places)
        for helper in HELPERS:
            files.install(source / helper, folder)
        _install_all(folder, places)
    files.remove(places.pulumi_bin.parent / "built")
