"""Compares every row of a service at one instant of both sides, whichever way its replication runs; and gives
the side that follows the rows of the other where they differ."""

from __future__ import annotations

import contextlib

from core.errors import WrongState
from migration.copy.pace import held_back
from migration.replicate.flow import Direction, Flow
from migration.steps.context import OnlineMove
from migration.switch.repair_rows import NAMED_AT_MOST as REPAIRED_AT_ONCE
from migration.switch.repair_rows import repair_rows
from migration.verify.compare import NAMED_AT_MOST, compare
from migration.verify.model import Verification
from migration.verify.snapshots import consistent_snapshots

REPAIRS = 3
"""So often rows are repaired and compared again; what differs again and again has a cause that goes on."""
REPAIRED = "repair rows of the side that follows"
"""The step whose figures say how many, in the journal."""


def verify_live(move: OnlineMove, direction: Direction, named_at_most: int = NAMED_AT_MOST) -> Verification:
    """Compare while both sides go on; `direction` is the replication that runs now.

    Large objects and sequences are not replicated: the switch carries them over, so until then their
    differences are no fault. Raises WrongState where
    nothing follows, StepTimeout, Interrupted and what connecting raises.
    """
    tables = [table for table in move.own.relations if table.holds_rows and not table.unlogged]
    names = [table.name for table in tables]
    with contextlib.ExitStack() as stack:
        flow = stack.enter_context(move.forward() if direction == "forward" else move.back())
        _require_running(flow)
        snapshots = stack.enter_context(consistent_snapshots(flow, names))
        throttle = stack.enter_context(held_back(flow.publisher, move.pace, move.progress, what="comparison"))
        there, here = snapshots.publisher, snapshots.subscriber
        if direction == "back":
            there, here = here, there
        return compare(
            move.source,
            move.target,
            tables,
            source_snapshot=there,
            target_snapshot=here,
            workers=move.workers,
            progress=move.progress,
            stop=move.stop,
            named_at_most=named_at_most,
            throttle=throttle,
        )


def repair_live(move: OnlineMove, direction: Direction) -> tuple[Verification, int]:
    """The same, but that rows that differ are taken from the side that serves until none does.

    Returns the last verdict, and how many rows were written; writers of a table that differs are held until
    what they wrote is applied. Raises what `verify_live` and `repair_rows` do.
    """
    repaired = 0
    verification = verify_live(move, direction, REPAIRED_AT_ONCE)
    for _ in range(REPAIRS):
        if not verification.differences or any(table.structure for table in verification.tables):
            break
        with move.forward() if direction == "forward" else move.back() as flow:
            rows = repair_rows(flow, move.own.relations, verification)
        tables = sorted({str(difference.table) for difference in verification.differences})
        figures = {"rows": rows, "tables": tables, "side": flow.subscriber.label}
        move.journal.end(move.journal.begin(move.move, REPAIRED, figures), "done")
        repaired += rows
        verification = verify_live(move, direction, REPAIRED_AT_ONCE)
    return verification, repaired


def _require_running(flow: Flow) -> None:
    """Somebody may have disabled it; one whose worker is down for a moment is waited for by what follows."""
    state = flow.subscription.state()
    if state is None or not state.enabled:
        raise WrongState(
            f"{flow.service} is not followed: {state or 'there is no subscription'}; see the log of "
            f"{flow.subscriber.label} for the reason, then run `resume`, which starts it again"
        )
