"""Gates: guards, and the replication that is about to be switched."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from core.errors import SchemaChanged, StepTimeout, WrongState
from core.progress.units import size
from core.sessions.queries import queries
from migration.catalog.tables import TableName
from migration.gates.model import MIB, Gate, judged
from migration.gates.scene import Check, Scene, check
from migration.guards.changes import SchemaChange, read_watch, schema_changes
from migration.guards.ownership import Ownership
from migration.journal.journal import read_steps
from migration.journal.states import State
from migration.replicate.flow import Flow
from migration.replicate.stalls import describe
from migration.replicate.subscription import SubscriptionState

verify_query = queries("migration.verify")

_PATIENCE_SECONDS = 3.0


@check("state", "cutover", "rollback")
def state(scene: Scene) -> Iterator[Gate]:
    """The service is in the state that the switch begins in."""
    wanted = State.FOLLOWING if scene.stage == "cutover" else State.MOVED
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
        made = _made_since(scene, status.missing) if database is serving else []
        if made:
            noted = next((str(c) for c in _changes(scene) if c.command.endswith("TABLE")), "")
            yield Gate(
                "guards",
                "no-go",
                f"{database.label}: made since the start: {', '.join(made[:3])}"
                + (f"; {noted}" if noted and database is scene.source else ""),
                "none",
                "schema changes are not carried over while a service moves, nor are the rows of such a table:"
                f" {_instead(scene)}",
                error=SchemaChanged,
            )
            continue
        yield judged(
            "guards",
            not status.sound or status.open is not expected,
            f"{database.label}: {said}{more}",
            "`resume` brings an older version's up to date; else find out who changed them, and see "
            "docs/runbooks/cutover.md, 'Guards'",
            limit="open" if expected else "closed",
        )


def _instead(scene: Scene) -> str:
    if scene.stage == "rollback":
        return "move what it holds elsewhere and DROP it there, or stay: `finish`"
    return (
        f"`abort {scene.name}`, then `start {scene.name}` takes them along; hold them back until the cutover"
    )


def _made_since(scene: Scene, unguarded: Sequence[TableName]) -> list[str]:
    """Of tables without guards on the side that serves those that the other side does not have."""
    other = scene.there if scene.stage == "rollback" else scene.here
    asked = {"schemas": [name.schema for name in unguarded], "names": [name.name for name in unguarded]}
    there = {TableName(*row[:2]) for row in other.execute(verify_query("shape"), asked)}
    parents = {table.name: table.parent for table in scene.plan.catalog.tables.values()}
    return [
        f"table {name}" + (f", a partition of {parents[name]}" if parents.get(name) else "")
        for name in unguarded
        if name not in there
    ]


def _changes(scene: Scene) -> list[SchemaChange]:
    """What was noted of the schema since the start."""
    began = read_watch(read_steps(scene.there, scene.move)) if scene.move else None
    return schema_changes(scene.there, began) if began else []


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
                "lag",
                "no-go",
                f"{size(found.bytes)} behind; {why}",
                "its worker runs",
                f"see the log of {flow.subscriber.label} and mend what it says; then it goes on, or `resume`",
            )
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
                "wal",
                "warn",
                f"{size(found.retained_bytes)} kept for {size(found.bytes)} not yet applied",
                size(limits.wal_bytes),
                "an old transaction keeps it: see long-transactions",
            )


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
