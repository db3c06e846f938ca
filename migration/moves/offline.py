"""A move with the writes stopped: the service's clients wait at the gateway from the copy to the switch.

Until the target is opened, any failure takes everything back: the source accepts writes again, the
clients go on, the target is emptied. From then on there is only forward. Why each step may be run twice,
and what a killed run leaves, is docs/decisions/0034-offline-move.md.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any

from core.errors import VerificationFailed, WrongState
from migration.consistency.keys import drop_crossing_keys, restore_crossing_keys
from migration.copy.large_objects import copy_large_objects, referenced_large_objects
from migration.copy.sequences import move_sequences
from migration.copy.tables import CopiedTable, CopyTask, copy_tables
from migration.copy.throttle import Throttle, Unthrottled
from migration.fidelity.compare import compare_schemas
from migration.journal.imprint import Imprint, source_identity, write_imprint
from migration.moves.key_orphans import require_no_orphans
from migration.plan.late_checks import in_waves
from migration.references.replicas import drop_replicas, lead_to_own, make_replicas
from migration.schema.create import build_indexes, create_schema
from migration.schema.dump import SchemaDump
from migration.schema.early import Early, early_builds
from migration.schema.target import drop_schema_on_target
from migration.steps.context import OfflineMove, exported_snapshot
from migration.steps.runner import Step
from migration.verify.compare import compare
from migration.verify.model import Verification
from migration.verify.objects import compare_large_objects, compare_sequences

CLOSE_SECONDS = 10.0
"""How long writers that came by another way than the gateway may take."""


def mark_target(move: OfflineMove) -> Mapping[str, Any]:
    """Say on the target that what comes is ours, while it is still empty."""
    imprint = Imprint(source_identity(move.source), move.name, move.move.id)
    with move.target.connect() as connection, move.target.translated("marking it as ours"):
        write_imprint(connection, imprint)
    return {"source": imprint.source}


def guard_source(move: OfflineMove) -> Mapping[str, Any]:
    """Put passing guards on the source's tables."""
    with move.guards(move.source) as guards:
        return {"tables": guards.install(open=True)}


def make_schema(move: OfflineMove) -> Mapping[str, Any]:
    """Create on the target what comes before the rows, after dropping what an earlier run made."""
    move.journal.forget_copied(move.move)
    with move.schema_dump() as dump:
        count = create_schema(
            move.contract, move.plan, move.name, dump, move.target, progress=move.progress, stop=move.stop
        )
    return {"statements": count}


def unmake_schema(move: OfflineMove) -> None:
    """Empty the target: what it holds is no copy of anything any more."""
    drop_schema_on_target(move.target, move.name)


def pause(move: OfflineMove) -> Mapping[str, Any]:
    """Make the clients wait."""
    return {
        "seconds": round(move.gateway.pause(move.pause_seconds), 3),
        "clients": len(move.gateway.clients()),
    }


def unpause(move: OfflineMove) -> None:
    """Let the clients go on, to the source."""
    gateway = move.gateway
    if not gateway.is_at("source"):
        gateway.repoint("source")
    gateway.resume()
    gateway.release()


def close_source(move: OfflineMove) -> Mapping[str, Any]:
    """Refuse writes on the source, whoever makes them, and wait for those under way."""
    with move.guards(move.source) as guards:
        guards.restore()
        closing = guards.close(CLOSE_SECONDS)
    return {"milliseconds": round(closing.milliseconds, 3), "waited_for": closing.waited_for}


def open_source(move: OfflineMove) -> None:
    """Accept writes on the source again."""
    with move.guards(move.source) as guards:
        if guards.is_open() is False:
            guards.open()


def copy_rows(move: OfflineMove) -> Mapping[str, Any]:
    """Copy every table that is not on the target yet, in parallel, from one snapshot."""
    there = {record["table"]: record for record in move.journal.copied(move.move)}
    tasks = [
        CopyTask(move.name, table, move.target, move.service.own_search_path)
        for table in move.own.tables
        if str(table.name) not in there
    ]
    lock = threading.Lock()

    def copied(table: CopiedTable, early: Early) -> None:
        record = {
            "table": str(table.table),
            "rows": table.rows,
            "bytes": table.bytes,
            "seconds": round(table.seconds, 3),
        }
        with lock:
            move.journal.record_copied(move.move, record)
            there[record["table"]] = record
        # Only now: a table that is not recorded is copied again.
        early.copied(table)

    with build_beside(move, Unthrottled()) as early, exported_snapshot(move.source) as snapshot:
        for wave in in_waves(tasks, move.own, move.plan.catalog):
            copy_tables(
                move.source,
                wave,
                snapshot,
                workers=move.workers,
                progress=move.progress,
                stop=move.stop,
                copied=partial(copied, early=early),
                turns=early.turns,
            )
        ended = time.monotonic()
    tables = list(there.values())
    return {
        "tables": tables,
        "rows": sum(table["rows"] for table in tables),
        "bytes": sum(table["bytes"] for table in tables),
        "indexes": {"tables": early.tables, "after_rows_s": round(time.monotonic() - ended, 3)},
        "kept": len(move.own.tables) - len(tasks),
    }


def build_beside(move: OfflineMove, throttle: Throttle) -> AbstractContextManager[Early]:
    """Around a copy: the indexes of large tables are built beside it (`migration.schema.early`)."""

    def dump() -> SchemaDump:
        # A run keeps its dumps, so that this is one of those.
        with move.schema_dump() as made:
            return made

    return early_builds(
        move.contract,
        move.plan,
        move.name,
        dump,
        move.target,
        workers=move.workers,
        stop=move.stop,
        throttle=throttle,
    )


