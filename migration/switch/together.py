"""Carries out the switches of several services at one instant: all are paused, all decided by one record, all
opened.

Each service has its own steps (`migration.switch.protocol.SWITCH`), done beside those of the others. They
wait for each other twice: until all gateways are paused, before anything is closed, and until every service
is ready to be opened. Then one record, on disk, decides for all of them, and recovery reads it
(`protocol.recover_together`). So whoever has a transaction at two of them has both on one side: while it is
open, neither gateway can be paused; while one is paused, the other has not gone on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from core.errors import StepTimeout
from core.sessions.liveness import at_most
from migration.switch.carry_out import (
    GRACE_SECONDS,
    Actions,
    Limits,
    Record,
    SwitchResult,
    do_step,
    seconds_for,
)
from migration.switch.protocol import POINT_OF_NO_RETURN, SWITCH, Step

READY = SWITCH[SWITCH.index(Step.PAUSE) + 1 : SWITCH.index(POINT_OF_NO_RETURN)]
"""What each service does by itself between the two meetings."""
_DECIDING_SECONDS = 3.0
_OPENING_SECONDS = 30.0
_DURABLE: frozenset[Step] = frozenset()
"""No step's record is waited for: recovery reads who is in the group, and the decision, which are on disk."""


class NotPaused(StepTimeout):
    """Not all gateways could be paused at the same time; all clients go on and nothing was changed."""


@dataclass
class Member:
    """One service's part."""

    name: str
    actions: Actions
    record: Record
    step_ms: dict[str, float] = field(default_factory=dict)
    pause_ms: float = 0.0


class SwitchTogether:
    """One attempt to switch several services."""

    def __init__(
        self,
        members: Sequence[Member],
        decide: Callable[[], None],
        limits: Limits,
        watch: Callable[[Step], None] = lambda step: None,
    ) -> None:
        """`decide` records, on disk when it returns, that all go forward. `watch` is told each step once."""
        self._members = members
        self._decide = decide
        self._limits = limits
        self._watch = watch
        self._watched: set[Step] = set()
        self._watching = threading.Lock()
        self._failed = threading.Event()
        self._paused_at = 0.0
        self.deciding = False
        """Whether the decision may be on disk: from then on nobody is led back without asking for it."""

    def carry_out(self) -> Mapping[str, SwitchResult]:
        """Do every step for every service; returns how each one's switch went.

        Raises NotPaused, and what the first step that failed raised: the caller then calls `clients_go_on`
        and settles each of them.
        """
        with ThreadPoolExecutor(len(self._members), thread_name_prefix="together") as pool:
            begun = time.monotonic()
            self._each(pool, (Step.PAUSE,))
            self._paused_at = time.monotonic()
            self._each(pool, READY, then=lambda actions: actions.on_disk())
            # Too late is said before it is decided: from then on nothing but a server keeps them.
            seconds_for(POINT_OF_NO_RETURN, self._limits, time.monotonic() - self._paused_at)
            with at_most(_DECIDING_SECONDS + GRACE_SECONDS):
                self.deciding = True
                self._decide()
            self._each(pool, (Step.OPEN_NEW,))
            self._each(pool, (Step.RESUME,), since=begun)
            self._each(pool, (Step.DROP_FEED,))
        return {one.name: SwitchResult(one.step_ms, one.pause_ms) for one in self._members}

    def clients_go_on(self) -> bool:
        """After a failure: whether all clients are served again where they were.

        False from the decision on, and where a side does not answer: settling does it then.
        """
        if self.deciding:
            return False
        with ThreadPoolExecutor(len(self._members), thread_name_prefix="together") as pool:
            return all(pool.map(lambda one: one.actions.clients_go_on(), self._members))

    def _each(
        self,
        pool: ThreadPoolExecutor,
        steps: Sequence[Step],
        then: Callable[[Actions], None] = lambda _: None,
        since: float | None = None,
    ) -> None:
        """Do `steps`, then `then`, for all at the same time; returns when all have ended."""
        works = [pool.submit(self._work, one, steps, then, since) for one in self._members]
        errors = [error for work in works if (error := work.exception()) is not None]
        if not errors:
            return
        if steps == (Step.PAUSE,) and all(isinstance(error, StepTimeout) for error in errors):
            raise NotPaused("; ".join(map(str, errors))) from errors[0]
        raise next((e for e in errors if not isinstance(e, StepTimeout)), errors[0])

    def _work(
        self,
        member: Member,
        steps: Sequence[Step],
        then: Callable[[Actions], None],
        since: float | None,
    ) -> None:
        try:
            for step in steps:
                if self._failed.is_set() and step is not Step.RESUME:
                    return
                self._tell(step)
                seconds = _OPENING_SECONDS
                if step is not POINT_OF_NO_RETURN:
                    seconds = seconds_for(step, self._limits, time.monotonic() - self._paused_at)
                also = {"together": [one.name for one in self._members]} if step is Step.PAUSE else {}
                member.step_ms[step.name.lower()] = do_step(
                    member.actions, member.record, step, seconds, durable=_DURABLE, also=also
                )
            with at_most(self._limits.inside + GRACE_SECONDS):
                then(member.actions)
        except BaseException:
            self._failed.set()
            raise
        if since is not None:
            member.pause_ms = (time.monotonic() - since) * 1000

    def _tell(self, step: Step) -> None:
        with self._watching:
            if step not in self._watched:
                self._watched.add(step)
                self._watch(step)
