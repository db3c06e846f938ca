"""A switch's records in the journal: which are waited for, and what recovery reads back."""

from __future__ import annotations

from typing import Literal

from migration.journal import Figures, Journal, Move, Outcome
from migration.move import Observer, Unobserved
from migration.protocol import POINT_OF_NO_RETURN, SWITCH

Verb = Literal["cutover", "rollback"]


class SwitchRecord:
    """Records the steps of one move's switches, under names that say which way it went."""

    def __init__(self, journal: Journal, move: Move, verb: Verb, observer: Observer | None = None) -> None:
        self._journal = journal
        self._move = move
        self._verb = verb
        self._observer = observer or Unobserved()
        self._names: dict[int, str] = {}

    def begin(self, name: str, *, durable: bool) -> int:
        """Record that a step begins; see `migration.switch.Record`.

        Only a `durable` record waits for the disk. Recovery decides by what it observes on the servers and
        by the record of the point of no return; the others tell a person what happened, and each wait
        would lengthen the pause.
        """
        full = f"{self._verb}: {name}"
        self._observer.reached("begin", full)
        record = self._journal.begin(self._move, full, durable=durable)
        self._names[record] = full
        self._observer.reached("begun", full)
        return record

    def end(
        self, record: int, outcome: Outcome, figures: Figures, error: BaseException | None = None
    ) -> None:
        """Record how a step ended."""
        name = self._names.get(record, "")
        self._observer.reached("acted", name)
        self._journal.end(record, outcome, figures, error, durable=False)
        self._observer.reached("ended", name)

    def opening_begun(self) -> bool:
        """Whether the newest switch of this move, this way, began to open the new side."""
        begun = False
        for record in self._journal.steps(self._move):
            if record.step == f"{self._verb}: {SWITCH[0].value}":
                begun = False
            elif record.step == f"{self._verb}: {POINT_OF_NO_RETURN.value}":
                begun = True
        return begun
