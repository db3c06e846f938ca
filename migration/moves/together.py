"""Switches several services at one instant, all or none, and settles them together.

What crosses them never sees one moved and another not. docs/decisions/0166-several-services-at-one-instant.md
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace

from components.contract import Service
from core.errors import MigrationError, StepTimeout
from core.sessions.liveness import at_most
from migration.journal.journal import Group, Move
from migration.journal.states import State, Verb
from migration.moves.online import Online
from migration.moves.switching import RETREAT_LIMIT_SECONDS, Failed, settle_until_done
from migration.plan.model import Plan
from migration.replicate.flow import Direction
from migration.steps.context import OnlineMove, end_orphans_of
from migration.steps.materialized import refresh_shared
from migration.switch.actions import SwitchActions
from migration.switch.before_pause import within_patience
from migration.switch.carry_out import Limits, SwitchResult
from migration.switch.protocol import Verdict
from migration.switch.recheck import Recheck
from migration.switch.together import Member, NotPaused, SwitchTogether

FIRST_PAUSE_SECONDS = 0.5
"""Whoever has a transaction at one of the services and begins one at another keeps both from being paused at
the same time, until this ends: so short first, then twice as long, up to what the operator allows."""
ATTEMPTS = 5
_REST_SECONDS = (0.5, 1.5)

_DURING: dict[Verb, State] = {"cutover": State.CUTTING_OVER, "rollback": State.ROLLING_BACK}


@dataclass
class _Part:
    """One service's, ready to be switched."""

    service: Service
    context: OnlineMove
    move: Move
    actions: SwitchActions


def switch_together(
    online: Online, verb: Verb, wanted: Sequence[tuple[Service, Plan]], *, verified: bool = True
) -> Mapping[str, SwitchResult]:
    """Compare all rows of all of them, then switch all at one instant; returns how each one's switch went.

    Raises VerificationFailed, or what failed: all are then where they were; WrongState where only `resume`
    can tell; StepTimeout where their gateways could not be paused at the same time.
    """
    ordered = sorted(wanted, key=lambda one: one[0].name)
    contexts = []
    for service, plan in ordered:
        move = (
            online.in_state(service, State.FOLLOWING)
            if verb == "cutover"
            else online.require_way_back(service)
        )
        contexts.append(online.context(move, service, plan))
    # All of them before the first session of ours is opened: it would be taken for an orphan.
    for context in contexts:
        end_orphans_of(context)
    direction: Direction = "forward" if verb == "cutover" else "back"
    with ExitStack() as stack:
        rechecks = [stack.enter_context(Recheck(context, direction)) for context in contexts]
        for context, recheck in zip(contexts, rechecks, strict=True):
            online.prove(context, recheck, verb, verified=verified)
        online.point_before([context.move for context in contexts], verb)
        online.runner.interruption.check()
        group = Group(str(uuid.uuid4()), tuple(context.name for context in contexts), decided=False)
        moves = _begin(online, group, verb, contexts)
        parts = []
        for context, recheck, move in zip(contexts, rechecks, moves, strict=True):
            taken = online.taken.get(context.name)
            actions = stack.enter_context(SwitchActions(context, verb, recheck, taken))
            parts.append(_Part(context.service, context, move, actions))
        results = _Switching(online, verb, group, parts).run()
    if verb == "rollback":
        for context in contexts:
            refresh_shared(context)
    return results


def _begin(online: Online, group: Group, verb: Verb, contexts: Sequence[OnlineMove]) -> list[Move]:
    """Record who is in the group, then that their switch is under way: in this order for each of them."""
    journal = online.runner.journal
    for context in contexts:
        journal.leave(context.move, "interrupted")
        journal.join(context.move, group)
    return [journal.set_state(context.move, _DURING[verb]) for context in contexts]


