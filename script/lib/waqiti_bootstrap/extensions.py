"""Extensions that a PostgreSQL of the Python package index comes without: SQL of our own, put into it."""

import os
from pathlib import Path

from .places import Places

OURS = "in SQL, for builds that come without it"
"""What the first line of each control file of ours says: one of the build's own is left alone."""


def folder(places: Places) -> Path:
    """Where they are in the checkout."""
    return places.toolchain / "extensions"


def add(programs: Path, places: Places) -> list[str]:
    """Put those that the PostgreSQL in `programs` lacks into its folder; returns the names of what is there
    because of that."""
    there = programs / "share" / "extension"
    added = []
    for control in sorted(folder(places).glob("*.control")):
        installed = there / control.name
        if installed.exists() and OURS not in installed.read_text():
            continue
        # The control file last: with it the extension is one.
        for file in [*sorted(control.parent.glob(f"{control.stem}--*.sql")), control]:
            _put(file, there / file.name)
        added.append(control.stem)
    return added


def _put(source: Path, target: Path) -> None:
    content = source.read_bytes()
    if target.exists() and target.read_bytes() == content:
        return
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    fresh.write_bytes(content)
    fresh.chmod(0o644)
    fresh.replace(target)
