"""Moves a service while it is being written to: start, verify, cut over, roll back, finish, give up, go on.

Each verb takes a service in a state that fits, runs named steps and records them; the states are words
in the journal. A verb that was cut off is settled by `resume`, or by the next verb.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from components.contract import Contract, Service
from core.errors import MigrationError, WrongState
from core.gateway.claim import Claim, claimed
from core.sessions.orphans import end_orphans
from core.sessions.stack import source_database, target_database
from migration.carry.take_over import TakenOver, take_over
from migration.consistency.keys import drop_crossing_keys
from migration.copy.pace import CopyPace
from migration.guards.flag import UPDATED
from migration.journal.journal import Move
from migration.journal.states import SWITCHING, State, Verb
from migration.moves.stale_slots import drop_stale_slots
from migration.moves.switching import Switching
from migration.physical.choose import Physical
from migration.plan.model import Plan
from migration.replicate.flow import Direction, Flow
from migration.steps.context import OnlineMove, end_orphans_of
from migration.steps.materialized import refresh_own, refresh_shared
from migration.steps.runner import Runner
from migration.switch.actions import SwitchActions
from migration.switch.carry_out import Limits, SwitchResult
from migration.switch.protocol import Step
from migration.switch.recheck import REPAIR, Recheck
from migration.verify.model import Verification

DROPPED_KEYS = "drop the keys that cross"
"""The step whose figures name them, as an offline move's does."""
TAKEN_OVER = "take carried schema changes over"
CLAIM_SECONDS = 30.0
"""So long may a restore point, which pauses for a moment, be in the way of a switch."""
POINT_BEFORE = "make a restore point of all services"


