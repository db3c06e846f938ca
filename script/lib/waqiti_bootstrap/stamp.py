"""A second bootstrap does nothing: a stamp tells that the first one ended well on the same ingredients."""

import hashlib
import os
from pathlib import Path

from . import actionlint, extensions, monitoring, plugins, pulumi, versions, wheels
from .places import Places


def ingredients(places: Places) -> str:
    """A digest of all that decides what is installed: lock files, Go modules, this code, where it goes."""
    digest = hashlib.sha256()
    for file in [places.lock, places.wheels_lock, *_sources(places)]:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    for text in (places.cache, places.pulumi_home, os.uname().machine):
        digest.update(f"{text}\0".encode())
    return digest.hexdigest()


def _sources(places: Places) -> list[Path]:
    modules = [p for p in places.toolchain.rglob("*") if p.suffix in {".mod", ".sum", ".go", ".patch"}]
    modules += extensions.folder(places).iterdir()
    return sorted([*modules, *Path(__file__).parent.glob("*.py")])


def file(places: Places) -> Path:
    """Where the stamp is: in the environment, so that it goes when the environment goes."""
    return places.venv / ".waqiti-bootstrap"


def is_done(places: Places, majors: list[int], for_tests: bool = False, monitored: bool = False) -> bool:
    """Whether the stamp is of these ingredients, and what they made is still there."""
    try:
        stamped = file(places).read_text()
    except OSError:
        return False
    made = [
        places.python,
        places.pgbouncer / "bin" / "pgbouncer",
        *(places.postgresql(major) / "bin" / "postgres" for major in majors),
        *(wheels.folder(wheels.POSTGRESQL[major], places) for major in majors),
        *(plugins.installed(plugin, places) for plugin in plugins.PLUGINS),
        *([actionlint.program(places)] if for_tests else []),
        *(monitoring.programs(places) if monitored else []),
    ]
    expected, _, pulumi_path = stamped.partition("\n")
    if expected != ingredients(places) or not all(os.access(path, os.X_OK) for path in made):
        return False
    return pulumi.is_complete(places) if not pulumi_path else os.access(pulumi_path, os.X_OK)


def leave(places: Places) -> None:
    """Write the stamp. Its second line is the machine's own pulumi, when that is the one in use."""
    wanted = versions.locked(places.lock, "pulumi")
    own = None if pulumi.is_complete(places) else pulumi.on_path(wanted, places)
    fresh = file(places).with_suffix(".new")
    fresh.write_text(f"{ingredients(places)}\n{own or ''}")
    fresh.replace(file(places))
