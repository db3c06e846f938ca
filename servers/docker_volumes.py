"""Mounts of a container, as the Docker Engine's API takes them. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def bound(folder: Path, *, read_only: bool) -> dict[str, Any]:
    """A file or folder of this machine, at the same path in the container."""
    return {"Type": "bind", "Source": str(folder), "Target": str(folder), "ReadOnly": read_only}


def mounted(volume: str, at: Path) -> dict[str, Any]:
    """A volume that is there."""
    return {"Type": "volume", "Source": volume, "Target": str(at)}
