"""The state machine of a move: steps as data, each recorded before and after it acts.

A procedure (the offline run, a cutover, a rollback) is a tuple of steps; this module knows none of
them. Every step and every undo can be run twice, because a process can die between any two lines.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from core.errors import (
    AnotherOperator,
    ConnectionLost,
    Interrupted,
    MigrationError,
    SourceUnreachable,
    TargetUnreachable,
)
from core.interruption import Interruption
from core.observer import Observer, Unobserved
from core.progress.interface import Progress, Silent
from migration.journal.journal import Figures, Journal, Move

C_contra = TypeVar("C_contra", contravariant=True)
C = TypeVar("C")

UNDO_PATIENCE_SECONDS = 30.0
"""How long an undo waits for a server that went away to come back."""

UNDO_PREFIX = "undo: "
"""Before a step's name in the journal: its undo."""


@dataclass(frozen=True)
class Step(Generic[C]):
    """One step of a procedure over a context `C`."""

    name: str
    """Its name in the journal; unique in its procedure."""
    act: Callable[[C], Figures]
    """Does it, and returns figures for the journal. Can be run twice."""
    undo: Callable[[C], None] | None = None
    """Takes it back, also when `act` was cut off in the middle or never began. Can be run twice."""
    kept: bool = False
    """What it made outlives a killed process: a run that goes on leaves it out if it is recorded as done."""
    final: bool = False
    """From the moment it begins there is no way back, only forward: a failure undoes nothing."""


@dataclass(frozen=True)
class Runner:
    """What running steps needs besides them."""

    journal: Journal
    interruption: Interruption = field(default_factory=Interruption)
    progress: Progress = field(default_factory=Silent)
    observer: Observer = field(default_factory=Unobserved)
    patience: float = UNDO_PATIENCE_SECONDS
    left: list[tuple[str, MigrationError]] = field(default_factory=list)
    """What the newest undo could not take back, and why: such a move is not over."""

    def run(
        self,
        move: Move,
        steps: Sequence[Step[C]],
        context: C,
        done: Mapping[str, Figures] | None = None,
    ) -> dict[str, Figures]:
        """Run `steps` in order; returns each one's figures by its name.

        `done` has the figures of steps that an earlier process did and that are left out now.

        When a step fails before a final one has begun, what was done is undone in reverse order, and
        the failure is raised again. From a final step on, signals wait until the procedure's end.
        """
        results: dict[str, Figures] = dict(done or {})
        begun: list[Step[C]] = []
        try:
            for step in steps:
                self.interruption.check()
                if step.final:
                    break
                begun.append(step)
                if step.name not in results:
                    results[step.name] = self._run_one(move, step, context)
        except BaseException as error:
            self.undo(move, begun, context)
            cause = self._cause(error)
            if cause is error:
                raise
            raise cause from error
        with self.interruption.shield():
            for step in steps[len(begun) :]:
                results[step.name] = self._run_one(move, step, context)
        return results

    def undo(self, move: Move, steps: Sequence[Step[C]], context: C) -> None:
        """Take back `steps`, last first, each recorded. Nothing stops it; what fails is said, and `left`.

        When the lock was lost and another operator has it by now, the rest is that one's.
        """
        self.left.clear()
        if not any(step.undo for step in steps):
            return
        give_up = time.monotonic() + self.patience
        with self.interruption.shield():
            try:
                self._patiently(lambda _: self.journal.reopen(), context, give_up)
            except AnotherOperator as error:
                self.progress.note(f"nothing was undone: {error}")
                self.left.append(("everything", error))
                return
            except MigrationError as error:
                self.progress.note(f"going on without the journal: {error}")
            for step in reversed(steps):
                if step.undo is not None:
                    self._undo_one(move, step, step.undo, context, give_up)

    def _run_one(self, move: Move, step: Step[C], context: C) -> Figures:
        self.observer.reached("begin", step.name)
        record = self.journal.begin(move, step.name)
        self.observer.reached("begun", step.name)
        try:
            figures = step.act(context)
        except BaseException as error:
            outcome: Literal["failed", "interrupted"] = (
                "interrupted" if self.interruption.stop.is_set() else "failed"
            )
            # The source may be what failed; then the record stays open, which says the same.
            with self.interruption.shield(), contextlib.suppress(MigrationError):
                self.journal.end(record, outcome, error=self._cause(error))
            raise
        self.observer.reached("acted", step.name)
        with self.interruption.shield():
            self.journal.end(record, "done", figures)
        self.observer.reached("ended", step.name)
        return figures

    def _undo_one(
        self, move: Move, step: Step[C], undo: Callable[[C], None], context: C, give_up: float
    ) -> None:
        name = f"{UNDO_PREFIX}{step.name}"
        record: int | None = None
        with contextlib.suppress(MigrationError):
            record = self.journal.begin(move, name)
        self.observer.reached("begun", name)
        failure: MigrationError | None = None
        try:
            self._patiently(undo, context, give_up)
        except MigrationError as error:
            failure = error
            self.left.append((step.name, error))
            self.progress.note(f"could not {name}: {error}; run the same command again to finish it")
        self.observer.reached("acted", name)
        if record is not None:
            with contextlib.suppress(MigrationError):
                self.journal.end(record, "failed" if failure else "done", error=failure)

    def _patiently(self, undo: Callable[[C], None], context: C, give_up: float) -> None:
        while True:
            try:
                return undo(context)
            except (SourceUnreachable, TargetUnreachable, ConnectionLost):
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.5)

    def _cause(self, error: BaseException) -> BaseException:
        """A failure that a signal brought about (a child process that died of it, say) is an interruption."""
        if self.interruption.stop.is_set() and not isinstance(error, Interrupted):
            return Interrupted("interrupted; what was begun is undone and nothing was switched")
        return error
