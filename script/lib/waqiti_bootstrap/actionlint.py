"""actionlint, which checks the workflows in a test: built from the Go module registry, once."""

import tempfile
from pathlib import Path

from . import files, golang
from .console import Console
from .places import Places

PACKAGE = "github.com/rhysd/actionlint/cmd/actionlint"


def program(places: Places) -> Path:
    """Where it is, whether it is there or not."""
    return places.cache / "actionlint" / "actionlint"


def ensure(places: Places, console: Console) -> None:
    """Build it, unless it is there."""
    if program(places).is_file():
        return
    built = golang.Program("actionlint", "actionlint", PACKAGE, "", 0.5)
    go = golang.go_command(places, console)
    places.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=places.cache) as folder:
        files.install(golang.build(built, Path(folder), go, places, console), program(places).parent)
