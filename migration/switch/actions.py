"""What each step of a switch does to the servers and the gateway, for one service and one way.

All sessions are opened before the pause and kept. Before anything is observed they are closed, and
sessions of a dead process are ended: none of their statements is then still on its way (see
`migration.switch.protocol`).
"""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from components.replication_roles import flow_name
from core.errors import ConnectionLost, MigrationError
from core.gateway.gateway import Gateway, Route
from core.sessions.connections import Database
from core.sessions.orphans import end_orphans
from core.sessions.session import Connection
from migration.carry.take_over import TakenOver, require_no_more
from migration.copy.sequences import read_sequences, set_sequences
from migration.guards.changes import read_watch, require_unchanged, require_unchanged_in_pause
from migration.guards.ownership import Ownership
from migration.journal.states import Verb
from migration.replicate.flow import Flow
from migration.replicate.subscription import Subscription
from migration.steps.context import OnlineMove
from migration.steps.shifting_checks import (
    has_shifting_checks,
    put_on_checks,
    take_off_checks,
    validate_served,
)
from migration.switch.before_pause import require_no_long_transaction
from migration.switch.carry_out import Figures
from migration.switch.large_objects import Carried, LargeObjectSide, carry_large_objects
from migration.switch.protocol import Repair, Step
from migration.switch.recheck import Recheck

T = TypeVar("T")

GO_ON_SECONDS = 2.0
"""How long an apply worker may take to end while clients wait to go on where they were."""


@dataclass
class Side:
    """One end of the switch: its guards, and a session for everything else."""

    route: Route
    database: Database
    guards: Ownership
    session: Connection


@dataclass
class _Open:
    old: Side
    new: Side
    feed: Flow
    back: Flow
    beside: ThreadPoolExecutor
    """Repoints the gateway while the servers are at work."""
    looking: ThreadPoolExecutor
    """Compares, and sets sequences, while replication is turned round."""
    stack: contextlib.ExitStack = field(repr=False)
    repointing: Future[None] | None = None
    numbered: Future[int] | None = None
    """The sequences that were set."""
    sound: Future[None] | None = None
    """Whether the old side is closed to everybody."""
    compared: Future[Figures] | None = None

    def repointed(self) -> None:
        """Wait until the gateway leads where it was told to. Raises what repointing raised."""
        repointing, self.repointing = self.repointing, None
        if repointing is not None:
            repointing.result()


