"""Which scheduled task is due now. Pure. Standard library alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from operations.backup.catalogue import Backup, whole
from operations.backup.state import TaskState

Task = Literal["wal", "full", "incremental", "retention", "dump", "check", "proof", "points"]

AGAIN_AFTER = 300.0
"""Seconds before a task that failed is tried again; doubled with each failure, up to a day."""
CHECK_EVERY = 900.0
RETENTION_EVERY = 3600.0
SEGMENTS, SEGMENT_SECONDS = 8, 300.0
"""Whole segments are compressed so many at a time, or when one has waited so long: restores read both."""
BEHIND_SECONDS = 60.0
"""A clock that much behind the newest backup has been set back: no backup is taken by it."""


def due(
    policy: Mapping[str, Any],
    found: Sequence[Backup],
    tasks: Mapping[str, TaskState],
    *,
    now: float,
    waiting: Sequence[float] = (),
) -> Task | None:
    """The task to run now; None: nothing is due. `waiting`: since when whole segments wait to be archived.

    What was never done counts from the first backup: a new archive has nothing to prove yet.
    """
    usable = whole(found)
    newest = usable[-1] if usable else None
    fulls = [one for one in usable if one.kind == "full"]
    if (len(waiting) >= SEGMENTS or any(at + SEGMENT_SECONDS <= now for at in waiting)) and _may(
        tasks, "wal", now, least=0.0
    ):
        return "wal"
    behind = any(one.end is not None and one.end.timestamp() > now + BEHIND_SECONDS for one in usable)
    inside = _inside(policy["window"], now)
    if not behind and (inside or newest is None):
        if _old(fulls[-1] if fulls else None, policy["full_every"], now) and _may(tasks, "full", now):
            return "full"
        if (
            policy["incremental_every"]
            and fulls
            and _old(newest, policy["incremental_every"], now)
            and _may(tasks, "incremental", now)
        ):
            return "incremental"
    if newest is None:
        return None
    first = min((one.end.timestamp() for one in usable if one.end is not None), default=now)
    rest: tuple[tuple[Task, float | None], ...] = (
        ("check", CHECK_EVERY),
        ("retention", RETENTION_EVERY),
        ("dump", policy["dump_every"]),
        ("proof", policy["proof_every"]),
    )
    for task, every in rest:
        if task in ("dump", "proof") and not inside:
            continue
        if task == "proof" and policy.get("encryption_key"):
            continue  # who fills the archive has no private key
        if every and (_last(tasks, task) or first) + every <= now and _may(tasks, task, now):
            return task
    return None


def _old(newest: Backup | None, every: float, now: float) -> bool:
    return newest is None or newest.begin is None or newest.begin.timestamp() + every <= now


def _last(tasks: Mapping[str, TaskState], task: str) -> float:
    return tasks.get(task, TaskState()).done or 0.0


def _may(tasks: Mapping[str, TaskState], task: str, now: float, least: float = AGAIN_AFTER) -> bool:
    """Whether a task that failed has waited long enough."""
    state = tasks.get(task, TaskState())
    if not state.failures or state.ended is None:
        return True
    wait = min(max(least, 5.0) * 2.0 ** min(state.failures - 1, 20), 86_400.0)
    return not 0 <= now - state.ended < wait


def _inside(window: Sequence[int] | None, now: float) -> bool:
    if window is None:
        return True
    at = datetime.fromtimestamp(now, UTC)
    minute, (begin, end) = at.hour * 60 + at.minute, window
    return begin <= minute < end if begin <= end else minute >= begin or minute < end
