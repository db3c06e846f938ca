"""Carries out a switch of the right to write, step by step, and settles one that was cut off.

The order and the way on after a failure are `migration.switch.protocol`'s; what each step does to servers
is `Actions`'. This module runs them: every step is journalled before and after it acts and has a
time-out, the whole pause has one; what a failure leaves is settled, back or forward.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.errors import MigrationError, StepTimeout, WrongState
from core.sessions.liveness import at_most
from migration.journal.journal import Outcome
from migration.switch.protocol import (
    NEEDS_NEW_SIDE,
    POINT_OF_NO_RETURN,
    SWITCH,
    Observed,
    Repair,
    Step,
    Verdict,
    recover,
    recover_together,
    repairs,
)

Figures = Mapping[str, Any]

GRACE_SECONDS = 1.0
"""After a step's time-out its sessions are cut: a server that is silent keeps no time-out of its own."""
REPAIR_SECONDS = 30.0

ON_DISK_FIRST = frozenset({Step.PAUSE, POINT_OF_NO_RETURN})
"""Steps whose records recovery reads."""

_INSIDE_PAUSE = SWITCH[: SWITCH.index(Step.RESUME) + 1]


class Actions(Protocol):
    """What the steps and repairs do to the servers and the gateway. All can be run twice."""

    def perform(self, step: Step, seconds: float) -> Figures:
        """Do `step` within `seconds`; returns its figures; raises MigrationError."""
        ...

    def repair(self, repair: Repair) -> Figures:
        """Do `repair`; returns its figures; raises MigrationError."""
        ...

    def clients_go_on(self) -> bool:
        """After a failure: whether clients are served again, without waiting for journal or new side.

        Before the new side is opened they are led back to where they were. False where that side does not
        answer, or the new one may be open; the rest is for `settle` in any case.
        """
        ...

    def on_disk(self) -> None:
        """Wait until all that was done on the new side so far is on its disk; raises MigrationError."""
        ...

    def observe(self) -> tuple[bool | None, bool | None]:
        """Whether the old and the new side are open; None for one that does not answer.

        Takes the operator's lock on each side first, so no statement of a dead process is on its way.
        """
        ...


class Record(Protocol):
    """Where steps are recorded: the journal, bound to one move and direction."""

    def begin(self, name: str, *, durable: bool) -> int:
        """Record that `name` begins. `durable`: on disk before this returns."""
        ...

    def end(
        self, record: int, outcome: Outcome, figures: Figures, error: BaseException | None = None
    ) -> None:
        """Record how it ended."""
        ...

    def opening_begun(self) -> bool:
        """Whether the newest switch of this move recorded that POINT_OF_NO_RETURN begins."""
        ...

    def decided(self) -> bool | None:
        """Whether the services that it is switched together with are to go forward; None: it is alone."""
        ...


@dataclass(frozen=True)
class Limits:
    """Time-outs, in seconds."""

    pause: float = 5.0
    """PAUSE itself: how long transactions under way may take to end."""
    inside: float = 3.0
    """From the paused gateway to the new side's opening; on top of it a second to cut a silent server."""
    step: Mapping[Step, float] = field(default_factory=dict)
    """A step's own limit where it is less than what is left of `inside`."""


@dataclass(frozen=True)
class SwitchResult:
    """How a switch went: milliseconds a step, and of the pause as the gateway saw it."""

    step_ms: Mapping[str, float]
    pause_ms: float


def carry_out(
    actions: Actions,
    record: Record,
    limits: Limits | None = None,
    watch: Callable[[Step], None] = lambda step: None,
) -> SwitchResult:
    """Do every step of a switch. Raises what the step that failed raised; the caller then calls `settle`.

    `watch` is told each step before it is recorded.
    """
    limits = limits or Limits()
    took: dict[str, float] = {}
    pause_ms = 0.0
    begun = paused_at = time.monotonic()
    for step in SWITCH:
        watch(step)
        if step is Step.PAUSE:
            begun = time.monotonic()
        seconds = seconds_for(step, limits, time.monotonic() - paused_at)
        took[step.name.lower()] = do_step(actions, record, step, seconds)
        if step is Step.PAUSE:
            paused_at = time.monotonic()
        if step is Step.RESUME:
            pause_ms = (time.monotonic() - begun) * 1000
    return SwitchResult(took, pause_ms)


def settle(actions: Actions, record: Record) -> Verdict:
    """Bring an interrupted switch to an end, back or forward, as `protocol.recover` decides.

    Returns the verdict that was carried out. Raises WrongState where nothing may be done yet (WAIT)
    or somebody else has opened both sides (ALARM), and what a repair that cannot wait raised.
    """
    old_open, new_open = actions.observe()
    decided = record.decided()
    # Asked for only where it matters: the journal's server may be the one that does not answer.
    opening_begun = decided is None and new_open is None and record.opening_begun()
    observed = Observed(old_open, new_open, opening_begun)
    verdict = recover(observed) if decided is None else recover_together(observed, decided=decided)
    if verdict is Verdict.WAIT:
        raise WrongState(
            "a side that may be open does not answer, so the other one stays closed: start its server "
            "again, then run `resume`"
        )
    if verdict is Verdict.ALARM:
        raise WrongState(
            "both sides are open, which no step of this program does: close one by hand "
            "(docs/runbooks/cutover.md, 'Both sides open'), then run `resume`"
        )
    for repair in repairs(verdict, together=decided is not None):
        try:
            _mend(actions, record, repair)
        except MigrationError:
            if repair in NEEDS_NEW_SIDE:
                continue  # clients are served again; `resume` tidies up once that side answers
            raise
    return verdict


def seconds_for(step: Step, limits: Limits, since_pause: float) -> float:
    """What `step` may take, so many seconds after the pause. Raises StepTimeout where nothing is left."""
    if step is Step.PAUSE:
        return limits.pause
    if step not in _INSIDE_PAUSE or SWITCH.index(step) > SWITCH.index(POINT_OF_NO_RETURN):
        return limits.step.get(step, 30.0)
    left = limits.inside - since_pause
    if left <= 0:
        raise StepTimeout(f"the pause reached its limit of {limits.inside:g} s before {step.value!r}")
    return min(left, limits.step.get(step, left))


def do_step(
    actions: Actions,
    record: Record,
    step: Step,
    seconds: float,
    *,
    durable: frozenset[Step] = ON_DISK_FIRST,
    also: Figures | None = None,
) -> float:
    """Record `step`, do it, record how it ended, with the figures of `also`; returns its milliseconds.

    The record of one of `durable` is on disk before it acts. Raises what the step raised.
    """
    begun = time.monotonic()
    with at_most(seconds + GRACE_SECONDS):
        number = record.begin(step.value, durable=step in durable)
        try:
            figures = actions.perform(step, seconds)
        except BaseException as error:
            record.end(number, "failed" if isinstance(error, Exception) else "interrupted", {}, error)
            raise
    ms = (time.monotonic() - begun) * 1000
    record.end(number, "done", {**figures, **(also or {}), "ms": round(ms, 1)})
    return ms


def _mend(actions: Actions, record: Record, repair: Repair) -> None:
    number = record.begin(repair.value, durable=False)
    try:
        with at_most(REPAIR_SECONDS):
            figures = actions.repair(repair)
    except BaseException as error:
        record.end(number, "failed" if isinstance(error, Exception) else "interrupted", {}, error)
        raise
    record.end(number, "done", figures)