class _Switching:
    def __init__(self, online: Online, verb: Verb, group: Group, parts: Sequence[_Part]) -> None:
        self._online, self._verb, self._group, self._parts = online, verb, group, parts
        self._runner, self._switching = online.runner, online.switching
        self._decision: int | None = None
        self._served = True
        """Whether clients go on after an attempt that failed."""
        self._names = ", ".join(group.services)

    def run(self) -> Mapping[str, SwitchResult]:
        with ExitStack() as claims:
            try:
                for part in self._parts:
                    claims.enter_context(self._online.claimed(part.service, self._verb))
                results = self._attempts()
            except BaseException as error:
                self._settle_after(error)
                raise
        journal = self._runner.journal
        if self._decision is not None:
            journal.end(self._decision, "done", durable=False)
        for part in self._parts:
            self._switching.ended(part.move, self._verb, Verdict.FORWARD, part.actions)
            journal.mirror.switched(part.service.name, results[part.service.name].pause_ms)
        for part in self._parts:
            part.actions.validate()
        return results

    def _attempts(self) -> Mapping[str, SwitchResult]:
        limits = self._limits()
        for attempt in range(1, ATTEMPTS + 1):
            short = replace(limits, pause=min(limits.pause, FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)))
            try:
                self._make_ready()
                return self._attempt(short)
            except NotPaused as error:
                if attempt == ATTEMPTS:
                    raise StepTimeout(
                        f"{self._names} could not be paused at the same time, {ATTEMPTS} times ({error}): "
                        "whoever has a transaction at one of them while it begins one at another is in the "
                        "way; run it again at a quieter time"
                    ) from error
                if not self._served:
                    raise
                self._runner.progress.note(f"{error}; all clients go on, it is tried again")
                rest = random.uniform(*_REST_SECONDS)  # noqa: S311 (only spreads attempts)
                self._runner.interruption.stop.wait(rest)
                self._runner.interruption.check()
        raise AssertionError("the last attempt returns or raises")

    def _make_ready(self) -> None:
        with ThreadPoolExecutor(len(self._parts), thread_name_prefix="ready") as pool:
            for _ in pool.map(lambda part: part.actions.make_ready(), self._parts):
                self._runner.interruption.check()

    def _attempt(self, limits: Limits) -> Mapping[str, SwitchResult]:
        with self._runner.interruption.shield(), ExitStack() as stack:
            members = [
                Member(
                    part.service.name,
                    part.actions,
                    stack.enter_context(self._switching.record(part.move, self._verb)),
                )
                for part in self._parts
            ]
            attempt = SwitchTogether(members, self._decide, limits, self._online.watch)
            try:
                return attempt.carry_out()
            except BaseException:
                with at_most(RETREAT_LIMIT_SECONDS):
                    self._served = attempt.clients_go_on()
                raise

    def _decide(self) -> None:
        observer = self._runner.observer
        name = f"{self._verb}: decide"
        observer.reached("begin", name)
        observer.reached("begun", name)
        self._decision = self._runner.journal.decide(self._parts[0].move, self._group)
        observer.reached("acted", name)

    def _limits(self) -> Limits:
        """No application of any of them may give up first."""
        each = [within_patience(self._online.limits, part.service) for part in self._parts]
        return replace(each[0], pause=min(one.pause for one in each), inside=min(one.inside for one in each))

    def _settle_after(self, error: BaseException) -> None:
        """Settle all. Each is tried again and again, whatever keeps another from being settled."""
        left = list(self._parts)

        def settle_once() -> str | None:
            failures = self._settle_once(left)
            return next((f"{name}: {failure}" for name, failure in failures.items()), None)

        failed = Failed(self._names, self._verb, error, served=self._served, together=True)
        settle_until_done(self._runner, failed, settle_once)

    def _settle_once(self, left: list[_Part]) -> dict[str, MigrationError]:
        """Try each of `left`, from which those that are settled go; returns what failed, by service."""
        failures: dict[str, MigrationError] = {}
        # Settling one of them ends all sessions that may still act on the shared database.
        for part in left:
            part.actions.close()
        for part in list(left):
            try:
                self._switching.settle(part.move, self._verb, part.actions)
            except MigrationError as failure:
                failures[part.service.name] = failure
            else:
                left.remove(part)
            part.actions.close()
        return failures
