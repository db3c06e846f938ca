"""A restore point that is made by itself, and what goes of those that were made before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from components.contract import Contract
from core.gateway.together import Gateways
from core.points.create import Wanted, create_point
from core.points.model import SHARED, Point
from core.points.places import homes
from core.points.store import PointStore
from operations.backup.scheduled_points import SCHEDULE

REASON = "scheduled"
BEFORE = "before the "
"""How the reason of one begins that was made before a switch."""


def make_scheduled(archives: Path, store: PointStore | None = None) -> Point | None:
    """Make one of all services that have moved, and forget the old ones; None: none has moved.

    Raises OSError, ValueError for a schedule that cannot be read, and what `create_point` does.
    """
    said = json.loads((archives / SCHEDULE).read_text(encoding="utf-8"))
    contract = Contract.model_validate(said["contract"])
    kept = store or PointStore(contract)
    now = datetime.now(UTC)
    with Gateways(list(contract.services.values())) as gateways:
        where = homes(contract, gateways.routes())
    left_out = tuple(name for name, place in where.items() if place == SHARED)
    made = None
    if len(left_out) < len(where):
        name = f"{REASON}-{now:%Y%m%dt%H%M%S}"
        made = create_point(contract, Wanted(name, REASON, left_out, digests=said["digests"]), kept)
    for old in obsolete(kept.list(), now, timedelta(seconds=said["keep"])):
        kept.release(old.name)
    return made


def obsolete(points: Sequence[Point], now: datetime, keep: timedelta) -> list[Point]:
    """Those that are not listed any more: made by themselves or before a switch, and older than `keep`.

    The newest of all stays. One that a person made stays until the person removes it. No name comes back: all
    of theirs have the time in them.
    """
    mine = [one for one in points if one.reason == REASON or one.reason.startswith(BEFORE)]
    return [one for one in mine if one.begun + keep < now and one is not points[-1]]
