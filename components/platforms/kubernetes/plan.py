"""Names, addresses and limits of a stack's services on Kubernetes, from settings and catalogue. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.platforms.kubernetes.operator_parameters import refused
from components.problems import Problem
from components.sizes import MB

if TYPE_CHECKING:
    from components.catalogue.model import Catalogue, ServiceEntry
    from components.settings.model import Settings

CLUSTER = "db"
"""Name of a service's CloudNativePG cluster, and the beginning of what the operator makes for it."""
RESTORED, PROVEN = f"{CLUSTER}-restored", f"{CLUSTER}-proof"
"""Clusters that are made beside a service's own, and go again."""
PORT = 5432
"""PostgreSQL's in a pod, which the operator fixes."""
FLOOR = 256 * MB
"""kB of memory that PostgreSQL gets at least."""
MANAGER = 128 * MB
"""kB beside it for the operator's program in each instance's pod (60 MB measured)."""
GATEWAY_MEMORY = 64 * MB
_BASE_PORT = 5432
_PORTS = 255
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class ServicePlan:
    """One service's names, addresses and limits."""

    namespace: str
    memory: int
    """kB that an instance's pod may have."""
    number: int
    """Its place among addresses and ports: the endpoint's port less 5433, so that it stays when others go."""
    gateway_address: str | None
    instance_address: str | None
    node_port: int | None
    """None: the shared database has no way to it."""
    reads: tuple[str, ...] = ()
    """The services of the stack whose tables it may follow."""

    def dns(self, service: str) -> str:
        """The whole name of one of its Services, as any pod of the cluster resolves it."""
        return f"{service}.{self.namespace}.svc"

    @property
    def instance_host(self) -> str:
        """The primary, wherever it is; the operator's Service, which the certificate names."""
        return self.dns(f"{CLUSTER}-rw")


@dataclass(frozen=True)
class StackPlan:
    """A stack's services."""

    label: str
    """On all that the stack makes."""
    services: Mapping[str, ServicePlan]


def stack_plan(settings: Settings, catalogue: Catalogue, project: str, stack: str) -> StackPlan:
    """The plan of what `settings` deploys; only for settings that `problems` finds nothing wrong with."""
    label, wanted = f"{project}-{stack}", settings.kubernetes
    services, deployed = {}, settings.deployed(catalogue)
    for name, entry in deployed.items():
        number = _number(entry)
        known = wanted.addresses
        services[name] = ServicePlan(
            namespace=f"{label}-{name}",
            memory=max(int(entry.resources.memory * settings.scale), FLOOR) + MANAGER,
            number=number,
            gateway_address=None if known is None else str(known[2 * number]),
            instance_address=None if known is None else str(known[2 * number + 1]),
            node_port=wanted.node_port + number if wanted.link and wanted.node_address else None,
            reads=tuple(one for one in entry.reads if one in deployed),
        )
    return StackPlan(label, services)


def problems(settings: Settings, catalogue: Catalogue, project: str, stack: str) -> list[Problem]:
    """What of `settings` cannot be deployed on any cluster."""
    wanted, found = settings.kubernetes, []
    if not wanted.context:
        fix = "name the cluster's context (`kubectl config get-contexts`)"
        found.append(Problem("kubernetes.context", "not set, and no cluster is taken by chance", fix))
    if not wanted.gateway_image:
        fix = "name an image that has `pgbouncer` and `sh`"
        found.append(Problem("kubernetes.gatewayImage", "not set", fix))
    if settings.source.logins != "own":
        fix = "set it to own"
        found.append(Problem("source.logins", "the gateways of Kubernetes lead by logins alone", fix))
    if wanted.link and settings.source.address is None:
        fix = "set the IP address at which the cluster's pods reach the shared database"
        found.append(Problem("source.address", "not set", fix))
    for name, entry in settings.deployed(catalogue).items():
        where = f"services.yaml: services.{name}"
        if not _NAME.fullmatch(f"{project}-{stack}-{name}"):
            what = f"{project}-{stack}-{name} is no name that a namespace may have"
            found.append(Problem(where, what, "use lower-case letters, digits and -, 63 at most"))
        for parameter in refused(entry.parameters):
            fix = "leave it out: CloudNativePG refuses it from others"
            found.append(Problem(f"{where}.parameters.{parameter}", "is set by the operator itself", fix))
        if wanted.addresses is not None and 2 * _number(entry) + 1 >= wanted.addresses.num_addresses:
            what = f"{wanted.addresses} has no two addresses left for {name}"
            found.append(Problem("kubernetes.addresses", what, "give it a wider part of the range"))
        if wanted.node_port + _number(entry) > 32767:
            what = f"{name} would have the port {wanted.node_port + _number(entry)}"
            found.append(Problem("kubernetes.nodePort", what, "lower it: node ports end at 32767"))
    return found


def _number(entry: ServiceEntry) -> int:
    return (entry.endpoint.port - _BASE_PORT - 1) % _PORTS
