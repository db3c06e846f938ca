"""Prometheus and the exporter of PostgreSQL's figures, for stacks that are monitored: none of it needs root.

Prometheus is Debian's package, unpacked: nothing is installed and no service starts. The exporter is built
from the Go module registry: Debian 12's is too old for PostgreSQL 17 (docs/decisions/0130-exporters.md).
"""

import shutil
import tempfile
from pathlib import Path

from . import commands, files, golang
from .apt import own_apt
from .console import Console
from .errors import BootstrapError
from .places import Places

EXPORTER = "postgres_exporter"
PACKAGE = "github.com/prometheus-community/postgres_exporter/cmd/postgres_exporter"
PROMETHEUS = ("prometheus", "promtool")


def programs(places: Places) -> list[Path]:
    """Where they are, whether they are there or not."""
    return [places.cache / "monitoring" / name for name in (EXPORTER, *PROMETHEUS)]


def ensure(places: Places, console: Console) -> None:
    """Build and fetch what is missing of them."""
    exporter, prometheus, promtool = programs(places)
    if not exporter.is_file():
        built = golang.Program(EXPORTER, "postgres-exporter", PACKAGE, "", 1.0)
        go = golang.go_command(places, console)
        with tempfile.TemporaryDirectory(dir=places.cache) as folder:
            files.install(golang.build(built, Path(folder), go, places, console), exporter.parent)
    if not (prometheus.is_file() and promtool.is_file()):
        with console.step("Prometheus from this system's package archive", "20 s"):
            _prometheus(prometheus.parent, places)


def _prometheus(folder: Path, places: Places) -> None:
    """The machine's own, else Debian's package unpacked."""
    own = {name: shutil.which(name) for name in PROMETHEUS}
    if all(own.values()):
        for name, found in own.items():
            files.link(folder / name, Path(str(found)))
        return
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise BootstrapError(
            "Prometheus is missing and there is no apt-get to fetch it with: install prometheus and promtool "
            "with this system's package manager, or set the stack's monitoring.prometheus to false"
        )
    log = places.cache / "logs" / "prometheus.log"
    with tempfile.TemporaryDirectory(dir=places.cache) as work:
        apt = own_apt(Path(work) / "apt")
        advice = "Is Debian's package archive reachable?"
        commands.run(
            ["apt-get", *apt, "-q", "update"], "reading the package archive's lists", log, advice=advice
        )
        fetch = ["apt-get", *apt, "-q", "download", "prometheus"]
        commands.run(fetch, "fetching Prometheus", log, cwd=Path(work), advice=advice)
        for package in Path(work).glob("*.deb"):
            commands.run(["dpkg-deb", "-x", package, Path(work) / "root"], f"unpacking {package.name}", log)
        for name in PROMETHEUS:
            files.install(Path(work) / "root/usr/bin" / name, folder)
