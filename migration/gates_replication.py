"""Gates: guards, and the replication that is about to be switched."""

from __future__ import annotations

import time
from collections.abc import Iterator

from migration.apply_errors import describe
from migration.errors import StepTimeout, WrongState
from migration.gates_model import MIB, Gate, judged
from migration.gates_scene import Check, Scene, check
from migration.online import FOLLOWING, MOVED
from migration.ownership import Ownership
from migration.plan_view import size
from migration.replication import Flow
from migration.replication_subscription import SubscriptionState

_PATIENCE_SECONDS = 3.0


@check("state", "cutover", "rollback")
def state(scene: Scene) -> Iterator[Gate]:
    """The service is in the state that the switch begins in."""
    wanted = FOLLOWING if scene.stage == "cutover" else MOVED
    found = "not begun" if scene.move is None else f"{scene.move.state} ({scene.move.mode})"
    yield judged(
        "state",
        found != f"{wanted} (online)",
        found,
        "`status` shows what fits",
        limit=f"{wanted} (online)",
        error=WrongState,
    )


@check("guards", "cutover", "rollback")
def guards(scene: Scene) -> Iterator[Gate]:
    """Every table is guarded on both sides, and exactly the side that serves is open."""
    serving, _ = scene.writable
    for database in (scene.source, scene.target):
        with Ownership(database, scene.name, scene.service.schema_name) as side:
            status = side.status()
        expected = database is serving
        wrong = [*(f"{table} has none" for table in status.missing), *status.weakened]
        said = "no flag" if status.open is None else "open" if status.open else "closed"
        more = "" if not wrong else f", {len(wrong)} tables unguarded: {', '.join(wrong[:3])}"
        yield judged(
            "guards",
            not status.sound or status.open is not expected,
            f"{database.label}: {said}{more}",
            "`resume` brings an older version's up to date; else find out who changed them, and see "
            "docs/runbooks/cutover.md, 'Guards'",
            limit="open" if expected else "closed",
        )


@check("lag", "cutover", "rollback")
def lag(scene: Scene) -> Iterator[Gate]:
    """The other side follows closely now: a heartbeat sent just now arrives soon."""
    limits = scene.limits
    with scene.flow() as flow:
        subscription = flow.subscription.state()
        running = subscription is not None and subscription.enabled and subscription.worker is not None
        seconds = _delay(flow) if running else None
        found = flow.lag()
        if not running or (seconds is None and _failed_since(flow, subscription)):
            control = scene.service.instance_control if flow.direction == "forward" else None
            with flow.subscriber.translated("reading its log"):
                why = describe(flow.at_subscriber, subscription, control)
            yield Gate(
                "lag", "no-go", f"{size(found.bytes)} behind; {why}", "its worker runs",
                f"see the log of {flow.subscriber.label} and mend what it says; then it goes on, or `resume`",
            )  # fmt: skip
        else:
            far = found.bytes > limits.lag_bytes or seconds is None or seconds > limits.lag_seconds
            said = f"more than {_PATIENCE_SECONDS:g}" if seconds is None else f"{seconds:.1f}"
            yield judged(
                "lag",
                far,
                f"{size(found.bytes)}, {said} s behind",
                "wait until it has caught up (`status --watch`); if it never does, move at a quieter time",
                limit=f"{size(limits.lag_bytes)}, {limits.lag_seconds:g} s",
                overridable=True,
            )
        lost = found.wal_status in {"lost", "unreserved"}
        yield judged(
            "wal",
            lost or found.retained_bytes > limits.wal_bytes,
            f"{size(found.retained_bytes)} kept by the slot {flow.name} ({found.wal_status})",
            "the slot's WAL is gone: `abort` and start again"
            if lost
            else "docs/runbooks/cutover.md, 'Retained WAL'",
            limit=size(limits.wal_bytes),
            otherwise="no-go",
            overridable=not lost,
        )
        if found.retained_bytes > limits.wal_bytes // 2 and found.retained_bytes - found.bytes > 64 * MIB:
            yield Gate(
                "wal", "warn", f"{size(found.retained_bytes)} kept for {size(found.bytes)} not yet applied",
                size(limits.wal_bytes), "an old transaction keeps it: see long-transactions",
            )  # fmt: skip


def _failed_since(flow: Flow, before: SubscriptionState | None) -> bool:
    """A worker that fails at every attempt runs for moments, and may have been seen in one."""
    now = flow.subscription.state()
    return before is None or now is None or now.errors > before.errors


def _delay(flow: Flow) -> float | None:
    """Seconds until a heartbeat sent now arrives; None if it takes longer than our patience."""
    begun = time.monotonic()
    with flow.publisher.translated(f"writing a heartbeat of {flow.name}"):
        number = flow.heartbeat.beat(flow.at_publisher, "lag")
    with flow.subscriber.translated(f"waiting for a heartbeat of {flow.name}"):
        try:
            flow.heartbeat.wait(flow.at_subscriber, "lag", number, _PATIENCE_SECONDS)
        except StepTimeout:
            return None
    return time.monotonic() - begun


REPLICATION: tuple[Check, ...] = (state, guards, lag)
