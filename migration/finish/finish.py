"""The end of a move: replication ends, what only the move needed is removed, the old copy is put aside.

No row is dropped. The old copy stays in the shared database under another name, closed by its guards:
a program that still writes there is refused instead of writing where nobody looks. Each step can be run
twice, so a finish that was cut off is finished by the next one, or by `resume`; there is no way back
from its first step on, because changes are not carried to the shared database any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from psycopg import sql

from components.contract import Service
from core.errors import MigrationError, RenameRefused, WrongState
from core.gateway.gateway import Gateway
from core.sessions.locks import patiently
from core.sessions.session import Connection
from migration.carry.capture import carry_no_changes
from migration.examine.read_plan import read_plan
from migration.finish.end_logins import end_logins
from migration.finish.leave_shared import leave_shared
from migration.finish.old_copy import TAKE_DIGESTS
from migration.finish.rename import rename_pending, rename_schema
from migration.finish.rename_check import rename_gates
from migration.gates.check import record_skipped
from migration.gates.model import GateReport
from migration.journal.journal import Move
from migration.journal.renamed import RENAME_STEP, lost_name
from migration.journal.states import State
from migration.moves.online import Online
from migration.moves.schema_watch import unwatch_schema
from migration.references.replicas import lead_to_own, require_reachable
from migration.steps.apply_path import forget_names_on_source, forget_names_on_target
from migration.steps.context import OnlineMove
from migration.steps.runner import Step
from migration.steps.shifting_checks import forget_checks
from migration.switch.live import verify_live
from migration.verify.changed_keys import ChangedKeys
from migration.verify.model import Verification

NAME_BYTES = 63
"""PostgreSQL cuts longer names."""


def finish_service(online: Online, service: Service, skipped: Sequence[str] = ()) -> Verification | None:
    """Finish a service that is moved, or go on with a finish that was cut off.

    One that was finished before it was given a new schema's name is given that now; `skipped` are gates of
    the rename to go on in spite of.

    Returns the comparison made before it began; None where it had begun already, or where the service was
    moved with its writes stopped, so that its old copy stands still. Raises VerificationFailed when the old
    copy is not what it should be, RenameRefused, WrongState, and what a step raised.
    """
    journal = online.runner.journal
    over = journal.last_move(service.name)
    if over is not None and (lost := lost_name(service, journal.steps(over))):
        # A rename that was killed may have left clients waiting.
        Gateway(service, online.contract.source).resume()
        raise RenameRefused(lost)
    if over is not None and over.state == State.FINISHED and service.own_schema is not None:
        try:
            _allow_rename(online, service, over, skipped)
        except MigrationError:
            # A rename that was killed may have left clients waiting.
            Gateway(service, online.contract.source).resume()
            raise
        online.runner.run(over, (RENAME,), online.context(over, service, read_plan(online.contract, [])))
        return None
    move = online.state(service)
    verification = None
    if move is None or move.state != State.FINISHING:
        if move is not None:
            _allow_rename(online, service, move, skipped)
        verification = _allow(online, service, move)
        online.runner.interruption.check()
        move = journal.set_state(online.state(service) or _gone(service), State.FINISHING)
    # The schema may have its new name already, so that there is no plan of the service any more.
    context = online.context(move, service, read_plan(online.contract, []))
    online.runner.run(move, FINISH, context)
    # It may take as long as a verification, and can be broken off: the next finish takes it up.
    online.runner.run(move, (TAKE_DIGESTS,), context)
    journal.set_state(move, State.FINISHED, over=True)
    return verification


def _allow(online: Online, service: Service, move: Move | None) -> Verification | None:
    """Refuse unless the service is served by its own database and nothing was left behind."""
    journal = online.runner.journal
    offline = move is not None and (move.mode, move.state) == ("offline", State.MOVED)
    if move is None or not offline:
        move = online.in_state(service, State.MOVED)
    route = Gateway(service, online.contract.source).route()
    if route != "target":
        raise WrongState(
            f"the gateway of {service.name} leads to the shared database, not to its own: run `resume` first"
        )
    require_reachable(online.contract, service)
    if offline:
        verdict = journal.last_verification(move)
        if verdict is None or not verdict["equal"]:
            raise WrongState(
                f"{service.name} was not found equal when it was moved; look into that "
                "before its old copy goes"
            )
        return None
    plan = online.carried(service, lambda: read_plan(online.contract, [service]))
    context = online.context(move, service, plan)
    verification = verify_live(context, "back")
    journal.record_verification(move, verification.as_json())
    verification.require()
    return verification


def _allow_rename(online: Online, service: Service, move: Move, skipped: Sequence[str]) -> None:
    """Refuse a rename that would break something, before the finish begins. Raises RenameRefused."""
    if (
        service.own_schema is None
        or move.state not in {State.MOVED, State.FINISHED}
        or not rename_pending(service)
    ):
        return
    report = GateReport(service.name, "finish", tuple(rename_gates(online.contract, service)))
    for gate in report.no_go:
        # One by one: the verb `gates` does not list them.
        replace(report, gates=(gate,)).require(skipped)
    record_skipped(online.runner.journal, move, report, skipped)


def _gone(service: Service) -> Move:
    raise WrongState(f"the move of {service.name} ended meanwhile; `status` shows it")


def end_replication(move: OnlineMove) -> Mapping[str, Any]:
    """Remove both directions: subscriptions, slots, publications, heartbeats; identities as they were."""
    carry_no_changes(move)
    with move.forward() as forward, move.back() as back:
        back.drop_subscription()
        forward.drop_subscription()
        for flow in (forward, back):
            with ChangedKeys(flow, ()) as keys:
                keys.drop()
        back.drop()
        forward.drop()
    forget_names_on_source(move)
    forget_names_on_target(move)
    # The old copy stays as it was.
    forget_checks(move)
    return {}


def end_watch(move: OnlineMove) -> Mapping[str, Any]:
    """Note no more changes of the schema in the shared database."""
    unwatch_schema(move)
    return {}


def close_source(move: OnlineMove) -> Mapping[str, Any]:
    """Make sure that the old copy's guards stand: they stay."""
    with move.guards(move.source) as guards:
        if _schema_there(move, move.service.schema_name):
            guards.restore()
        if guards.is_open():
            guards.close(10.0)
        # From now on it is an archive, which is dropped by hand one day.
        guards.allow_ddl()
    return {"flag": f"open_{move.name}"}