def copy_objects(move: OfflineMove) -> Mapping[str, Any]:
    """Copy the large objects that the service's columns refer to."""
    with exported_snapshot(move.source) as snapshot:
        done = copy_large_objects(
            move.source,
            move.target,
            move.own.large_object_columns,
            snapshot,
            owner=move.service.owner,
            users=[move.service.service.name],
            progress=move.progress,
            stop=move.stop,
        )
    return {"objects": len(done.oids), "bytes": done.bytes}


def build(move: OfflineMove, throttle: Throttle | None = None) -> Mapping[str, Any]:
    """Build what comes after the rows: indexes, constraints, statistics, materialized views, triggers."""
    with move.schema_dump() as dump:
        built = build_indexes(
            move.contract,
            move.plan,
            move.name,
            dump,
            move.target,
            workers=move.workers,
            progress=move.progress,
            stop=move.stop,
            throttle=throttle,
        )
    seconds = {name: round(took, 3) for name, took in built.seconds.items()}
    return {"statements": built.statements, "seconds": seconds}


def set_sequences(move: OfflineMove) -> Mapping[str, Any]:
    """Let the target's sequences stand where the source's do."""
    return {"sequences": len(move_sequences(move.source, move.target, move.own.sequences))}


def guard_target(move: OfflineMove) -> Mapping[str, Any]:
    """Put closed guards on the target: nobody writes there before it is opened."""
    with move.guards(move.target) as guards:
        guarded = guards.install(open=False)
        if guards.is_open():
            guards.close(CLOSE_SECONDS)
    return {"tables": guarded}


def verify(move: OfflineMove) -> Mapping[str, Any]:
    """Compare every row, sequence and large object, and the schema, and refuse to go on if any differs."""
    verification = compare_all(move)
    move.verification = verification
    verdict = verification.as_json()
    move.journal.record_verification(move.move, verdict)
    verification.require()
    return {name: verdict[name] for name in ("equal", "rows", "digest", "seconds")}


def compare_all(move: OfflineMove) -> Verification:
    """The verdict on all of a service. Right only while nobody writes to either side."""
    own = move.own
    rows = compare(
        move.source,
        move.target,
        own.tables,
        source_snapshot=None,
        target_snapshot=None,
        workers=move.workers,
        progress=move.progress,
        stop=move.stop,
    )
    with move.source.connect() as connection, move.source.translated("looking for its large objects"):
        oids = referenced_large_objects(connection, own.large_object_columns)
    differing = [
        *compare_sequences(move.source, move.target, own.sequences),
        *compare_large_objects(move.source, move.target, oids, source_snapshot=None, target_snapshot=None),
    ]
    schema = compare_schemas(move.source, move.target, move.plan, move.name, move.contract)
    return replace(rows.with_problems(differing), schema=tuple(map(str, schema)))


def drop_keys(move: OfflineMove) -> Mapping[str, Any]:
    """Drop the source's foreign keys that cross to the service, keeping their definitions."""
    keys = drop_crossing_keys(move.source, move.service.schema_name, move.schemas)
    move.dropped_keys += [str(key) for key in keys]
    return {"keys": [f"{key}: {key.definition}" for key in keys]}


def restore_keys(move: OfflineMove) -> None:
    """Put back the keys whose services are both still in the shared database."""
    moved = {m.schema_name for m in move.journal.moves() if m.state == "moved"}
    _, orphans = restore_crossing_keys(move.source, [s for s in move.schemas if s not in moved])
    if orphans:
        raise VerificationFailed(
            f"{len(orphans)} foreign keys that cross could not be validated again ({orphans[0].said}); "
            "they bind new rows: mend the orphans, then run VALIDATE CONSTRAINT"
        )


def open_target(move: OfflineMove) -> Mapping[str, Any]:
    """Accept writes on the target. From here on there is only forward.

    Raises WrongState when somebody has opened the source meanwhile: two writers would lose writes.
    """
    with move.guards(move.source) as guards:
        if guards.is_open() is not False:
            raise WrongState(f"somebody opened the shared database to {move.name}'s writes; run it again")
    with move.guards(move.target) as guards:
        guards.open()
    return {}


def repoint(move: OfflineMove) -> Mapping[str, Any]:
    """Lead the clients to the target."""
    move.gateway.repoint("target")
    return {"route": "target"}


def resume(move: OfflineMove) -> Mapping[str, Any]:
    """Let the clients go on."""
    move.gateway.resume()
    move.gateway.release()
    return {}


STEPS: tuple[Step[OfflineMove], ...] = (
    Step("look for rows without their reference", require_no_orphans),
    Step("mark the target", mark_target),
    Step("guard the source", guard_source),
    Step("create the schema", make_schema, undo=unmake_schema, kept=True),
    Step("let replicas of other services follow", make_replicas, undo=drop_replicas, kept=True),
    Step("pause the gateway", pause, undo=unpause),
    Step("close the source", close_source, undo=open_source),
    Step("copy the rows", copy_rows, kept=True),
    Step("copy the large objects", copy_objects, kept=True),
    Step("build indexes and constraints", build, kept=True),
    Step("set the sequences", set_sequences),
    Step("guard the target", guard_target),
    Step("verify", verify),
    Step("drop the keys that cross", drop_keys, undo=restore_keys),
    Step("open the target", open_target, final=True),
    Step("repoint the gateway", repoint, final=True),
    Step("resume the gateway", resume, final=True),
    # Nothing replicates back, so the shared database cannot be followed any more.
    Step("lead those that read it to its own database", lead_to_own, final=True),
)
"""In order. Undone from the last that was begun to the first."""

FENCE = "close the source"
"""While this step's last record is `done` and the source is closed, what was copied still holds."""
