"""What the Docker platform's resources are put together from."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_docker as docker

from components.platforms.certificates import LocalNetwork
from components.platforms.docker.checks import LABEL
from components.platforms.interface import Network
from servers.errors import ServerError

STOP_SECONDS = 60
"""Long enough for a shutdown's checkpoint."""
TEMPORARY = {"/tmp": "rw,nosuid,nodev,noexec,mode=1777,size=16m"}  # noqa: S108 - of the container, in memory
GATEWAY_MEMORY = 128
"""MB"""
GATEWAY_SHARES = 8192
"""A gateway's weight for the processors: it asks for little, and every statement waits while it waits."""
GATEWAY_PROCESSES = 64
"""PgBouncer is one; the rest is for `docker exec`."""
HARDENED: Mapping[str, Any] = {
    "read_only": True,
    "capabilities": docker.ContainerCapabilitiesArgs(drops=["ALL"]),
    "security_opts": ["no-new-privileges"],
    # Not unless-stopped: up to Engine 20.10 any signal that is sent counts as a stop, a reload's too.
    "restart": "always",
    "stop_timeout": STOP_SECONDS,
    "destroy_grace_seconds": STOP_SECONDS,
    "log_driver": "json-file",
    "log_opts": {"max-size": "20m", "max-file": "5"},
    "network_mode": "bridge",
    "must_run": True,
}


class ServiceNetworks(pulumi.ComponentResource):
    """What a service's containers depend on."""

    def __init__(
        self,
        name: str,
        identity: LocalNetwork,
        applications: docker.Network,
        inner: docker.Network,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("waqiti:docker:Networks", name, None, opts)
        self.identity, self.applications, self.inner = identity, applications, inner
        self.register_outputs({})


def networks_of(network: Network) -> ServiceNetworks:
    if not isinstance(network.resource, ServiceNetworks):
        raise ServerError("is of another platform", where="network", to_do="make it by this platform")
    return network.resource


def after(
    opts: pulumi.ResourceOptions, *resources: pulumi.Resource, replace: bool = False
) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(
        parent=opts.parent, depends_on=list(resources), delete_before_replace=replace or None
    )


def addresses(subnet: ipaddress.IPv4Network) -> docker.NetworkIpamConfigArgs:
    """Docker hands out addresses of the upper half; the lower one is for those that the plan gives."""
    upper = list(subnet.subnets(prefixlen_diff=1))[1]
    return docker.NetworkIpamConfigArgs(subnet=str(subnet), gateway=str(subnet[1]), ip_range=str(upper))


def at(network: str, address: str, alias: str) -> docker.ContainerNetworksAdvancedArgs:
    return docker.ContainerNetworksAdvancedArgs(name=network, ipv4_address=address, aliases=[alias])


def bound(folder: Path, target: str, *, read_only: bool = True) -> docker.ContainerMountArgs:
    return docker.ContainerMountArgs(target=target, type="bind", source=str(folder), read_only=read_only)


def health(command: list[str]) -> docker.ContainerHealthcheckArgs:
    return docker.ContainerHealthcheckArgs(
        tests=["CMD", *command], interval="10s", timeout="5s", retries=3, start_period="30s"
    )


def labels(kind: Any, stack: str, service: str) -> list[Any]:
    """The labels by which a stack knows its own; `kind` is the resource's class of label."""
    return [kind(label=label, value=value) for label, value in ((LABEL, stack), ("waqiti.service", service))]


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