def archive(move: OnlineMove) -> Mapping[str, Any]:
    """Rename the schema in the shared database."""
    schema = move.service.schema_name
    with move.source.connect() as connection, move.source.translated("archiving the old copy"):
        if not _there(connection, schema):
            return {"archived_as": _archived(connection, schema)}
        name = archive_name(schema, datetime.now(UTC), lambda other: _there(connection, other))
        rename = sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(schema), sql.Identifier(name))
        said = f"The old copy of {schema}, closed; `python -m migration finish` put it aside."
        comment = sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(name), sql.Literal(said))

        def act() -> None:
            with connection.transaction():
                connection.execute(rename)
                connection.execute(comment)

        patiently(connection, f"rename the schema {schema}", act)
    return {"archived_as": name}


def free_target(move: OnlineMove) -> Mapping[str, Any]:
    """Remove guards and all other traces from the service's own database: it belongs to nobody else now.

    With the imprint gone, no later `start` takes what is there for a copy that may be replaced.
    """
    with move.guards(move.target) as guards:
        guards.remove()
    with move.target.connect() as connection, move.target.translated("removing the migration's own objects"):
        connection.execute("DROP SCHEMA IF EXISTS waqiti_migration CASCADE")
    return {}


RENAME = Step(RENAME_STEP, rename_schema, final=True)
"""Last: whatever fails in it, the service is finished but for its schema's name."""

FINISH: tuple[Step[OnlineMove], ...] = (
    Step("lead those that read it to its own database", lead_to_own, final=True),
    Step("end the replication", end_replication, final=True),
    Step("end the watch over the schema", end_watch, final=True),
    Step("keep the old copy closed", close_source, final=True),
    Step("free the target", free_target, final=True),
    Step("archive the old copy", archive, final=True),
    Step("leave the shared database", leave_shared, final=True),
    Step("close the logins there", end_logins, final=True),
    RENAME,
)
"""In order; all of them forward."""


def archive_name(schema: str, now: datetime, taken: Callable[[str], bool]) -> str:
    """`<schema>_archived_<yyyymmdd>`, cut to what names may have, numbered where it is taken."""
    suffix = f"_archived_{now:%Y%m%d}"
    for number in range(1, 1000):
        end = suffix if number == 1 else f"{suffix}_{number}"
        room = NAME_BYTES - len(end)
        start = schema if len(schema.encode()) <= room else _shortened(schema, room)
        if not taken(start + end):
            return start + end
    raise WrongState(f"there are a thousand archives of {schema} of this day: drop some")


def _shortened(schema: str, room: int) -> str:
    digest = hashlib.sha256(schema.encode()).hexdigest()[:6]
    return schema.encode()[: room - 7].decode(errors="ignore") + "_" + digest


def _schema_there(move: OnlineMove, schema: str) -> bool:
    with move.source.connect() as connection, move.source.translated("looking for the old copy"):
        return _there(connection, schema)


def _there(connection: Connection, schema: str) -> bool:
    row = connection.execute("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s", [schema]).fetchone()
    return row is not None


def _archived(connection: Connection, schema: str) -> str:
    """The newest archive of a schema; empty if there is none."""
    row = connection.execute(
        "SELECT max(nspname::text) FROM pg_catalog.pg_namespace WHERE starts_with(nspname::text, %s)",
        [f"{schema}_archived_"],
    ).fetchone()
    return str(row[0]) if row and row[0] else ""
