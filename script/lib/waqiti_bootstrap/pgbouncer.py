"""PgBouncer: built from source with our patches, else the machine's own if it is new enough, else Debian's
package unpacked into the cache. None of it needs root."""

import os
import platform
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from . import commands, files, pgbouncer_build
from .apt import own_apt
from .console import Console
from .errors import BootstrapError
from .places import Places, on_macos

OLDEST = (1, 22)
"""The first with prepared statements in transaction pooling that outlive DEALLOCATE ALL."""

_WITHOUT = "an older one it is, with which drivers must not prepare statements (docs/applications.md)"

WRAPPER = """#!/bin/sh
# PgBouncer as its package has it, with the libraries that this machine lacks.
here=$(cd "$(dirname "$0")/.." && pwd)
LD_LIBRARY_PATH={folders}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}
export LD_LIBRARY_PATH
exec "$here/usr/sbin/pgbouncer" "$@"
"""


def ensure(places: Places, console: Console, *, for_tests: bool = False) -> None:
    """Make <cache>/pgbouncer/bin/pgbouncer run, of OLDEST or newer where that can be had; with `for_tests`
    also the older one of this system's archive, in <cache>/pgbouncer-archive."""
    if for_tests and _archive_has_old_ones() and _version(_program(places.pgbouncer_archive)) is None:
        with console.step("the older PgBouncer that tests use, from this system's package archive", "15 s"):
            _from_archive(places.pgbouncer_archive, places, console)
    there, found = _version(_program(places.pgbouncer)), _on_machine()
    if there is not None and (pgbouncer_build.is_patched(places) or _cannot_be_newer(console)):
        return
    # Before the machine's own: that one may crash at a RELOAD (toolchain/README.md).
    if not pgbouncer_build.what_is_missing():
        try:
            with console.step("PgBouncer from the next Debian's source", "1 min"):
                pgbouncer_build.build(places, console)
            return
        except BootstrapError as error:
            console.note(f"PgBouncer: {error}")
    if there is not None and there >= OLDEST:
        return
    if found and _new_enough(found):
        with files.building(places.pgbouncer) as folder:
            (folder / "bin").mkdir()
            (folder / "bin" / "pgbouncer").symlink_to(found)
        console.note(f"PgBouncer: {found}")
        return
    if on_macos():
        raise BootstrapError("PgBouncer is missing: brew install pgbouncer, then run this again")
    _cannot_be_newer(console)
    if there is None:
        _older(places, console, found)


def _older(places: Places, console: Console, found: str | None) -> None:
    if found:
        with files.building(places.pgbouncer) as folder:
            (folder / "bin").mkdir()
            (folder / "bin" / "pgbouncer").symlink_to(found)
        console.note(f"PgBouncer: {found}")
        return
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise BootstrapError(
            f"PgBouncer is missing and {platform.system()} has no apt-get to fetch it with: "
            "install pgbouncer with this system's package manager, then run this again"
        )
    with console.step("PgBouncer from this system's package archive", "15 s"):
        _from_archive(places.pgbouncer, places, console)
    program = _program(places.pgbouncer)
    if _version(program) is None:
        raise BootstrapError(f"{program} --version does not run; install the package pgbouncer as root")


def _program(folder: Path) -> Path:
    return folder / "bin" / "pgbouncer"


def _version(program: Path | str) -> tuple[int, ...] | None:
    said = re.match(r"PgBouncer (\d+)\.(\d+)", commands.answers([program, "--version"]) or "")
    return tuple(map(int, said.groups())) if said else None


def _new_enough(program: Path | str) -> bool:
    version = _version(program)
    return version is not None and version >= OLDEST


def _on_machine() -> str | None:
    return shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def _cannot_be_newer(console: Console) -> bool:
    reason = pgbouncer_build.what_is_missing()
    if reason:
        console.note(f"PgBouncer {'.'.join(map(str, OLDEST))} cannot be built here: {reason}; {_WITHOUT}")
    return bool(reason)


def _archive_has_old_ones() -> bool:
    return bool(shutil.which("apt-get") and shutil.which("dpkg-deb")) and not on_macos()


def _from_archive(final: Path, places: Places, console: Console) -> None:
    log = places.cache / "logs" / "pgbouncer.log"
    with files.building(final) as folder:
        apt = own_apt(folder / "apt")
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
