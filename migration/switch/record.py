"""A switch's records in the journal: which are waited for, and what recovery reads back.

Clients wait while a switch is under way, and two round trips a step add up. Recovery decides by what it
observes on the servers and by the record of the point of no return; the other records tell a person what
happened. Those are written beside the steps, in order, by a thread of their own.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from core.observer import Observer, Unobserved
from core.sessions.liveness import at_most
from migration.journal.journal import Figures, Journal, Move, Outcome
from migration.journal.states import Verb
from migration.switch.protocol import POINT_OF_NO_RETURN, SWITCH

RECORD_SECONDS = 1.0
"""So long may the records of a switch that failed take; what is not written then is left out."""


class SwitchRecord(contextlib.AbstractContextManager["SwitchRecord"]):
    """Records the steps of one move's switches, under names that say which way it went.

    All is written when the context ends. What could not be written is raised by the next durable record,
    or at the end unless the switch has failed anyway.
    """

    def __init__(
        self,
        journal: Journal,
        move: Move,
        verb: Verb,
        observer: Observer | None = None,
        *,
        alone: bool = False,
    ) -> None:
        """`alone`: no other service is switched together with it; else the journal is asked."""
        self._alone = alone
        self._journal = journal
        self._move = move
        self._verb = verb
        self._observer = observer or Unobserved()
        self._begun: list[tuple[str, Future[int]]] = []
        """By the numbers given out: a step's name, and its number in the journal once it is written."""
        self._pending: list[Future[Any]] = []
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._writer.shutdown(wait=True)
            self._drain()
        else:
            with at_most(RECORD_SECONDS):  # the journal's server may be what failed
                self._writer.shutdown(wait=True)

    def begin(self, name: str, *, durable: bool) -> int:
        """Record that a step begins; see `migration.switch.carry_out.Record`.

        A `durable` record is on disk, and all before it are written, when this returns. The others are on
        their way.
        """
        full = f"{self._verb}: {name}"
        self._observer.reached("begin", full)
        written = self._writer.submit(self._journal.begin, self._move, full, durable=durable)
        self._pending.append(written)
        self._begun.append((full, written))
        if durable:
            self._drain()
        self._observer.reached("begun", full)
        return len(self._begun) - 1

    def end(
        self, record: int, outcome: Outcome, figures: Figures, error: BaseException | None = None
    ) -> None:
        """Record how a step ended; the record is on its way when this returns."""
        name, begun = self._begun[record]
        self._observer.reached("acted", name)
        self._pending.append(
            self._writer.submit(
                lambda: self._journal.end(begun.result(), outcome, figures, error, durable=False)
            )
        )
        self._observer.reached("ended", name)

    def _drain(self) -> None:
        """Wait for all records on their way; raises what one of them raised, each only once."""
        pending, self._pending = self._pending, []
        for written in pending:
            written.result()

    def opening_begun(self) -> bool:
        """Whether the newest switch of this move, this way, began to open the new side."""
        begun = False
        for record in self._journal.steps(self._move):
            if record.step == f"{self._verb}: {SWITCH[0].value}":
                begun = False
            elif record.step == f"{self._verb}: {POINT_OF_NO_RETURN.value}":
                begun = True
        return begun

    def decided(self) -> bool | None:
        """See `migration.switch.carry_out.Record`."""
        group = None if self._alone else self._journal.group(self._move)
        return None if group is None else group.decided
