"""Names, addresses and limits of a stack's containers, from settings and catalogue. Pure.

Everything has a fixed place in the stack's own /16, so that a preview shows all of it:

    a.b.0.0/24      the link: the shared database's side; a.b.0.1 is the host
    a.b.N.0/25      where a service's applications join, and only its gateway is; nobody is the host
    a.b.N.128/25    where its gateway and its instance meet; a.b.N.129 is the host
    a.b.240.0 + 16 N, /28    where its archive reaches its instance; nobody is the host

N is the endpoint's port less 5432 (the catalogue's begin at 5433), so it stays when services come and go.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.problems import Problem, unknown_service
from components.sizes import GB, MB, format_size

if TYPE_CHECKING:
    from components.catalogue.model import Catalogue, ServiceEntry
    from components.settings.model import Settings

FLOOR = 256 * MB
"""kB that a container gets at least: scaling further down would only have it killed."""
SHARED_MEMORY_FLOOR = 64 * MB
"""kB of /dev/shm at least (Docker's default): parallel queries exchange rows there."""
SYSTEM_SHARE = 0.1
"""Part of the host's memory that is left to everything else."""
PROCESSOR_SHARE = 0.75
"""Part of the host's processors that one instance gets at most."""
SHARES_PER_CPU = 1024
"""Docker's default for a container."""
MORE_PROCESSES = 64
"""Beside sessions, workers and WAL senders: the server's own, health checks, `docker exec`."""
ROOM = 32 * MB
"""kB of disk, two segments of WAL, below which an instance says that its disk is full."""
_BASE_PORT = 5432
_NETWORKS = 239
_ARCHIVES = 240
"""The block in which the networks of archives begin."""
PREFIX = 16


@dataclass(frozen=True)
class ServicePlan:
    """One service's names, addresses and limits."""

    applications: ipaddress.IPv4Network
    inner: ipaddress.IPv4Network
    archiving: ipaddress.IPv4Network
    memory: int
    """kB"""
    cpus: int
    prefix: str
    """Of everything's name, for example `waqiti-staging-user`."""

    @property
    def applications_network(self) -> str:
        """The network that the service's applications join."""
        return self.prefix

    @property
    def inner_network(self) -> str:
        return f"{self.prefix}-inner"

    @property
    def volume(self) -> str:
        return f"{self.prefix}-data"

    @property
    def instance(self) -> str:
        """The instance's container."""
        return f"{self.prefix}-instance"

    @property
    def gateway(self) -> str:
        """The gateway's container."""
        return f"{self.prefix}-gateway"

    @property
    def archive_network(self) -> str:
        """The network of the archive and the instance."""
        return f"{self.prefix}-archive"

    @property
    def archive(self) -> str:
        """The container that fills the archive."""
        return f"{self.prefix}-archive"

    @property
    def instance_for_archive(self) -> str:
        """The instance's address in the archive's network."""
        return str(self.archiving[2])

    @property
    def archive_address(self) -> str:
        return str(self.archiving[3])

    @property
    def gateway_for_applications(self) -> str:
        return str(self.applications[2])

    @property
    def host(self) -> str:
        """The host's own address, in the inner network."""
        return str(self.inner[1])

    @property
    def instance_address(self) -> str:
        return str(self.inner[2])

    @property
    def gateway_address(self) -> str:
        """The gateway's in the inner network: for the operator on the host, and as the instance sees it."""
        return str(self.inner[3])

    @property
    def cpu_shares(self) -> int:
        """Its weight while others want the processors too."""
        return SHARES_PER_CPU * self.cpus

    def cpu_limit(self, processors: int) -> float:
        """Processors at most, on a host with so many: never all of them."""
        return min(float(self.cpus), processors * PROCESSOR_SHARE)

    @property
    def shared_memory(self) -> int:
        """kB of /dev/shm."""
        return max(self.memory // 4, SHARED_MEMORY_FLOOR)


@dataclass(frozen=True)
class StackPlan:
    """A stack's names and addresses."""

    label: str
    """The value of the label `waqiti.stack`, by which the stack knows its own."""
    link: ipaddress.IPv4Network
    link_network: str
    services: Mapping[str, ServicePlan]

    @property
    def networks(self) -> Mapping[str, ipaddress.IPv4Network]:
        """All networks by name."""
        found = {self.link_network: self.link}
        for one in self.services.values():
            found |= {
                one.applications_network: one.applications,
                one.inner_network: one.inner,
                one.archive_network: one.archiving,
            }
        return found

    @property
    def link_host(self) -> str:
        """Where a shared database of this host has to listen."""
        return str(self.link[1])


def stack_plan(settings: Settings, catalogue: Catalogue, project: str, stack: str) -> StackPlan:
    """The plan of what `settings` deploys; only for settings that `problems` finds nothing wrong with."""
    base = ipaddress.IPv4Network(settings.docker.subnet)
    label = f"{project}-{stack}"
    blocks = list(base.subnets(new_prefix=24))
    services = {}
    for name, entry in settings.deployed(catalogue).items():
        applications, inner = blocks[_block(entry)].subnets(new_prefix=25)
        memory = max(int(entry.resources.memory * settings.scale), FLOOR)
        archiving = ipaddress.IPv4Network((blocks[_ARCHIVES][0] + 16 * _block(entry), 28))
        services[name] = ServicePlan(
            applications, inner, archiving, memory, entry.resources.cpus, f"{label}-{name}"
        )
    return StackPlan(label, blocks[0], f"{label}-link", services)


def problems(settings: Settings, catalogue: Catalogue, host_memory: int) -> list[Problem]:
    """What of `settings` cannot be deployed on a host with `host_memory` kB."""
    found: list[Problem] = []
    try:
        subnet = ipaddress.IPv4Network(settings.docker.subnet)
    except ValueError as error:
        return [Problem("docker.subnet", str(error), "write a private /16, for example 172.30.0.0/16")]
    if subnet.prefixlen != PREFIX or not subnet.is_private:
        found.append(Problem("docker.subnet", f"{subnet} is no private /16", "write one, e.g. 172.30.0.0/16"))
    taken: dict[int, str] = {}
    for name, entry in settings.deployed(catalogue).items():
        other = taken.setdefault(_block(entry), name)
        if other != name:
            fix = "give one of them another port"
            found.append(Problem(f"services.yaml: {name}", f"its port gives it {other}'s network", fix))
    needed = sum(
        max(int(entry.resources.memory * settings.scale), FLOOR)
        for entry in settings.deployed(catalogue).values()
    )
    if needed > host_memory * (1 - SYSTEM_SHARE):
        found.append(
            Problem(
                "scale",
                f"at {settings.scale:g} the services take {needed / GB:.1f} GB ({format_size(FLOOR)}"
                f" each at least), and the Docker host has {host_memory / GB:.1f} GB",
                "lower it, or deploy fewer services",
            )
        )
    return [*found, *_volumes(settings, catalogue)]


def processes(parameters: Mapping[str, str]) -> int:
    """What an instance with these parameters needs at most."""
    counted = ("max_connections", "max_worker_processes", "max_wal_senders")
    return sum(int(parameters[name]) for name in counted) + MORE_PROCESSES


def _volumes(settings: Settings, catalogue: Catalogue) -> Iterator[Problem]:
    """Volumes of nobody, and disks of two."""
    for name in settings.docker.volumes:
        if name not in catalogue.services:
            yield unknown_service("docker.volumes", name, catalogue.services)
    holders: dict[str, str] = {}
    for name in settings.deployed(catalogue):
        volume = settings.docker.volume_of(name)
        if volume.device is None:
            continue
        device = volume.of(name)["device"]
        holder = holders.setdefault(device, name)
        if holder != name:
            what = f"{device} is {holder}'s disk too"
            yield Problem(
                f"docker.volumes.{name}.options.device", what, "give each service a disk of its own"
            )


def _block(entry: ServiceEntry) -> int:
    return (entry.endpoint.port - _BASE_PORT - 1) % _NETWORKS + 1