class SwitchActions:
    """The actions of a cutover (`old` is the shared database) or a rollback (`old` is the service's own)."""

    def __init__(
        self, move: OnlineMove, verb: Verb, recheck: Recheck | None = None, taken: TakenOver | None = None
    ) -> None:
        """`recheck` has verified the service; None: only to settle a switch that was cut off."""
        self._move = move
        self._verb = verb
        self._recheck = recheck
        self._gateway: Gateway = move.gateway
        self._routes: tuple[Route, Route] = (
            ("source", "target") if verb == "cutover" else ("target", "source")
        )
        self._taken = taken
        self._opened: _Open | None = None
        self._attempted: set[Step] = set()
        self._put_on: list[str] = []
        # The watch is over the shared database's schema, the one that is copied from.
        self._began = read_watch(move.journal.steps(move.move)) if verb == "cutover" else None

    def __enter__(self) -> SwitchActions:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Open every session. Raises what connecting raises."""
        self.close()
        with contextlib.ExitStack() as stack:
            old, new = (self._side(route, stack) for route in self._routes)
            forward = stack.enter_context(self._move.forward())
            back = stack.enter_context(self._move.back())
            stack.enter_context(self._gateway.connected())
            beside = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="repoint"))
            looking = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="looking"))
            feed, back = (forward, back) if self._verb == "cutover" else (back, forward)
            self._opened = _Open(old, new, feed, back, beside, looking, stack.pop_all())

    def make_ready(self) -> None:
        """Ahead of the pause: open the sessions, make the slot of the way back,
        and compare what changed since the verification until little is left for the pause.

        The slot is moved to the right position inside the pause, which is quicker than making it there.
        """
        self.open()
        if self._began is not None:
            with self._ready.old.database.translated("looking for changes of its schema"):
                require_unchanged(self._ready.old.session, self._began)
        self._carry_large_objects()
        self._ready.back.make_slot()
        self._gateway.prepare(self._routes[1])
        if self._recheck is not None:
            self._recheck.narrow()
        self._require_no_more_changes()
        self._warm()

    @property
    def with_checks(self) -> bool:
        """Whether there are checks that the side that follows goes without."""
        return bool(self._put_on or has_shifting_checks(self._move))

    def follows(self, route: Route) -> None:
        """After a switch that left that side following. What fails here is met by the next switch."""
        if self.with_checks:
            with contextlib.suppress(MigrationError):
                take_off_checks(self._move, self._database(route))

    def validate(self) -> None:
        """Once clients go on: the checks of the side that serves, which it went without."""
        if self.with_checks:
            validate_served(self._move)

    def close(self) -> None:
        """Close every session."""
        if self._opened is not None:
            self._opened.stack.close()
            self._opened = None

    def perform(self, step: Step, seconds: float) -> Figures:  # noqa: PLR0912 (one case a step)
        """See `migration.switch.carry_out.Actions`."""
        ready = self._ready
        self._attempted.add(step)
        figures: Figures = {}
        match step:
            case Step.PAUSE:
                require_no_long_transaction(self._gateway, ready.old.database, ready.old.session, seconds)
                figures = {"waited_ms": _ms(self._gateway.pause(seconds))}
            case Step.CLOSE_OLD:
                # On disk with the heartbeat of the next step, which the opening comes after.
                closing = ready.old.guards.close(seconds, on_disk=False, sound=False)
                figures = {"waited_for": closing.waited_for}
                if self._recheck is not None:
                    self._recheck.collect_there()
                ready.sound = ready.looking.submit(ready.old.guards.require_sound)
                ready.numbered = ready.looking.submit(self._number, ready)
            case Step.CATCH_UP:
                # On disk before the slot of the way back is moved (`make_slot`), and with the opening.
                figures = {"heartbeat_ms": _ms(ready.feed.prove(seconds, on_disk=False))}
            case Step.COMPARE:
                figures = _result(ready.compared)
                _result(ready.sound)
            case Step.SEQUENCES:
                figures = self._sequences()
            case Step.STOP_FEED:
                ready.feed.stop(seconds, publisher_answers=True)
                if self._recheck is not None:
                    self._recheck.collect_here()
                ready.compared = ready.looking.submit(self._compare, ready)
            case Step.MAKE_BACK_SLOT:
                figures = {"lsn": ready.back.make_slot()}
            case Step.START_BACK:
                ready.back.start()
            case Step.PROVE_BACK:
                figures = {"heartbeat_ms": _ms(ready.back.prove(seconds, on_disk=False))}
                # Ahead of the opening: a gateway that cannot be repointed leads back.
                ready.repointed()
            case Step.ROUTE_NEW:
                ready.repointing = ready.beside.submit(self._gateway.repoint, self._routes[1])
                figures = {"route": self._routes[1]}
            case Step.OPEN_NEW:
                ready.new.guards.open()
            case Step.RESUME:
                self._gateway.resume()
            case Step.DROP_FEED:
                self._drop_feed()
        return figures

    def clients_go_on(self) -> bool:
        """See `migration.switch.carry_out.Actions`.

        Everything is done in sessions that were opened before the pause. Another operator who came in
        between would have ended them (`orphans`), so nothing is opened behind anybody's back.
        """
        if not self._attempted or Step.DROP_FEED in self._attempted:
            return True
        if self._opened is None or Step.OPEN_NEW in self._attempted:
            return False
        try:
            if Step.START_BACK in self._attempted:
                self._opened.back.stop(GO_ON_SECONDS, end_after=GO_ON_SECONDS / 4)
            if Step.CLOSE_OLD in self._attempted:
                self._opened.old.guards.open()
            if Step.ROUTE_NEW in self._attempted:
                with contextlib.suppress(MigrationError):
                    self._opened.repointed()
                self._gateway.repoint(self._routes[0])
            self._gateway.resume()
        except MigrationError:
            return False
        return True

    def repair(self, repair: Repair) -> Figures:
        """See `carry_out.Actions`. What the old side needs is done there: the new one may be down."""
        figures: Figures = {}
        match repair:
            case Repair.STOP_BACK:
                self._stop_back()
            case Repair.OPEN_OLD:
                self._open(self._routes[0])
            case Repair.ROUTE_OLD:
                figures = self._route(self._routes[0])
            case Repair.ROUTE_NEW:
                figures = self._route(self._routes[1])
            case Repair.OPEN_NEW:
                self._open(self._routes[1])
            case Repair.RESUME:
                self._gateway.resume()
            case Repair.DROP_BACK_SLOT:
                self._ready.back.drop_slot()
            case Repair.START_FEED:
                self._ready.feed.start()
            case Repair.DROP_FEED:
                self._drop_feed()
        return figures

    def on_disk(self) -> None:
        """See `carry_out.Actions`."""
        new = self._ready.new
        with new.database.translated("waiting until all is on its disk"):
            Flow.flush(new.session)

    def observe(self) -> tuple[bool | None, bool | None]:
        """See `carry_out.Actions`. Opens new sessions first; a side that does not answer is None."""
        self.close()
        seen = []
        for route in self._routes:
            database = self._database(route)
            try:
                end_orphans(database)
                with self._move.guards(database) as guards:
                    seen.append(guards.is_open())
            except MigrationError:
                seen.append(None)
        return seen[0], seen[1]

    @property
    def _ready(self) -> _Open:
        if self._opened is None:
            self.open()
        if self._opened is None:
            raise ConnectionLost(f"the sessions of {self._move.name} are closed; run `resume`")
        return self._opened

    def _side(self, route: Route, stack: contextlib.ExitStack) -> Side:
        database = self._database(route)
        guards = stack.enter_context(self._move.guards(database))
        session = stack.enter_context(
            contextlib.closing(database.connect(application_name="waqiti-migration-switch"))
        )
        return Side(route, database, guards, session)

    def _database(self, route: Route) -> Database:
        return self._move.source if route == "source" else self._move.target

    def _warm(self) -> None:
        """Have every session ask once what it asks inside the pause."""
        ready = self._ready
        ready.old.guards.warm()
        ready.new.guards.is_open()
        for side in (ready.old, ready.new):
            with side.database.translated("reading its sequences"):
                read_sequences(side.session, [sequence.name for sequence in self._move.own.sequences])
        for flow in (ready.feed, ready.back):
            flow.warm()
        if self._began is not None:
            with ready.old.database.translated("looking for changes of its schema"):
                require_unchanged_in_pause(ready.old.session, self._began)

    def _compare(self, ready: _Open) -> Figures:
        if self._recheck is None:
            raise AssertionError("a switch is carried out with what compares it")
        if self._began is not None:
            with ready.old.database.translated("looking for changes of its schema"):
                require_unchanged_in_pause(ready.old.session, self._began)
        self._require_no_more_changes()
        sessions = {side.route: side.session for side in (ready.old, ready.new)}
        found = self._recheck.final(sessions["source"], sessions["target"])
        self._recheck.require(found.differences)
        return found.figures

    def _require_no_more_changes(self) -> None:
        """Of the schema, than were taken over before it was verified. Raises SchemaChanged."""
        if self._taken is not None:
            ready = self._ready
            with ready.old.database.translated("looking for schema changes that were carried over"):
                require_no_more(ready.feed, self._taken)

    def _number(self, ready: _Open) -> int:
        """Nobody draws a number any more: the new side's sequences go on from there; returns how many."""
        with ready.old.database.translated("reading its sequences"):
            values = read_sequences(ready.old.session, [one.name for one in self._move.own.sequences])
        with ready.new.database.translated("setting its sequences"):
            set_sequences(ready.new.session, values)
        return len(values)

    def _sequences(self) -> Figures:
        ready = self._ready
        numbered = _result(ready.numbered)
        with ready.new.database.translated("putting on its checks"):
            self._put_on = put_on_checks(self._move, ready.new.session)
        carried = self._carry_large_objects()
        return {
            "sequences": numbered,
            "large_objects": carried.compared,
            "large_objects_carried": carried.written + carried.removed,
        }

    def _carry_large_objects(self) -> Carried:
        """Large objects are not replicated: make the new side's those of the old one."""
        old, new = self._ready.old, self._ready.new
        service = self._move.service
        to_source = new.route == "source"
        return carry_large_objects(
            LargeObjectSide(old.database, old.session),
            LargeObjectSide(new.database, new.session),
            self._move.own.large_object_columns,
            act_as=None if to_source else service.owner,
            owner=self._move.contract.source.application.name if to_source else service.owner,
            users=() if to_source else (service.service.name,),
        )

    def _route(self, route: Route) -> Figures:
        # Wherever it seems to lead: a dead process's RELOAD may be on its way, and reads the file as it is.
        self._gateway.repoint(route)
        return {"route": route}

    def _drop_feed(self) -> None:
        self._ready.feed.stop()
        self._ready.feed.drop_slot()

    def _stop_back(self) -> None:
        database = self._database(self._routes[0])
        name = flow_name(self._move.name, "back" if self._verb == "cutover" else "forward")
        with (
            database.connect(application_name="waqiti-migration-switch") as connection,
            database.translated(f"stopping the subscription {name}"),
        ):
            Subscription(connection, name).stop(10.0)

    def _open(self, route: Route) -> None:
        with self._move.guards(self._database(route)) as guards:
            if guards.is_open() is False:
                guards.open()


def _result(work: Future[T] | None) -> T:
    """Of what an earlier step began; raises what it raised."""
    if work is None:
        raise AssertionError("its step comes first")
    return work.result()


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
