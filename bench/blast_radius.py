"""What seven services lose while the eighth is hurt, on Docker.

    python -m bench.blast_radius [--rounds 5] [--seconds 10] [--rate 20 | --load 0.5] [--hurt analytics]

Brings up a stack of the eight services with containers of its own, each with a table in its own database, and
removes it. Each service has a writer and a reader at a fixed rate through its gateway, in processes of their
own. In each round and for each harm (kill, processors, memory, disk) the statements of the seven others are
counted over so many seconds without it, then with it; the hurt one then comes back, and has to have all that
was acknowledged. Lost percent is of the medians. As root, on a host with loop devices. The last line is JSON.
"""

from __future__ import annotations

import argparse
import multiprocessing
import multiprocessing.pool
import multiprocessing.synchronize
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import Synchronized
from typing import Any

import psycopg
from psycopg import sql

from bench import common
from components.contract import Service
from demo.environment.docker_host import docker_engine, refuse_another_stack
from demo.errors import DemoError
from tests.acceptance.logins import connect
from tests.support import harms
from tests.support.disks import BlockDisk, block_disk
from tests.support.docker_stacks import DockerStack, docker_stack

HARMS = ("kill", "processors", "memory", "disk")
MEGABYTES = 512
BACK_SECONDS = 120.0
STACK = "waqiti-test"
"""The label of the stack that `tests.support.docker_stacks` makes."""


@dataclass
class Client:
    """A service's client: a write and a read by key in turns, at a rate, in a process of its own."""

    service: Service
    rate: Synchronized[float] = field(default_factory=lambda: multiprocessing.Value("d", 0.0))
    """Statements a second; 0: as many as it can."""
    done: Synchronized[int] = field(default_factory=lambda: multiprocessing.Value("q", 0))
    failed: Synchronized[int] = field(default_factory=lambda: multiprocessing.Value("q", 0))
    written: Synchronized[int] = field(default_factory=lambda: multiprocessing.Value("q", 0))
    stop: multiprocessing.synchronize.Event = field(default_factory=multiprocessing.Event)
    process: multiprocessing.Process | None = None

    def start(self) -> None:
        """Start the process."""
        self.process = multiprocessing.Process(target=self.work, daemon=True)
        self.process.start()

    def end(self) -> None:
        """Stop it and wait for it."""
        self.stop.set()
        if self.process is not None:
            self.process.join(30)

    def work(self) -> None:
        """Statements at their times; those that are late are sent at once, so that what is lost shows."""
        session: psycopg.Connection[Any] | None = None
        due, number, key = time.monotonic(), 0, ""
        while not self.stop.is_set():
            rate = self.rate.value
            due = max(due + 1 / rate, time.monotonic() - 1) if rate else time.monotonic()
            self.stop.wait(max(0.0, due - time.monotonic()))
            number += 1
            try:
                session = session or connect(self.service.endpoint, self.service.service)
                if number % 2:
                    key = f"client-{number}"
                    session.execute(harms.WRITE, [key])
                    self.written.value += 1
                else:
                    session.execute("SELECT at FROM blast_writes WHERE line = %s", [key])
            except psycopg.Error:
                self.failed.value += 1
                session = None
                self.stop.wait(0.1)
            else:
                self.done.value += 1


@contextmanager
def stack(hurt: str, scale: str) -> Iterator[tuple[DockerStack, BlockDisk]]:
    """Eight services, their gateways leading to their own databases; the hurt one on a small disk."""
    with docker_engine() as host, block_disk(MEGABYTES) as disk:
        refuse_another_stack(host, STACK)
        volume = {"options": {"type": "ext4", "device": disk.device}, "size": f"{MEGABYTES}MB"}
        changes = {"scale": scale, "docker": {"link": False, "volumes": {hurt: volume}}}
        with docker_stack(host, changes) as made:
            common.say("pulumi up")
            made.stack.up()
            harms.give_each_a_table(made)
            yield made, disk
            common.say("removing it all")


def rate_of(clients: Iterable[Client], seconds: float) -> float:
    """Statements a second of all of them."""
    counted = list(clients)
    before, begun = sum(one.done.value for one in counted), time.monotonic()
    time.sleep(seconds)
    return (sum(one.done.value for one in counted) - before) / (time.monotonic() - begun)


def rate_of_others(clients: dict[str, Client], hurt: str, seconds: float) -> float:
    """Statements a second of all services but one."""
    return rate_of((client for name, client in clients.items() if name != hurt), seconds)


def set_rate(clients: dict[str, Client], arguments: argparse.Namespace) -> float:
    """Have them all work at the rate that was asked for, or at that part of what they can do; returns it."""
    rate = arguments.rate
    if arguments.load is not None:
        capacity = rate_of(clients.values(), arguments.seconds)
        rate = arguments.load * capacity / len(clients)
        common.say(f"capacity {capacity:.0f} statements a second; {rate:.1f} for each service")
    for client in clients.values():
        client.rate.value = rate
    time.sleep(3)
    return float(rate)


