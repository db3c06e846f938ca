"""Two services that are moved together, and a client whose transactions cross both."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from core.interruption import Interruption
from core.progress.interface import Silent
from core.sessions.stack import source_database
from migration.examine.read_plan import examine, read_plan
from migration.journal.journal import open_journal
from migration.moves.online import Online
from migration.moves.together import switch_together
from migration.steps.runner import Runner
from migration.switch.carry_out import Limits
from tests.support.clusters import Cluster, Clusters
from tests.support.moves import SERVICES, World, world
from tests.support.scenes import DURABLE
from tests.support.versions import DEFAULT_VERSIONS
from tests.support.writer import Writer

SWITCH_SECONDS = 25.0
"""Enough on a machine with much other work: these tests are not about time-outs."""
_FIRST = 1_000_000
"""Amounts from here on are the client's."""


class Crossing:
    """Writes to both services in transactions that are open at the same time, and looks where each was.

    Every second time the second one begins only when the first has ended.
    """

    def __init__(self, made: World) -> None:
        self._made = made
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="crossing", daemon=True)
        self._number = _FIRST
        self.back = False
        """Whether the switch that is under way, or was last, leads back."""
        self.acknowledged: list[int] = []
        self.torn: list[str] = []
        """What should never be: one of the two was moved and the other was not."""
        self.failed: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(60)

    def assert_whole(self) -> None:
        """Nothing was torn, and what was acknowledged is in both services once."""
        assert not self.torn, self.torn[:3]
        known = list(self.acknowledged)
        for service, statement in (
            ("user", "SELECT count(*) FROM users WHERE email = ANY(%s)"),
            ("payment", "SELECT count(*) FROM payments WHERE amount::text = ANY(%s)"),
        ):
            values = [_email(n) if service == "user" else f"{n}.00" for n in known]
            with self._made.gated[service].endpoint.connect() as connection:
                row = connection.execute(statement.encode(), (values,)).fetchone()
            assert row == (len(known),), f"{service}: a write is gone, or there twice"

    def _work(self) -> None:
        with ExitStack() as stack:
            user, payment = (self._session(stack, name) for name in SERVICES)
            while not self._stop.is_set():
                self._number += 1
                try:
                    self._once(user, payment, overlapping=self._number % 2 == 0)
                except psycopg.Error as error:
                    self.failed.append(str(error))
                    stack.close()
                    user, payment = (self._session(stack, name) for name in SERVICES)
                self._stop.wait(0.02)

    def _once(
        self, user: psycopg.Connection[tuple[object, ...]], payment: psycopg.Connection[tuple[object, ...]],
        *, overlapping: bool,
    ) -> None:  # fmt: skip
        number = self._number
        with ExitStack() as both:
            with ExitStack() as first:
                (both if overlapping else first).enter_context(user.transaction())
                user.execute("INSERT INTO users (email) VALUES (%s)", (_email(number),))
                one = self._moved(user)
            both.enter_context(payment.transaction())
            payment.execute("INSERT INTO payments (user_id, amount) VALUES (1, %s)", (number,))
            other = self._moved(payment)
            # What begins later may be switched where the first was not yet, never the other way round.
            later_is_behind = (other and not one) if self.back else (one and not other)
            if (one != other) if overlapping else later_is_behind:
                self.torn.append(f"{number}: user moved: {one}, payment moved: {other}")
        self.acknowledged.append(number)

    def _moved(self, session: psycopg.Connection[tuple[object, ...]]) -> bool:
        row = session.execute("SELECT current_setting('port')::int").fetchone()
        return row != (self._made.source.endpoint.port,)

    def _session(self, stack: ExitStack, service: str) -> psycopg.Connection[tuple[object, ...]]:
        session = psycopg.connect(
            self._made.gated[service].endpoint.conninfo(),
            application_name="an application",
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=30,
        )
        stack.callback(session.close)
        return session


def _email(number: int) -> str:
    return f"crossing-{number}@example.org"


@dataclass
class Pair:
    """A world with two services, their servers, and clients at work."""

    world: World
    source: Cluster
    target: Cluster
    writer: Writer
    crossing: Crossing = field(repr=False)

    @contextmanager
    def online(self) -> Iterator[Online]:
        """The verbs in this process."""
        contract = self.world.contract
        with open_journal(source_database(contract), contract) as journal:
            yield Online(
                contract,
                Runner(journal, Interruption(), Silent()),
                workers=2,
                limits=Limits(inside=SWITCH_SECONDS),
            )

    def start(self) -> None:
        """Let both follow."""
        contract = self.world.contract
        with self.online() as online:
            for name in SERVICES:
                plan = examine(contract, [contract.services[name]])
                plan.check()
                online.start(contract.services[name], plan)

    def stand_before(self, verb: str) -> None:
        """Bring both to where `verb` fits."""
        contract, moved = self.world.contract, self.world.open_sides("user") == {"target"}
        if moved == (verb == "rollback"):
            return
        with self.online() as online:
            wanted = [(contract.services[n], read_plan(contract, [contract.services[n]])) for n in SERVICES]
            self.crossing.back = moved
            switch_together(online, "rollback" if moved else "cutover", wanted)

    def run(self, *arguments: str) -> str:
        """A verb that has to succeed, as a program; returns what it printed."""
        self._expect(arguments[0])
        done = self.world.run(*arguments, timeout=600)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def killed(self, step: str, point: str, *arguments: str) -> None:
        """A verb that is killed around a step."""
        faults = json.dumps([{"step": step, "point": point, "act": "kill"}])
        entry = "tests.support.faulty"
        self._expect(arguments[0])
        done = self.world.run(*arguments, entry=entry, timeout=600, WAQITI_TEST_FAULTS=faults)
        assert done.returncode == -signal.SIGKILL, done.stderr

    def _expect(self, verb: str) -> None:
        if verb in {"cutover", "rollback"}:
            self.crossing.back = verb == "rollback"

    def sides(self) -> set[str]:
        """Where both are served. Both at one side, open and led to, none paused."""
        sides = self.world.open_sides("user")
        assert len(sides) == 1, f"open: {sides}"
        for name in SERVICES:
            assert self.world.open_sides(name) == sides, "one was switched without the other"
            assert {self.world.gateway(name).route()} == sides
            assert not self.world.gateway(name).is_paused()
        return sides

    def assert_sound(self) -> None:
        """Both are on one side and serve; what clients were told is there once; nothing was torn."""
        self.sides()
        self.writer.wait_for_more()
        self.writer.assert_each_write_is_there_once()
        self.crossing.assert_whole()


@contextmanager
def pair(folder: Path, clusters: Clusters) -> Iterator[Pair]:
    """Two durable servers and two services, neither begun, with their clients."""
    with (
        clusters.private("source", DEFAULT_VERSIONS[0], DURABLE) as source,
        clusters.private("target", DEFAULT_VERSIONS[1], DURABLE) as target,
        world(folder, source, target, rows=300) as made,
        Writer(made.gated["user"].endpoint) as writer,
        Crossing(made) as crossing,
    ):
        yield Pair(made, source, target, writer, crossing)
