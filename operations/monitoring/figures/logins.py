"""How long ago a service's logins were changed, from the file that `rotate` leaves beside what watches.

Before its first rotation they are as old as its instance.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

from components.contract import Contract
from operations.monitoring.disks import Disk
from operations.monitoring.figures.gauges import Families
from servers.paths import make_passable

_SUFFIX = ".rotated.json"


def keep_rotated(contract: Contract, service: str, at: float) -> None:
    """Note that a service's logins were changed at `at` (seconds since 1970), for who watches."""
    if contract.monitoring is None:
        return
    file = Path(contract.monitoring.moves) / f"{service}{_SUFFIX}"
    make_passable(file.parent)
    fresh = file.with_name(f".{file.name}")
    fresh.write_text(json.dumps({"at": at}) + "\n", encoding="utf-8")
    fresh.chmod(0o644)
    fresh.replace(file)


def add(families: Families, name: str, disk: Disk | None, moves: str) -> None:
    """Its figure; none where neither is known."""
    changed = _rotated(Path(moves) / f"{name}{_SUFFIX}") or (disk and disk["made"])
    if changed is not None:
        families.gauge(
            "waqiti_rotation_age_seconds",
            "Since its logins were changed",
            time.time() - changed,
            {"service": name},
        )


def _rotated(file: Path) -> float | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        return float(json.loads(file.read_text(encoding="utf-8"))["at"])
    return None
