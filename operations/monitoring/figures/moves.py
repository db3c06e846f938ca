"""A service's move, from the file that `migration` leaves beside its journal (`moves` of the control).

The file's shape: `migration.journal.mirror`.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from operations.monitoring.figures.gauges import Families


def read_move(moves: str, name: str) -> dict[str, Any]:
    """What a service's move is at; empty where none was begun."""
    with suppress(OSError, ValueError):
        found = json.loads((Path(moves) / f"{name}.json").read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def add(families: Families, name: str, moves: str) -> None:
    """Its figures; none before a move began."""
    move = read_move(moves, name)
    if not move:
        return
    now, state = time.time(), str(move.get("state", ""))
    labels = {"service": name}
    if move.get("orphans") is not None:
        families.gauge(
            "waqiti_orphans",
            "Rows that refer to what is not there, when last checked",
            move["orphans"],
            labels,
        )
    if state:
        families.gauge(
            "waqiti_move_state", "1 for the state that its move is in", 1, {**labels, "state": state}
        )
    step = move.get("step")
    if step:
        families.gauge(
            "waqiti_move_step_seconds",
            "For how long the step is under way",
            now - float(step["began"]),
            {**labels, "step": step["name"], "switching": "yes" if step["switching"] else "no"},
        )
    if move.get("rows") is not None:
        families.gauge("waqiti_move_rows", "Rows that were copied", move["rows"], labels)
    if move.get("pause_seconds") is not None:
        families.gauge(
            "waqiti_move_pause_seconds",
            "How long clients waited in its last switch",
            move["pause_seconds"],
            labels,
        )
    verified = move.get("verified")
    if verified:
        families.gauge(
            "waqiti_move_verified_equal", "Whether both sides were equal", verified["equal"], labels
        )
        families.gauge(
            "waqiti_move_verified_age_seconds",
            "Since both sides were compared",
            now - float(verified["at"]),
            {**labels, "state": state},
        )
    for stage, no_gos in (move.get("gates") or {}).items():
        families.gauge(
            "waqiti_move_no_gos",
            "Gates that said no when last asked",
            len(no_gos),
            {**labels, "stage": stage},
        )
