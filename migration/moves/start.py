"""A move while the service goes on writing: the steps of `start`, up to a target that follows the source.

Everything here is made ahead of the cutover, guards and both directions of replication included, so
that inside its pause things are only stopped and started. Until the cutover every step can be taken
back; a start that was cut off is taken back and begun anew, because the copy's snapshot died with it.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from components.replication_roles import flow_name
from core.errors import Interrupted, StepTimeout
from migration.carry.capture import carry_changes, carry_no_changes
from migration.copy.large_objects import copy_large_objects
from migration.copy.pace import held_back
from migration.copy.tables import CopySizes, CopyTask, copy_tables
from migration.copy.throttle import Throttle
from migration.copy.turns import Turns
from migration.guards.changes import WATCHING
from migration.journal.journal import Move
from migration.moves.by_files import APART, be_running, choose, keep_apart, put, take
from migration.moves.key_orphans import require_no_orphans
from migration.moves.meanwhile import COPIED, MADE, fill_what_came, make_new, make_what_came, new_tables
from migration.moves.offline import (
    build,
    build_beside,
    guard_source,
    guard_target,
    make_schema,
    mark_target,
    set_sequences,
    unmake_schema,
)
from migration.moves.schema_watch import unwatch_schema, watch_schema
from migration.plan.late_checks import in_waves
from migration.references.replicas import drop_replicas, make_replicas
from migration.replicate.removal import take_away
from migration.replicate.slots import drop_slots
from migration.replicate.wal_watch import slot_of, wal_watch
from migration.schema.dumps import schema_dumps
from migration.schema.early import Early
from migration.slo.hold import Hold, holding
from migration.slo.look import Eyes
from migration.steps.apply_path import (
    find_names_on_source,
    find_names_on_target,
    forget_names_on_source,
    forget_names_on_target,
)
from migration.steps.context import OnlineMove
from migration.steps.runner import Runner, Step
from migration.steps.shifting_checks import forget_checks, take_off_own

SIZES = CopySizes(together=50)
"""A start that fails is undone whole, so nobody has to know which of its small tables are on the disk."""
CAUGHT_UP_BYTES = 1 << 20
"""A subscriber this close follows: what is left is applied in milliseconds."""


LOOK_ROUNDS = 10
"""Of half a second each: so often tables are looked for that nobody saw made; they stop the apply worker."""


def publish_source(move: OnlineMove) -> Mapping[str, Any]:
    """Settle replica identities and publish the service's tables on the source."""
    with move.forward() as flow:
        published = flow.publish(move.own.relations)
    return {
        "tables": published.tables,
        "by_index": [str(table) for table in published.by_index],
        "by_full_row": [str(table) for table in published.by_full_row],
        "not_replicated": [str(table) for table in published.not_replicated],
    }


def drop_forward(move: OnlineMove) -> None:
    """Remove the replication to the target from both sides; from one at least, if the other is down."""
    take_away(move.name, "forward", move.source, move.target)


def copy_from_slot(move: OnlineMove) -> Mapping[str, Any]:
    """Make the slot, and copy every row and large object as of its snapshot."""
    path, files = move.service.own_search_path, take(move)
    with (
        _slo(move) as hold,
        held_back(move.source, move.pace, move.progress, hold) as throttle,
        _early(move, throttle, apart=files is not None) as early,
        move.forward() as flow,
        flow.exported_slot() as (snapshot, lsn),
    ):
        new = new_tables(move, snapshot)
        with wal_watch([slot_of(flow)], move.wal_limit_bytes, move.stop) as stop:
            left = put(move, files, lsn, stop)
            tasks = [CopyTask(move.name, table, move.target, path) for table in left]
            tables = [
                table
                for wave in in_waves(tasks, move.own, move.plan.catalog)
                for table in copy_tables(
                    move.source,
                    wave,
                    snapshot,
                    workers=move.workers,
                    progress=move.progress,
                    stop=stop,
                    copied=early.copied,
                    throttle=throttle,
                    turns=early.turns,
                    sizes=SIZES,
                )
            ]
            objects = copy_large_objects(
                move.source,
                move.target,
                move.own.large_object_columns,
                snapshot,
                owner=move.service.owner,
                users=[move.service.service.name],
                progress=move.progress,
                stop=stop,
            )
        copied = time.monotonic()
    # Here its snapshot has ended, and the indexes that were begun beside the copy are built.
    return {
        "slot": flow.name,
        "lsn": lsn,
        "tables": [
            {"table": str(t.table), "rows": t.rows, "bytes": t.bytes, "seconds": round(t.seconds, 3)}
            for t in tables
        ],
        "rows": sum(table.rows for table in tables),
        "bytes": sum(table.bytes for table in tables),
        "large_objects": len(objects.oids),
        "throttle": throttle.figures(),
        "indexes": {"tables": early.tables, "after_rows_s": round(time.monotonic() - copied, 3)},
        "new_tables": new,
        **({} if files is None else {"files": files.figures}),
        **({} if hold is None else {"slo": hold.figures()}),
    }


def _early(move: OnlineMove, throttle: Throttle, *, apart: bool) -> AbstractContextManager[Early]:
    """`apart`: the target is restarted meanwhile, and no session there survives that."""
    if apart:
        return contextlib.nullcontext(Early(Turns(max(move.workers, 1)), 0, lambda _: None))
    return build_beside(move, throttle)