def under(harm: str, made: DockerStack, clients: dict[str, Client], hurt: str, seconds: float) -> float:
    """The same while the harm is done."""
    service = made.contract.services[hurt]
    if harm == "processors":
        with harms.burning(service):
            return rate_of_others(clients, hurt, seconds)
    with multiprocessing.pool.ThreadPool(1) as pool:
        done = pool.apply_async(_hurt, [harm, made, service])
        measured = rate_of_others(clients, hurt, seconds)
        done.get(600)
    return measured


def _hurt(harm: str, made: DockerStack, service: Service) -> None:
    if harm == "kill":
        harms.kill(made, service)
    elif harm == "memory":
        harms.eat_memory(service)
    else:
        harms.fill(service)


def come_back(harm: str, made: DockerStack, clients: dict[str, Client], hurt: str, disk: BlockDisk) -> None:
    """Make room where none was left, and wait until the hurt service is written to again."""
    if harm == "disk":
        harms.grow(made, made.contract.services[hurt], disk, 256)
    wanted, deadline = clients[hurt].written.value + 2, time.monotonic() + BACK_SECONDS
    while clients[hurt].written.value < wanted:
        if time.monotonic() > deadline:
            raise SystemExit(f"{hurt} did not come back in {BACK_SECONDS:g} s after {harm}")
        time.sleep(0.2)


def make_room(service: Service) -> None:
    """Remove what filled the disk, so that the next round fills it again."""
    table = sql.Identifier(service.schema_name, harms.TABLE)
    with connect(service.instance, service.service) as session:
        session.execute(sql.SQL("DELETE FROM {} WHERE length(line) > 1000").format(table))


def measure(made: DockerStack, disk: BlockDisk, arguments: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    hurt, services = arguments.hurt, made.contract.services
    clients = {name: Client(service) for name, service in services.items()}
    for client in clients.values():
        client.start()
    time.sleep(3)
    without: dict[str, list[float]] = {harm: [] for harm in HARMS}
    during: dict[str, list[float]] = {harm: [] for harm in HARMS}
    try:
        rate = set_rate(clients, arguments)
        for number in range(arguments.rounds):
            for harm in HARMS:
                without[harm].append(rate_of_others(clients, hurt, arguments.seconds))
                during[harm].append(under(harm, made, clients, hurt, arguments.seconds))
                come_back(harm, made, clients, hurt, disk)
                common.say(
                    f"round {number + 1} {harm}: {without[harm][-1]:.1f} a second without,"
                    f" {during[harm][-1]:.1f} with"
                )
            make_room(services[hurt])
    finally:
        for client in clients.values():
            client.end()
    kept = {name: rows(services[name]) - client.written.value for name, client in clients.items()}
    return {
        "lost_percent": {harm: lost(without[harm], during[harm]) for harm in HARMS},
        "failed_statements_of_others": sum(one.failed.value for name, one in clients.items() if name != hurt),
        "acknowledged_writes_lost": sum(max(0, -more) for more in kept.values()),
        "statements_a_second_of_others": common.median([one for all_ in without.values() for one in all_]),
        "rounds": arguments.rounds,
        "seconds": arguments.seconds,
        "rate": round(rate, 1),
        "load": arguments.load,
        "hurt": hurt,
    }


def lost(without: list[float], during: list[float]) -> float:
    """How much less was done, in percent of the median; negative when it was more."""
    return round(100 * (1 - common.median(during) / common.median(without)), 2)


def rows(service: Service) -> int:
    """The clients' rows in the service's instance."""
    query = sql.SQL("SELECT count(*) FROM {} WHERE line LIKE 'client-%'")
    with connect(service.instance, service.service) as session:
        found = session.execute(query.format(sql.Identifier(service.schema_name, harms.TABLE))).fetchone()
    return int(found[0]) if found else 0


def main() -> None:
    """Measure and conclude."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=20.0, help="statements a second of each service")
    parser.add_argument("--load", type=float, help="part of the capacity, instead of a rate")
    parser.add_argument("--scale", default="0.1")
    parser.add_argument("--hurt", default="analytics")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("bench.blast_radius needs root: run it as root")
    try:
        with stack(arguments.hurt, arguments.scale) as (made, disk):
            result = measure(made, disk, arguments)
    except DemoError as error:
        raise SystemExit(f"bench.blast_radius: {error}") from None
    common.say(" ".join(f"{name}={value}" for name, value in common.machine().items()))
    common.conclude(result)


if __name__ == "__main__":
    common.ending(main)
