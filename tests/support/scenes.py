"""A service that moves online between two servers that a test may kill, with a client at work."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from components.contract import Service
from core.errors import MigrationError
from core.interruption import Interruption
from core.observer import Observer, Unobserved
from core.progress.interface import Progress, Silent
from core.sessions.connections import Database
from core.sessions.stack import source_database, target_database
from migration.commands.resume import restarted
from migration.examine.read_plan import examine, read_plan
from migration.journal.journal import Journal, open_journal
from migration.moves.online import Online
from migration.plan.model import Plan
from migration.replicate.flow import Flow
from migration.steps.runner import Runner
from migration.switch.carry_out import Limits
from servers.errors import ServerError
from servers.pgbouncer import PgBouncerServer
from servers.postgres import PostgresServer
from tests.support.clusters import Cluster, Clusters
from tests.support.moves import World, world
from tests.support.versions import DEFAULT_VERSIONS
from tests.support.writer import Writer

DURABLE = {"fsync": "on"}
"""These servers are killed, and what they acknowledged has to be there afterwards."""

VERBS = {
    "start": ("start", "user", "--yes"),
    "cutover": ("cutover", "user", "--yes"),
    "rollback": ("rollback", "user", "--immediate", "--yes"),
}


@dataclass
class Scene:
    """A world with one service, `user`, its servers, and a client that writes all the time."""

    world: World
    source: Cluster
    target: Cluster
    writer: Writer

    @property
    def service(self) -> Service:
        """The service that moves."""
        return self.world.contract.services["user"]

    @property
    def plan(self) -> Plan:
        """Its plan, as the source's catalogue is now."""
        return read_plan(self.world.contract, [self.service])

    def run(self, *arguments: str) -> None:
        """A verb that has to succeed, as a program."""
        done = self.world.run(*arguments)
        assert done.returncode == 0, done.stderr

    @contextmanager
    def online(
        self,
        observer: Observer | None = None,
        patience: float = 30.0,
        progress: Progress | None = None,
        limits: Limits | None = None,
    ) -> Iterator[Online]:
        """The verbs in this process, which is quicker than to start a program for each."""
        with self.journal() as journal:
            runner = Runner(
                journal,
                Interruption(),
                progress or Silent(),
                observer=observer or Unobserved(),
                patience=patience,
            )
            yield Online(self.world.contract, runner, workers=2, limits=limits or Limits())

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """The journal with the operator's lock."""
        with open_journal(source_database(self.world.contract), self.world.contract) as journal:
            yield journal

    def examined(self) -> Plan:
        """The plan with which a start begins."""
        plan = examine(self.world.contract, [self.service])
        plan.check()
        return plan

    def resume(self) -> None:
        """What `resume` does, but for the gateway."""
        with self.online() as online:
            move = online.resume(self.service, self.plan)
            if move is not None:
                restarted(online.context(move, self.service, self.plan))

    def stand_before(self, verb: str) -> None:
        """Bring the service to where `verb` fits."""
        moved = self.world.open_sides("user") == {"target"}
        if verb == "cutover" and moved:
            with self.online() as online:
                online.rollback(self.service, self.plan)
        elif verb == "rollback" and not moved:
            with self.online() as online:
                online.cutover(self.service, self.plan)

    def flow(self) -> Flow:
        """The replication that runs now; the caller closes it."""
        source, target = source_database(self.world.contract), target_database(self.service)
        if self.world.open_sides("user") == {"target"}:
            return Flow("user", "back", target, source)
        return Flow("user", "forward", source, target)

    def server(self, name: str) -> PostgresServer | PgBouncerServer:
        """`source`, `target` or `gateway`."""
        if name == "gateway":
            return self.world.gated["user"].server
        return (self.source if name == "source" else self.target).server

    def pid(self, server: str) -> int:
        """The process to kill."""
        pid = self.server(server).pid()
        assert pid is not None
        return pid

    def freeze(self, server: str) -> None:
        """It answers no more, and refuses nothing: every process of it is stopped (SIGSTOP)."""
        _signal_all(self.pid(server), signal.SIGSTOP)

    def thaw(self, server: str) -> None:
        """It goes on where it was."""
        _signal_all(self.pid(server), signal.SIGCONT)

    def start_again(self, server: str) -> None:
        """Wait until it has died, then start it, as its supervisor would."""
        found = self.server(server)
        deadline = time.monotonic() + 60
        while found.is_running() and time.monotonic() < deadline:
            time.sleep(0.02)
        while True:
            try:
                found.start()
            except ServerError:
                # The killed postmaster's children hold its memory for a moment.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def wait_for_servers(self) -> None:
        """Until both take sessions again: a server restarts by itself after a process of it was killed."""
        deadline = time.monotonic() + 60
        for database in (self.world.source, self.world.target("user")):
            while True:
                try:
                    database.connect().close()
                except MigrationError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)
                else:
                    break

    def assert_sound(self) -> None:
        """Exactly one side is open, clients get there, and what they were told is committed is there once."""
        sides = self.world.open_sides("user")
        assert len(sides) == 1, f"open: {sides}"
        assert {self.world.gateway("user").route()} == sides
        assert not self.world.gateway("user").is_paused()
        self.writer.wait_for_more()
        self.writer.assert_each_write_is_there_once()

    def assert_followed(self, seconds: float = 60.0) -> None:
        """What was committed by now reaches the side that follows, by itself, and is there once."""
        known = list(self.writer.acknowledged)
        side: Literal["source", "target"] = "source"
        with self.flow() as flow:
            flow.prove(seconds)
            side = flow.subscriber.side
        follower: Database = self.world.source if side == "source" else self.world.target("user")
        with follower.connect() as connection:
            rows = connection.execute(
                "SELECT email, count(*) FROM user_schema.users WHERE email = ANY(%s) GROUP BY 1", (known,)
            ).fetchall()
        assert len(rows) == len(known), "a write did not arrive"
        assert all(count == 1 for _, count in rows), "a write arrived twice"


def _signal_all(pid: int, number: signal.Signals) -> None:
    """To a server and all its processes: the first one first, so that it starts no more."""
    parent = psutil.Process(pid)
    for process in (parent, *parent.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


@contextmanager
def scene(folder: Path, clusters: Clusters) -> Iterator[Scene]:
    """Two servers of its own, durable ones, and a service in the first."""
    with (
        clusters.private("source", DEFAULT_VERSIONS[0], DURABLE) as source,
        clusters.private("target", DEFAULT_VERSIONS[1], DURABLE) as target,
        world(folder, source, target, rows=300, services=("user",)) as made,
        Writer(made.gated["user"].endpoint) as writer,
    ):
        yield Scene(made, source, target, writer)
