"""Compares every row of a service at one instant of both sides, whichever way its replication runs."""

from __future__ import annotations

import contextlib

from migration.errors import WrongState
from migration.online_move import OnlineMove
from migration.replication import Direction, Flow
from migration.snapshots import consistent_snapshots
from migration.verification import compare
from migration.verification_model import Verification


def verify_live(move: OnlineMove, direction: Direction) -> Verification:
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
        there, here = snapshots.publisher, snapshots.subscriber
        if direction == "back":
            there, here = here, there
        return compare(
            move.source, move.target, tables,
            source_snapshot=there, target_snapshot=here,
            workers=move.workers, progress=move.progress, stop=move.stop,
        )  # fmt: skip


def _require_running(flow: Flow) -> None:
    """Somebody may have disabled it; one whose worker is down for a moment is waited for by what follows."""
    state = flow.subscription.state()
    if state is None or not state.enabled:
        raise WrongState(
            f"{flow.service} is not followed: {state or 'there is no subscription'}; see the log of "
            f"{flow.subscriber.label} for the reason, then run `resume`, which starts it again"
        )
