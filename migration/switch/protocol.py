"""Who may write, as a protocol: the steps of a switch, and what to do after a crash between any two.

A switch moves the right to write from the `old` side to the `new` one. A cutover is a switch from
the shared database to the service's own; an immediate rollback is the same switch the other way
round. `feed` is the replication old -> new that runs before the switch, `back` the replication
new -> old that runs after it, so that the next switch (the other way) loses nothing.

This module is pure: it names the steps, their order, and the way on from what can be observed. The
tests explore every state that crashes can reach with it (tests/unit/migration/switch/test_protocol.py), and
`migration.switch.carry_out` carries out exactly these steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Step(Enum):
    """A step of a switch; the value is its name in the journal."""

    PAUSE = "pause the gateway"
    CLOSE_OLD = "close the old side"
    CATCH_UP = "catch up to the last write"
    ROUTE_NEW = "repoint the gateway"
    STOP_FEED = "stop the replication to the new side"
    MAKE_BACK_SLOT = "make the slot of the replication back"
    START_BACK = "start the replication back"
    COMPARE = "compare the keys changed since the last verification"
    SEQUENCES = "set the sequences"
    PROVE_BACK = "prove the replication back with a heartbeat"
    OPEN_NEW = "open the new side"
    RESUME = "resume the gateway"
    DROP_FEED = "drop the slot of the replication that has ended"


SWITCH: tuple[Step, ...] = tuple(Step)
"""The order of a switch. Up to OPEN_NEW every failure leads back; from it on, only forward.

The replication back starts before rows are compared, because its worker takes as long as comparing to
come up: both sides are closed and at rest meanwhile, so neither sees the other. The gateway is repointed
while it is paused and both sides are closed and equal: nobody is led anywhere before RESUME, and a gateway
that is killed and starts again, not paused, finds the same rows and no open side, whichever way it leads."""

POINT_OF_NO_RETURN = Step.OPEN_NEW


class Repair(Enum):
    """An action of recovery; the value is its name in the journal. Each can be run twice."""

    STOP_BACK = "stop the replication back"
    OPEN_OLD = "open the old side again"
    ROUTE_OLD = "point the gateway at the old side"
    ROUTE_NEW = "point the gateway at the new side"
    RESUME = "resume the gateway"
    START_FEED = "start the replication to the new side again"
    DROP_BACK_SLOT = "drop the slot of the replication back"
    DROP_FEED = "drop the slot of the replication that has ended"
    OPEN_NEW = "open the new side, as it was decided"
    """Only of services that are switched together."""


BACK: tuple[Repair, ...] = (
    Repair.STOP_BACK,
    Repair.OPEN_OLD,
    Repair.ROUTE_OLD,
    Repair.RESUME,
    Repair.DROP_BACK_SLOT,
    Repair.START_FEED,
)
"""The way back. Replication back stops before the old side opens: where changes carry no origin
(PostgreSQL 15 as publisher), a loop would start otherwise. Clients go on before the rest is tidied."""

FORWARD: tuple[Repair, ...] = (Repair.ROUTE_NEW, Repair.RESUME, Repair.DROP_FEED)
"""The way on once the new side is open: what was made before OPEN_NEW is all there."""

FORWARD_TOGETHER: tuple[Repair, ...] = (Repair.OPEN_NEW, *FORWARD)
"""The same for one of several services that are switched together: its own new side may not be open yet."""

NEEDS_NEW_SIDE = frozenset({Repair.DROP_BACK_SLOT, Repair.START_FEED})
"""Repairs that may wait until the new side answers again; clients do not depend on them."""


class Verdict(Enum):
    """What recovery decides."""

    BACK = "back"
    FORWARD = "forward"
    WAIT = "wait"
    """The new side may be open but does not answer: opening the old one could make two writers."""
    ALARM = "alarm"
    """Both sides open: never reached by this protocol; somebody else wrote the flags."""


@dataclass(frozen=True)
class Observed:
    """What recovery can see of an interrupted switch. None: that side does not answer."""

    old_open: bool | None
    new_open: bool | None
    opening_begun: bool
    """The journal holds the beginning of OPEN_NEW (written and committed before it acts)."""


def recover(observed: Observed) -> Verdict:
    """Decide how an interrupted switch goes on.

    The old side is opened only where the new one is known to be closed: it says so, or the journal
    shows that opening it was never begun (a side is born closed, and only OPEN_NEW opens it).
    """
    if observed.new_open:
        return Verdict.ALARM if observed.old_open else Verdict.FORWARD
    if observed.new_open is None and observed.opening_begun:
        return Verdict.WAIT
    return Verdict.WAIT if observed.old_open is None else Verdict.BACK


def recover_together(observed: Observed, *, decided: bool) -> Verdict:
    """The same for one of several services that are switched together, all or none.

    One record of the journal, on disk before any of their new sides opens, decides for all of them: `decided`
    says whether it is there. Everything up to it is done and on disk for each of them then. Without it no new
    side was opened, so an old one may open also while its new one does not answer.
    """
    if observed.new_open:
        return Verdict.ALARM if observed.old_open else Verdict.FORWARD
    if decided and not observed.old_open:
        return Verdict.WAIT if observed.new_open is None else Verdict.FORWARD
    return Verdict.WAIT if observed.old_open is None else Verdict.BACK


def repairs(verdict: Verdict, *, together: bool = False) -> tuple[Repair, ...]:
    """The actions of a verdict, in order; empty for WAIT and ALARM."""
    forward = FORWARD_TOGETHER if together else FORWARD
    return {Verdict.BACK: BACK, Verdict.FORWARD: forward}.get(verdict, ())
