"""Carries out one service's switch with its records and limits, and settles it until it is through."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from components.contract import Service
from core.errors import MigrationError, WrongState
from core.sessions.liveness import at_most
from migration.journal.journal import Move
from migration.journal.states import State, Verb
from migration.steps.runner import Runner
from migration.switch.actions import SwitchActions
from migration.switch.before_pause import within_patience
from migration.switch.carry_out import Limits, SwitchResult, carry_out, settle
from migration.switch.protocol import Step, Verdict
from migration.switch.record import SwitchRecord

RETREAT_LIMIT_SECONDS = 5.0
STRANDED_FACTOR = 20
"""Times the usual patience (10 minutes) that a switch is tried to be settled while its clients wait."""

AFTER: dict[tuple[Verb, Verdict], State] = {
    ("cutover", Verdict.BACK): State.FOLLOWING,
    ("cutover", Verdict.FORWARD): State.MOVED,
    ("rollback", Verdict.BACK): State.MOVED,
    ("rollback", Verdict.FORWARD): State.FOLLOWING,
}


@dataclass(frozen=True)
class Switching:
    """With the operator's lock held by `runner.journal`."""

    runner: Runner
    limits: Limits
    watch: Callable[[Step], None]

    def begin(self, move: Move, state: State) -> Move:
        """Record that a switch begins; a group that one before it was in does not count any more."""
        self.runner.journal.leave(move, "interrupted")
        return self.runner.journal.set_state(move, state)

    def carry_out(self, service: Service, move: Move, verb: Verb, actions: SwitchActions) -> SwitchResult:
        """Run the switch of one service; settle what a failure leaves at once, or when the servers answer.

        Raises what failed: the service is then where it was; WrongState where only `resume` can tell.
        """
        served = True
        try:
            actions.make_ready()
            with self.runner.interruption.shield(), self.record(move, verb, alone=True) as record:
                try:
                    limits = within_patience(self.limits, service)
                    result = carry_out(actions, record, limits, self.watch)
                except BaseException:
                    with at_most(RETREAT_LIMIT_SECONDS):
                        served = actions.clients_go_on()
                    raise
        except BaseException as error:
            self._settle_after(move, verb, actions, error, served=served)
            raise
        self.ended(move, verb, Verdict.FORWARD, actions)
        self.runner.journal.mirror.switched(move.service, result.pause_ms)
        actions.validate()
        return result

    def settle(self, move: Move, verb: Verb, actions: SwitchActions, *, alone: bool = False) -> None:
        """Bring a switch that was cut off to an end; `alone`: known to be of no group.

        Raises what `migration.switch.carry_out.settle` does.
        """
        with self.runner.interruption.shield():
            with self.record(move, verb, alone=alone) as record:
                verdict = settle(actions, record)
            self.ended(move, verb, verdict, actions)

    def ended(self, move: Move, verb: Verb, verdict: Verdict, actions: SwitchActions) -> None:
        """Record where a switch that is over has led the service."""
        state = AFTER[verb, verdict]
        # Ahead of the state: whoever is killed in between comes here again.
        actions.follows("target" if state == State.FOLLOWING else "source")
        self.runner.journal.leave(move, "done" if verdict is Verdict.FORWARD else "failed")
        self.runner.journal.set_state(move, state)

    def record(self, move: Move, verb: Verb, *, alone: bool = False) -> SwitchRecord:
        """Where its steps are recorded."""
        return SwitchRecord(self.runner.journal, move, verb, self.runner.observer, alone=alone)

    def _settle_after(
        self, move: Move, verb: Verb, actions: SwitchActions, error: BaseException, *, served: bool
    ) -> None:
        def settle_once() -> str | None:
            try:
                self.settle(move, verb, actions, alone=True)
            except MigrationError as failure:
                return str(failure)
            return None

        settle_until_done(self.runner, Failed(move.service, verb, error, served=served), settle_once)


@dataclass(frozen=True)
class Failed:
    """A switch that failed, as messages name it."""

    names: str
    """Of the service, or of those that were switched together."""
    verb: Verb
    error: BaseException
    served: bool
    """Whether clients go on; else they wait for a side that does not answer."""
    together: bool = False


def settle_until_done(runner: Runner, failed: Failed, settle_once: Callable[[], str | None]) -> None:
    """Settle a switch that failed, again and again: `settle_once` returns why it could not be, or None.

    Raises WrongState, with the failure in it, where `resume` has to. Clients that wait give it more time.
    """
    failed_at = time.monotonic()
    clients, together, sides = (
        ("clients", " together", "one side of each") if failed.together else ("its clients", "", "one side")
    )
    told = failed.served
    while (failure := settle_once()) is not None:
        patience = runner.patience * (1 if failed.served else STRANDED_FACTOR)
        if time.monotonic() - failed_at > patience or runner.interruption.stop.is_set():
            raise WrongState(
                f"the {failed.verb} of {failed.names}{together} failed ({failed.error}) and could not be "
                f"settled yet ({failure}), {clients} {'go on' if failed.served else 'may be waiting'}: mend "
                f"that, then run `resume`; until then at most {sides} takes writes"
            ) from failed.error
        if not told:
            told = True
            runner.progress.note(
                f"{failed.names}: the {failed.verb} failed ({failed.error}); {clients} wait until it is "
                f"settled ({failure}), which is tried again and again; Ctrl-C leaves it to `resume`"
            )
        time.sleep(0.5)
        with contextlib.suppress(MigrationError):
            runner.journal.reconnect()
