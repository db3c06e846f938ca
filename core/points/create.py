"""Makes a restore point: all gateways paused at once, the point in every database, all resumed.

Everything that takes time is done before the pause (sessions, rights, names) or after it (digests, disks).
In the pause are three round trips: PAUSE, the point, a look whether all were paused to the end. Whatever
happens in it, clients go on: this process resumes them, or its watchdog, or the next run.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

from components.contract import Contract, Service
from core.errors import (
    CutBroken,
    GatewayFailed,
    MigrationError,
    StepTimeout,
    UnknownService,
    WrongState,
)
from core.gateway.claim import Claim
from core.gateway.together import Gateways
from core.gateway.watchdog import Watchdog
from core.points import places as at
from core.points.digests import Rows, digest_all
from core.points.model import SHARED, KeptReference, Point
from core.points.parts import Parts
from core.points.references import kept_references
from core.points.schemas import schemas_of
from core.points.store import PointStore
from core.sessions.at_once import Answer, Asked, at_once

REST_SECONDS = 0.5
"""Between two attempts, at least: clients that waited are served meanwhile."""


@dataclass(frozen=True)
class Limits:
    """Seconds."""

    pause: float = 0.5
    """How long transactions under way may take to end, while all others wait."""
    inside: float = 0.5
    """How long a database may take to make the point."""
    attempts: int = 5
    """Pauses that are tried, in the hope that no long transaction is under way at the next one."""

    @property
    def watchdog(self) -> float:
        """After so long, clients go on whatever this process does."""
        return self.pause + 2 * self.inside + 2.0


@dataclass(frozen=True)
class Wanted:
    """What is to be made."""

    name: str
    reason: str = "by hand"
    without: Sequence[str] = ()
    """Services that are left out."""
    digests: bool = True
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Around:
    """What the making stands in; the defaults are a program's without a terminal."""

    shield: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
    """No signal is raised inside."""
    stop: threading.Event = field(default_factory=threading.Event)
    note: Callable[[str], None] = lambda line: None
    reached: Callable[[str], None] = lambda step: None
    """For tests: told of each step as it begins."""


def create_point(
    contract: Contract, wanted: Wanted, store: PointStore, around: Around | None = None
) -> Point:
    """Make the point and keep it.

    Raises PointRefused (the name), UnknownService, GatewayFailed, TargetUnreachable and others that name
    what does not answer, StepTimeout (no pause short enough was found), CutBroken (a gateway did not stay
    paused; the name is spent), Interrupted. Clients go on after each of them.
    """
    around = around or Around()
    services = _included(contract, wanted.without)
    point = Point(
        name=wanted.name,
        stack=f"{contract.project}/{contract.stack}",
        reason=wanted.reason,
        state="begun",
        begun=datetime.now(UTC),
        left_out=tuple(wanted.without),
    )
    store.reserve(point)
    with ExitStack() as stack:
        making = _Making(contract, wanted, services, store, around)
        try:
            making.open(stack)
            made = making.run(point)
        except BaseException as error:
            if making.spent:
                store.keep(point.model_copy(update={"state": "void"}))
            else:
                store.release(wanted.name)
            if isinstance(error, StepTimeout):
                raise StepTimeout(
                    f"{error}; all clients go on and nothing was kept: run it again at a quieter time, or "
                    "with a longer --pause-timeout"
                ) from error
            raise
        store.keep(made)
        if wanted.digests:
            made = making.with_digests(made)
            store.keep(made)
    return made


