"""PgBouncer: the machine's own, else Debian's package unpacked into the cache, which needs no root."""

import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

from . import commands, files
from .console import Console
from .errors import BootstrapError
from .places import Places, on_macos

WRAPPER = """#!/bin/sh
# PgBouncer as its package has it, with the libraries that this machine lacks.
here=$(cd "$(dirname "$0")/.." && pwd)
LD_LIBRARY_PATH={folders}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}
export LD_LIBRARY_PATH
exec "$here/usr/sbin/pgbouncer" "$@"
"""


def ensure(places: Places, console: Console) -> None:
    """Make <cache>/pgbouncer/bin/pgbouncer run."""
    program = places.pgbouncer / "bin" / "pgbouncer"
    if commands.answers([program, "--version"]) is not None:
        return
    if found := shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"):
        with files.building(places.pgbouncer) as folder:
            (folder / "bin").mkdir()
            (folder / "bin" / "pgbouncer").symlink_to(found)
        console.note(f"PgBouncer: {found}")
        return
    if on_macos():
        raise BootstrapError("PgBouncer is missing: brew install pgbouncer, then run this again")
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise BootstrapError(
            f"PgBouncer is missing and {platform.system()} has no apt-get to fetch it with: "
            "install pgbouncer with this system's package manager, then run this again"
        )
    with console.step("PgBouncer from this system's package archive", "15 s"):
        _from_archive(places, console)
    if commands.answers([program, "--version"]) is None:
        raise BootstrapError(f"{program} --version does not run; install the package pgbouncer as root")


def _from_archive(places: Places, console: Console) -> None:
    log = places.cache / "logs" / "pgbouncer.log"
    with files.building(places.pgbouncer) as folder:
        apt = _own_apt(folder / "apt")
        commands.run(
            ["apt-get", *apt, "-q", "update"],
            "reading the package archive's lists",
            log,
            each_line=console.progress,
            advice="Is this system's package archive reachable?",
        )
        packages = with_libraries("pgbouncer", lambda name: _control(name, apt, log), _is_installed)
        debs = folder / "debs"
        debs.mkdir()
        commands.run(["apt-get", *apt, "-q", "download", *packages], "fetching pgbouncer", log, cwd=debs)
        for package in sorted(debs.iterdir()):
            commands.run(["dpkg-deb", "-x", package, folder], f"unpacking {package.name}", log)
        files.remove(debs)
        files.remove(folder / "apt")
        wrapper = folder / "bin" / "pgbouncer"
        wrapper.parent.mkdir(exist_ok=True)
        wrapper.write_text(WRAPPER.format(folders=library_path(folder)))
        wrapper.chmod(0o755)


def _own_apt(folder: Path) -> list[str]:
    """Options that let anyone update and fetch: lists and downloads of our own, the machine's sources."""
    for part in ("state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    return [
        *("-o", f"Dir::State={folder}/state"),
        *("-o", "Dir::State::status=/var/lib/dpkg/status"),
        *("-o", f"Dir::Cache={folder}/cache"),
        *("-o", "APT::Sandbox::User="),
        *("-o", "Acquire::Languages=none"),
        *("-o", "APT::Update::Pre-Invoke::="),
        *("-o", "APT::Update::Post-Invoke::="),
    ]


def library_path(folder: Path) -> str:
    """The folders below `folder` with shared libraries in them, for the wrapper's LD_LIBRARY_PATH."""
    holding = {library.parent.relative_to(folder) for library in folder.glob("**/lib*.so.*")}
    return ":".join(f"$here/{parent}" for parent in sorted(holding))


def with_libraries(
    package: str, control: Callable[[str], str], installed: Callable[[str], bool]
) -> list[str]:
    """`package` and the shared libraries that it needs, and they need, which are not installed.

    `control` gives a package's control fields; a library is a package called lib*. Of alternatives
    (`a | b`) an installed one suffices, else it is the first.
    """
    wanted, looked_at = [package], 0
    while looked_at < len(wanted):
        for group in dependencies(control(wanted[looked_at])):
            libraries = [name for name in group if name.startswith("lib")]
            if libraries and not any(installed(name) or name in wanted for name in group):
                wanted.append(libraries[0])
        looked_at += 1
    return wanted


def dependencies(control: str) -> list[list[str]]:
    """The Depends field of a package's control fields: each a list of alternatives, without versions."""
    for line in control.splitlines():
        if line.startswith("Depends:"):
            groups = line.removeprefix("Depends:").split(",")
            return [[one.split("(")[0].split(":")[0].strip() for one in group.split("|")] for group in groups]
    return []


def _control(package: str, apt: list[str], log: Path) -> str:
    argv = ["apt-cache", *apt, "show", "--no-all-versions", package]
    return commands.run(argv, f"looking for {package}", log)


def _is_installed(package: str) -> bool:
    return (commands.answers(["dpkg-query", "-W", "-f", "${Status}", package]) or "").endswith(" installed")
