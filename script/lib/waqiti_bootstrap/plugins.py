"""Pulumi's provider plugins: downloaded by the CLI itself, else built and handed to it."""

import tempfile
from pathlib import Path

from . import commands, download, golang, versions
from .console import Console
from .errors import BootstrapError
from .places import Places

# Plugin -> its package in the lock, typical minutes, build tags.
PLUGINS = {"postgresql": (1.5, ""), "docker": (2.0, "no_compose")}


def installed(plugin: str, places: Places) -> Path:
    """The program of `plugin` where the engine looks, whether it is there or not."""
    version = versions.locked(places.lock, f"pulumi-{plugin}")
    folder = places.pulumi_home / "plugins" / f"resource-{plugin}-v{version}"
    return folder / f"pulumi-resource-{plugin}"


def ensure(places: Places, console: Console) -> None:
    """Install the plugins that are missing. The Kubernetes one is not in the Go module registry: it comes
    by itself where the vendor's site is reached."""
    cli = versions.locked(places.lock, "pulumi")
    for plugin, (minutes, tags) in PLUGINS.items():
        if installed(plugin, places).is_file():
            continue
        if download.reachable(cli) and _downloaded(plugin, places, console):
            continue
        _built(plugin, minutes, tags, places, console)


def _install(plugin: str, arguments: list[str], places: Places) -> None:
    version = versions.locked(places.lock, f"pulumi-{plugin}")
    commands.run(
        ["pulumi", "plugin", "install", "resource", plugin, version, *arguments],
        f"installing the {plugin} plugin",
        places.cache / "logs" / f"plugin-{plugin}.log",
        env=places.environment(),
    )
    if not installed(plugin, places).is_file():
        raise BootstrapError(f"pulumi plugin install {plugin} left nothing at {installed(plugin, places)}")


def _downloaded(plugin: str, places: Places, console: Console) -> bool:
    try:
        with console.step(f"Pulumi's {plugin} plugin, the official download", "20 s"):
            _install(plugin, [], places)
    except BootstrapError as error:
        console.note(f"{error}; building it instead")
        return False
    return True


def _built(plugin: str, minutes: float, tags: str, places: Places, console: Console) -> None:
    version = versions.locked(places.lock, f"pulumi-{plugin}")
    name = f"pulumi-resource-{plugin}"
    flag = f"-X main.version={version}"
    program = golang.Program(name, "plugins", f"./cmd/{name}", flag, minutes, tags)
    go = golang.go_command(places, console)
    places.pulumi_home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=places.pulumi_home.parent) as folder:
        built = golang.build(program, Path(folder), go, places, console)
        _install(plugin, ["--file", str(built)], places)
