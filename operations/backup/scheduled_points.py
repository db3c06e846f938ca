"""When a restore point of all databases is due: any of the supervisors makes it, one of them at a time.

Standard library alone.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from servers import osuser

SCHEDULE = "points.json"
"""In the folder of all archives: what `components.backup.points` writes."""
STATE = "points-state.json"
"""In the folder of all archives: when one was made last, and tried."""
AGAIN_AFTER = 600.0


def due(archives: Path, now: float) -> bool:
    """Whether one is due now; the first, one interval after the schedule was declared."""
    try:
        declared = archives / SCHEDULE
        every = float(json.loads(declared.read_text(encoding="utf-8"))["every"])
        since = declared.stat().st_mtime
    except (OSError, ValueError, KeyError, TypeError):
        return False
    made, tried = _state(archives)
    return (made or since) + every <= now and not 0 <= now - tried < AGAIN_AFTER


def note(archives: Path, now: float, *, made: bool) -> None:
    """Keep that one was tried, or made. Raises OSError."""
    before, _ = _state(archives)
    text = json.dumps({"made": now if made else before, "tried": now}) + "\n"
    osuser.write_private(archives / STATE, text, ours=True)


def _state(archives: Path) -> tuple[float, float]:
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads((archives / STATE).read_text(encoding="utf-8"))
        return float(said["made"]), float(said["tried"])
    return 0.0, float("-inf")