def build_making_way(move: OnlineMove) -> Mapping[str, Any]:
    """Build what comes after the rows, but rest while the source answers more slowly than before it."""
    with held_back(move.source, move.pace, move.progress, what="build") as throttle:
        built = build(move, throttle)
    return {**built, "throttle": throttle.figures()}


@contextlib.contextmanager
def _slo(move: OnlineMove) -> Iterator[Hold | None]:
    """What holds the copy back while the service does worse than before; None where nobody says how well it
    has to do. Raises NotMeasured, Interrupted."""
    if move.service.slo is None:
        yield None
        return

    def check() -> None:
        if move.stop.is_set():
            raise Interrupted("interrupted; what was begun is undone and nothing was switched")

    move.progress.note(f"{move.name}: how it does is measured for {move.service.slo.before} s")
    with holding(Eyes(move.service, move.contract, "source"), check) as hold:
        move.progress.note(f"{move.name} before its copy: {hold.band.before}")
        yield hold


def drop_slot(move: OnlineMove) -> None:
    """Let the source's WAL go, also while the target is down; the target has its own folder again."""
    be_running(move)
    with move.source.connect() as session, move.source.translated("dropping the slots of the move"):
        drop_slots(session, flow_name(move.name, "forward"))


def publish_target(move: OnlineMove) -> Mapping[str, Any]:
    """Publish the target's tables for the way back."""
    with move.back() as flow:
        return {"tables": flow.publish(move.own.relations).tables}


def drop_back(move: OnlineMove) -> None:
    """Remove the replication back from both sides; from one at least, if the other is down."""
    take_away(move.name, "back", move.target, move.source)


def subscribe(move: OnlineMove) -> Mapping[str, Any]:
    """Let the target follow; prepare the source to follow back, without starting it."""
    schema = move.service.schema_name
    with move.forward() as forward, move.back() as back:
        without = {
            "forward": forward.subscribe(move.own.relations, enabled=True, schema=schema),
            "back": back.subscribe(move.own.relations, enabled=False, schema=schema),
        }
    for reason in filter(None, without.values()):
        move.progress.note(f"{move.name}: {reason}")
    return {"without_own_login": {way: reason for way, reason in without.items() if reason}}


def catch_up(move: OnlineMove) -> Mapping[str, Any]:
    """Wait until the target follows closely, telling how far it is."""
    begun = time.monotonic()
    with move.forward() as flow:
        flow.beat()
        first = last = flow.lag().bytes
        move.progress.phase("catch up", first)
        move.progress.table(move.name, first)
        make_new(move, flow)
        for rounds in itertools.count(1):
            if last <= CAUGHT_UP_BYTES:
                break
            if rounds % LOOK_ROUNDS == 0:
                make_new(move, flow)
            if move.stop.wait(0.5):
                raise Interrupted("interrupted while the target was catching up")
            if time.monotonic() - begun > move.catch_up_seconds:
                raise StepTimeout(
                    f"{move.name} is still {last >> 20} MiB behind after {move.catch_up_seconds:g} s: the "
                    "target applies more slowly than the source is written to; move at a quieter time"
                )
            lag = flow.lag()
            slot_of(flow).check(lag.retained_bytes, move.wal_limit_bytes)
            move.progress.advance(move.name, max(0, last - lag.bytes), 0)
            last = lag.bytes
        proven = flow.prove(60.0)
    seconds = time.monotonic() - begun
    move.progress.done(move.name, 0, first, seconds)
    return {"behind_bytes": first, "seconds": round(seconds, 3), "heartbeat_s": round(proven, 3)}


def unguard_source(move: OnlineMove) -> None:
    """Take the guards off the source's tables, which took the writes all the time."""
    with move.guards(move.source) as guards:
        guards.remove()


def unguard_target(move: OnlineMove) -> None:
    """Take the flag from the target; its tables go with the schema, later in the undo."""
    with move.guards(move.target) as guards:
        guards.remove()


START: tuple[Step[OnlineMove], ...] = (
    Step("look for rows without their reference", require_no_orphans),
    Step(APART, keep_apart, undo=be_running),
    Step("mark the target", mark_target),
    Step("guard the source", guard_source, undo=unguard_source),
    Step("let rows that come back find names", find_names_on_source, undo=forget_names_on_source),
    Step("publish on the source", publish_source, undo=drop_forward),
    Step(WATCHING, watch_schema, undo=unwatch_schema),
    Step("create the schema", make_schema, undo=unmake_schema),
    Step("let replicas of other services follow", make_replicas, undo=drop_replicas),
    Step(COPIED, copy_from_slot, undo=drop_slot),
    Step("build indexes and constraints", build_making_way),
    Step("set the sequences", set_sequences),
    Step("guard the target", guard_target, undo=unguard_target),
    Step("let rows that come find names", find_names_on_target, undo=forget_names_on_target),
    Step("take off checks that may refuse rows", take_off_own, undo=forget_checks),
    Step("publish on the target", publish_target, undo=drop_back),
    Step("carry schema changes over", carry_changes, undo=carry_no_changes),
    Step(MADE, make_what_came),
    Step("subscribe", subscribe),
    Step("catch up", catch_up),
    Step("fill what came meanwhile", fill_what_came),
)
"""In order. Undone from the last that was begun to the first."""


def run_start(runner: Runner, move: Move, context: OnlineMove) -> None:
    """Run them, by one dump of the schema: what is built after the copy is what was made before it, whatever
    somebody has dropped meanwhile. Raises what the step that failed raised, after everything was undone."""
    choose(context)
    with schema_dumps(context.source) as context.dumps:
        runner.run(move, START, context)
