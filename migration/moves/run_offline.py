"""Runs an offline move: starts one, goes on with one that was cut off, or leaves a moved service alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from components.contract import Contract, Service
from core.errors import MigrationError, WrongState
from core.gateway.gateway import Gateway
from core.sessions.orphans import end_orphans
from migration.journal.journal import Figures, Journal, Move, StepRecord
from migration.journal.states import State
from migration.moves.offline import FENCE, STEPS
from migration.plan.model import Plan
from migration.references.replicas import require_reachable
from migration.schema.dumps import SchemaDumps
from migration.steps.context import PAUSE_SECONDS, OfflineMove
from migration.steps.runner import UNDO_PREFIX, Runner

OPENING = next(step.name for step in STEPS if step.final)
"""The first step without a way back."""


def is_moved(move: Move | None) -> bool:
    """Whether a service's newest move has succeeded and was not ended since."""
    return move is not None and move.state == State.MOVED and move.finished is None


@dataclass(frozen=True)
class Pace:
    """How hard a run may work, and how long it may wait."""

    workers: int
    pause_seconds: float = PAUSE_SECONDS
    """How long a transaction under way may take to end."""


@dataclass(frozen=True)
class Prepared:
    """What a run knows of the shared database before the first service moves."""

    plan: Plan
    dumps: SchemaDumps


def move_service(
    contract: Contract, service: Service, prepared: Prepared, runner: Runner, pace: Pace
) -> Move:
    """Move one service, or go on where a killed run stopped; returns the move as recorded at its end.

    Raises what the step that failed raised, after everything was undone; WrongState when the service is
    being moved online.
    """
    journal = runner.journal
    move = journal.last_move(service.name)
    going_on = move is not None and move.finished is None
    if move is None or not going_on:
        require_reachable(contract, service)
        move = journal.start(service, "offline", State.RUNNING)
    elif move.mode != "offline" or move.state == State.MOVED:
        raise WrongState(f"{service.name} is {move.state} ({move.mode}); `status` shows what can be done")
    context = OfflineMove(
        contract=contract, service=service, plan=prepared.plan, dumps=prepared.dumps,
        journal=journal, move=move, progress=runner.progress, stop=runner.interruption.stop,
        workers=pace.workers, pause_seconds=pace.pause_seconds,
    )  # fmt: skip
    done = _settle(context, runner, journal.steps(move)) if going_on else {}
    with _over_when_undone(journal, move):
        runner.run(move, STEPS, context, done)
    return journal.set_state(move, State.MOVED)


def keep_moved(contract: Contract, service: Service) -> bool:
    """Make sure that a moved service's gateway leads to its own database; returns whether it did not.

    The shared database takes none of its writes any more, so leading there helps nobody.
    """
    gateway = Gateway(service, contract.source)
    astray = not gateway.is_at("target")
    if astray:
        gateway.repoint("target")
    gateway.resume()
    return astray


@contextlib.contextmanager
def _over_when_undone(journal: Journal, move: Move) -> Iterator[None]:
    """A move that was undone is over; one that could not be undone, or only forward, is gone on with."""
    try:
        yield
    except BaseException:
        # When the journal cannot be reached the move stays open, and the next run settles it.
        with contextlib.suppress(MigrationError):
            records = journal.steps(move)
            if not _opening_begun(records) and _all_undone(records):
                journal.set_state(move, State.UNDONE, over=True)
        raise


def _settle(context: OfflineMove, runner: Runner, records: Sequence[StepRecord]) -> Mapping[str, Figures]:
    """What of an interrupted move still holds: the figures of the steps to leave out.

    When the target may be open already, all steps before hold, and only the rest is done. When the source
    is still closed by this move, what was copied holds. Otherwise everything is undone first.
    """
    # What a killed run was building would be there a moment after it was looked for. A side that does not
    # answer is met again, and said, by the steps themselves.
    with contextlib.suppress(MigrationError):
        end_orphans(context.target, whole=True)
    finished = _finished(records)
    if _opening_begun(records):
        runner.progress.note(f"{context.name}: going on with the switch, where the last run stopped")
        return {step.name: finished.get(step.name, {}) for step in STEPS if not step.final}
    with context.guards(context.source) as guards:
        closed = guards.is_open() is False
    if closed and FENCE in finished:
        runner.progress.note(f"{context.name}: going on where the last run stopped, its writes still closed")
        return {step.name: finished[step.name] for step in STEPS if step.kept and step.name in finished}
    runner.progress.note(f"{context.name}: the last run was cut off; undoing what it did, then starting over")
    begun = {record.step for record in records}
    runner.undo(context.move, [step for step in STEPS if step.name in begun], context)
    return {}


def _finished(records: Sequence[StepRecord]) -> dict[str, Figures]:
    """Steps whose newest record is `done` and that were not undone after it."""
    found: dict[str, Figures] = {}
    for record in records:
        found.pop(record.step.removeprefix(UNDO_PREFIX), None)
        if record.outcome == "done" and not record.step.startswith(UNDO_PREFIX):
            found[record.step] = record.figures
    return found


def _all_undone(records: Sequence[StepRecord]) -> bool:
    """Whether for every step that was begun and can be undone, the newest record is its undo, done."""
    newest = {record.step.removeprefix(UNDO_PREFIX): record for record in records}
    return all(
        newest[step.name].step.startswith(UNDO_PREFIX) and newest[step.name].outcome == "done"
        for step in STEPS
        if step.undo is not None and step.name in newest
    )


def _opening_begun(records: Sequence[StepRecord]) -> bool:
    return any(record.step == OPENING for record in records)