@dataclass(frozen=True)
class Online:
    """The verbs, for the services of one stack, with the operator's lock held by `runner.journal`."""

    contract: Contract
    runner: Runner
    workers: int
    wal_limit_bytes: int = 10 << 30
    limits: Limits = field(default_factory=Limits)
    watch: Callable[[Step], None] = lambda step: None
    pace: CopyPace = field(default_factory=CopyPace)
    physical: Physical = "never"
    """Whether `start` may bring tables as files."""
    taken: dict[str, TakenOver] = field(default_factory=dict)
    """What `carried` found, by service: a switch is refused when more has come since."""

    def state(self, service: Service) -> Move | None:
        """The service's move that is under way or done; None when it has none."""
        move = self.runner.journal.last_move(service.name)
        return move if move is not None and move.finished is None else None

    def start(self, service: Service, plan: Plan) -> Move:
        """Copy the service and let its own database follow; nothing its clients notice.

        A start that was cut off is undone first. Raises what the step that failed raised, after
        everything was undone; WrongState for a service that is further.
        """
        from migration.moves.start import run_start

        journal = self.runner.journal
        move = self.require_startable(service)
        if move is not None:
            self._undo_start(move, service, plan)
        move = journal.start(service, "online", State.STARTING)
        try:
            run_start(self.runner, move, self.context(move, service, plan))
        except BaseException:
            # Without the journal, or with something left, the move stays as it is: `resume` undoes the rest.
            if not self.runner.left:
                with contextlib.suppress(MigrationError):
                    journal.set_state(move, State.UNDONE, over=True)
            raise
        return journal.set_state(move, State.FOLLOWING)

    def require_startable(self, service: Service) -> Move | None:
        """None, or the move of a start that was cut off; raises WrongState for a service that is further."""
        last = self.runner.journal.last_move(service.name)
        if last is not None and last.state == State.FINISHED:
            raise WrongState(
                f"{service.name} is finished: it lives in its own database, and its old copy is archived"
            )
        move = self.state(service)
        if move is not None and (move.mode, move.state) != ("online", State.STARTING):
            raise WrongState(
                f"{service.name} is {move.state} ({move.mode}) already; `status` shows what fits"
            )
        return move

    def carried(self, service: Service, read: Callable[[], Plan]) -> Plan:
        """The plan that `read` gives, once the side that follows has the schema changes that were carried.

        Raises what `migration.carry.take_over` does.
        """
        move = self.state(service)
        if move is None or move.mode != "online" or move.state not in {State.FOLLOWING, State.MOVED}:
            return read()
        direction: Direction = "forward" if move.state == State.FOLLOWING else "back"
        ends = source_database(self.contract), target_database(service)
        with Flow(service.name, direction, *(ends if direction == "forward" else ends[::-1])) as flow:
            plan, taken = take_over(
                lambda plan: self.context(move, service, plan), flow, read, service.schema_name
            )
        self.taken[service.name] = taken
        if taken.tables or taken.keys:
            journal = self.runner.journal
            figures = {"tables": list(taken.tables), "keys": list(taken.keys), "changes": taken.changes}
            journal.end(journal.begin(move, TAKEN_OVER, figures), "done")
            self.runner.progress.note(
                f"{service.name}: schema changes carried over, {len(taken.tables)} new tables are followed"
            )
        return plan

    def verify(self, service: Service, plan: Plan) -> Verification:
        """Compare every row of a service that follows, at one instant of both sides, while both go on."""
        move = self.in_state(service, State.FOLLOWING)
        with Recheck(self.context(move, service, plan)) as recheck:
            verification = recheck.verify()
        self.runner.journal.record_verification(move, verification.as_json())
        return verification

    def cutover(self, service: Service, plan: Plan) -> SwitchResult:
        """Verify, then switch the service to its own database.

        Raises VerificationFailed or what the failing step raised: the service is then where it was.
        """
        move = self.in_state(service, State.FOLLOWING)
        context = self.context(move, service, plan)
        end_orphans_of(context)
        with Recheck(context) as recheck:
            self.prove(context, recheck, "cutover")
            self.point_before([move], "cutover")
            self.runner.interruption.check()
            move = self.switching.begin(move, State.CUTTING_OVER)
            taken = self.taken.get(service.name)
            with (
                self.claimed(service, "cutover"),
                SwitchActions(context, "cutover", recheck, taken) as actions,
            ):
                return self.switching.carry_out(service, move, "cutover", actions)

    def prove(self, context: OnlineMove, recheck: Recheck, verb: Verb, *, verified: bool = True) -> None:
        """Ahead of a switch, while clients go on: compare all rows, and record it.

        Before a cutover also what only it needs: materialized views that are fresh, and no key from another
        service's tables. Without `verified` only what changes from now on is compared later. Raises
        VerificationFailed.
        """
        journal, move = self.runner.journal, context.move
        if verb == "cutover":
            refresh_own(context)
        if verified:
            verification = recheck.verify()
            journal.record_verification(move, verification.as_json())
            verification.require(REPAIR)
        else:
            recheck.begin()
        if verb == "cutover":
            keys = drop_crossing_keys(context.source, context.service.schema_name, context.schemas)
            if keys:
                said = [f"{key}: {key.definition}" for key in keys]
                journal.end(journal.begin(move, DROPPED_KEYS, {"keys": said}), "done")

    def rollback(self, service: Service, plan: Plan, *, verified: bool = True) -> SwitchResult:
        """Switch the service back to the shared database, with every write made since.

        Verified as before a cutover; without `verified` only what changes from now on is compared.
        Raises VerificationFailed or what the failing step raised: the service is then where it was.
        """
        move = self.require_way_back(service)
        context = self.context(move, service, plan)
        end_orphans_of(context)
        with Recheck(context, "back") as recheck:
            self.prove(context, recheck, "rollback", verified=verified)
            self.point_before([move], "rollback")
            self.runner.interruption.check()
            move = self.switching.begin(move, State.ROLLING_BACK)
            taken = self.taken.get(service.name)
            with (
                self.claimed(service, "rollback"),
                SwitchActions(context, "rollback", recheck, taken) as actions,
            ):
                result = self.switching.carry_out(service, move, "rollback", actions)
        refresh_shared(context)
        return result

    def require_way_back(self, service: Service) -> Move:
        """The move of a service that can be led back; raises WrongState, with the reason, for another."""
        move = self.state(service)
        if move is not None and (move.mode, move.state) == ("offline", State.MOVED):
            raise WrongState(
                f"{service.name} was moved with its writes stopped, so nothing replicates back: its writes "
                "since then are only in its own database; it cannot go back without losing them"
            )
        return self.in_state(service, State.MOVED)

    def update_guards(self, move: Move, service: Service, plan: Plan) -> None:
        """Ahead of what looks at guards: those that an older version of this program made become this one's.

        Raises what `Ownership.update` does.
        """
        context = self.context(move, service, plan)
        for database in (context.source, context.target):
            with context.guards(database) as guards:
                if guards.update():
                    self.runner.progress.note(f"{service.name}: {UPDATED[database.side]}")

    def resume(self, service: Service, plan: Plan) -> Move | None:
        """Bring whatever was cut off to an end; returns the move afterwards, None when there is none.

        A start is undone; a switch goes back or forward, as the protocol decides.
        Raises WrongState when a side that matters does not answer.
        """
        move = self.state(service)
        if move is None or move.mode != "online":
            return move
        if move.state == State.STARTING:
            self._undo_start(move, service, plan)
            return None
        if move.state in SWITCHING:
            verb = SWITCHING[move.state]
            with SwitchActions(self.context(move, service, plan), verb) as actions:
                self.switching.settle(move, verb, actions)
                actions.validate()
        move = self.state(service)
        drop_stale_slots(self.contract, service, None if move is None else move.state)
        return move

    def abort(self, service: Service, plan: Plan) -> None:
        """Give up a move that was not cut over: all that it made is removed, the target is emptied."""
        move = self.resume(service, plan)
        if move is None:
            return
        if move.mode != "online" or move.state not in {State.FOLLOWING, State.FALLEN}:
            raise WrongState(
                f"{service.name} is {move.state} ({move.mode}): `rollback --immediate` first, then `abort`"
            )
        self._undo_start(move, service, plan)

    def _undo_start(self, move: Move, service: Service, plan: Plan) -> None:
        """Raises, as what it was, what could not be undone: the rest is, and the move stays `starting`."""
        from migration.moves.start import START

        context = self.context(move, service, plan)
        move = self.runner.journal.set_state(move, State.STARTING)
        for database in (context.source, context.target):
            # A side that does not answer is met again, and said, by the steps themselves.
            with contextlib.suppress(MigrationError):
                end_orphans(database, whole=True)
        self.runner.undo(move, START, context)
        if self.runner.left:
            step, error = self.runner.left[0]
            raise type(error)(
                f"{service.name} could not be undone whole: {error} (undoing {step!r}; "
                f"{len(self.runner.left)} steps are left); mend that, then run `resume`"
            )
        self.runner.journal.set_state(move, State.UNDONE, over=True)

    def claimed(self, service: Service, verb: Verb) -> AbstractContextManager[Claim]:
        """Nobody else pauses its gateway meanwhile, for a restore point for example."""
        return claimed(service, self.contract.source, f"{verb} of {service.name}", CLAIM_SECONDS)

    def point_before(self, moves: Sequence[Move], verb: Verb) -> None:
        """Where backups are kept: a restore point of all services, recorded for those that are switched."""
        if all(one.backups is None for one in self.contract.services.values()):
            return  # a point without an archive leads nowhere
        from core.points.create import Around
        from migration.switch.point_before import make_point_before

        journal = self.runner.journal
        records = [journal.begin(move, POINT_BEFORE) for move in moves]
        interruption = self.runner.interruption
        around = Around(interruption.shield, interruption.stop, self.runner.progress.note)
        names = [move.service for move in moves]
        figures = make_point_before(self.contract, names, verb, around, self.runner.progress.note)
        for record in records:
            journal.end(record, "failed" if "not_made" in figures else "done", figures)

    @property
    def switching(self) -> Switching:
        """What carries out and settles its switches."""
        return Switching(self.runner, self.limits, self.watch)

    def in_state(self, service: Service, wanted: State) -> Move:
        """The service's move, which is in the state `wanted`; raises WrongState with what to do first."""
        move = self.state(service)
        if move is None or (move.mode, move.state) != ("online", wanted):
            found = "not begun" if move is None else f"{move.state} ({move.mode})"
            advice = {State.FOLLOWING: "`start` it first", State.MOVED: "`cutover` it first"}[wanted]
            if move is not None and move.state in {*SWITCHING, State.STARTING}:
                advice = "`resume` it first"
            raise WrongState(f"{service.name} is {found}, not {wanted}: {advice}")
        return move

    def context(self, move: Move, service: Service, plan: Plan) -> OnlineMove:
        """What the steps of the service's move work on."""
        return OnlineMove(
            contract=self.contract, service=service, plan=plan, journal=self.runner.journal, move=move,
            progress=self.runner.progress, stop=self.runner.interruption.stop, workers=self.workers,
            wal_limit_bytes=self.wal_limit_bytes, pace=self.pace, physical=self.physical,
        )  # fmt: skip