class _Making:
    def __init__(
        self,
        contract: Contract,
        wanted: Wanted,
        services: Sequence[Service],
        store: PointStore,
        around: Around,
    ) -> None:
        self._contract, self._wanted, self._store, self._around = contract, wanted, store, around
        self._services = services
        self.spent = False
        """Whether a database may have the name."""
        self._snapshots: dict[str, str] = {}

    def open(self, stack: ExitStack) -> None:
        """All that is needed in the pause, ahead of it."""
        purpose = f"restore point {self._wanted.name}"
        # In one order everywhere, so that two runs never wait for each other.
        ordered = sorted(self._services, key=lambda service: service.name)
        self._claims = [stack.enter_context(Claim(service, purpose)) for service in ordered]
        self._watchdog = stack.enter_context(Watchdog(self._claims, self._wanted.limits.watchdog))
        self._gateways = stack.enter_context(Gateways(self._services))
        self._resume_left()
        self._homes = at.homes(self._contract, self._gateways.routes())
        self._places = stack.enter_context(at.opened(self._contract, self._homes))
        self._references = self._read_references()
        at.prepare(self._places, self._wanted.name, digests=self._wanted.digests)
        self._watchdog.wait_until_ready()

    def run(self, point: Point) -> Point:
        """Returns the point as it was made, without digests."""
        limits = self._wanted.limits
        for attempt in range(1, limits.attempts + 1):
            try:
                with self._around.shield():
                    made, waited, parts = self._paused()
            except StepTimeout as error:
                if self.spent or attempt == limits.attempts:
                    raise
                self._around.note(f"{error}; clients go on, it is tried again")
                rest = REST_SECONDS + random.uniform(1, 2) * limits.pause  # noqa: S311
                if self._around.stop.wait(rest):
                    raise
            else:
                break
        self._around.reached("made")
        at.flush(self._places)
        self._snapshots = {name: one.snapshot for name, one in made.items() if one.snapshot}
        return point.model_copy(
            update={
                "state": "made",
                "made": datetime.now(UTC),
                "pause_ms": round(sum(parts.values()), 1),
                "parts_ms": parts,
                "waited_ms": waited,
                "homes": self._homes,
                "references": self._references,
                "places": {name: one.point for name, one in made.items()},
            }
        )

    def with_digests(self, point: Point) -> Point:
        """The same with the digest of every row at that instant."""
        self._around.note("the point is made; digests of all rows are taken at that instant, clients go on")
        rows = [
            Rows(
                name,
                self._places[place].database,
                schemas_of(self._contract.services[name], place),
                self._snapshots[place],
            )
            for name, place in self._homes.items()
        ]
        return point.model_copy(update={"digests": digest_all(rows, self._around.stop)})

    def _paused(self) -> tuple[Mapping[str, at.Made], dict[str, float], dict[str, float]]:
        limits, digests = self._wanted.limits, self._wanted.digests
        if self._gateways.routes() != self._routes:
            raise WrongState("a service was switched meanwhile; nothing was paused: run it again")
        self._watchdog.pausing()
        for claim in self._claims:
            claim.write()
        self._gateways.prepare()
        clock = Parts()
        clock.begin("pause")
        self._around.reached("pause")
        try:
            waited = self._gateways.pause(limits.pause)
            clock.begin("point")
            self._around.reached("point")
            self.spent = True
            points = at.make(self._places, limits.inside, digests=digests)
            clock.begin("look")
            self._around.reached("look")
            seen = self._look(2 * limits.inside)
        finally:
            clock.begin("resume")
            self._around.reached("resume")
            self._gateways.resume()
            clock.end()
            for claim in self._claims:
                claim.clear()
            with contextlib.suppress(GatewayFailed):
                self._gateways.settle()
            with contextlib.suppress(GatewayFailed):
                self._watchdog.over()
        if others := self._gateways.others():
            raise self._broken(f"pods of the gateways of {', '.join(others)} came or went meanwhile")
        return at.made(self._places, points, seen, digests=digests), waited, clock.ms

    def _look(self, seconds: float) -> dict[str, Answer]:
        """Ask all servers and all gateways in one turn. Raises CutBroken, GatewayFailed."""
        asked: dict[tuple[str, ...], Asked] = {}
        asked |= {("server", name): one for name, one in at.looks(self._places).items()}
        asked |= {("gateway", *end): one for end, one in self._gateways.questions().items()}
        answers = at_once(asked, seconds)
        gone = self._gateways.gone_on(
            {(end[1], end[2]): one for end, one in answers.items() if end[0] == "gateway"}
        )
        if gone:
            raise self._broken(f"the gateways of {', '.join(gone)} did not stay paused")
        return {end[1]: one for end, one in answers.items() if end[0] == "server"}

    def _broken(self, why: str) -> CutBroken:
        return CutBroken(
            f"{why}, so {self._wanted.name!r} is no instant of all databases: its name is spent, make another"
        )

    def _read_references(self) -> tuple[KeptReference, ...]:
        """Those of the last point, where the shared database is down, or not ours to ask."""
        last = next((point for point in reversed(self._store.list()) if point.state == "made"), None)
        if not self._contract.source.administrator.password.get_secret_value():
            return last.references if last is not None else ()
        try:
            return kept_references(self._contract)
        except MigrationError as error:
            if SHARED in self._places or last is None:
                raise
            self._around.note(
                f"{error}; the references between services are those that {last.name!r} was kept with"
            )
            return last.references

    def _resume_left(self) -> None:
        """A pause that was killed, with its watchdog, is ended; any other is somebody's."""
        paused = [name for name, is_paused in self._gateways.paused().items() if is_paused]
        notes = {claim.service.name: claim.note() for claim in self._claims}
        strange = [name for name in paused if notes[name] is None]
        if strange:
            raise WrongState(
                f"the gateway of {', '.join(strange)} is paused: a switch was cut off there, or a person "
                f"paused it; run `python -m migration resume {strange[0]}`, then this again"
            )
        if paused:
            self._gateways.resume()
            self._gateways.reload()
            self._around.note(f"{', '.join(paused)}: clients had been waiting since a run that was killed")
        for claim in self._claims:
            claim.clear()
        self._routes = self._gateways.routes()


def _included(contract: Contract, without: Sequence[str]) -> list[Service]:
    for name in without:
        if name not in contract.services:
            raise UnknownService(
                f"the catalogue has no service {name!r}; known are {', '.join(contract.services)}"
            )
    found = [service for name, service in contract.services.items() if name not in without]
    if not found:
        raise UnknownService("every service is left out: nothing is left to make a restore point of")
    return found
