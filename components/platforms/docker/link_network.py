"""The network of the way to the shared database, and who is in it.

In it containers reach the host and not each other (`enable_icc=false`).
"""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_docker as docker

from components.platforms.docker.host import DockerHost
from components.platforms.docker.link import Link
from components.platforms.docker.parts import addresses, labels


class LinkNetwork:
    """The network in which containers reach the shared database's host."""

    def __init__(self, host: DockerHost) -> None:
        self._host, plan = host, host.plan
        self.resource = docker.Network(
            "link",
            name=plan.link_network,
            internal=True,
            options={"com.docker.network.bridge.enable_icc": "false"},
            ipam_configs=[addresses(plan.link)],
            labels=labels(docker.NetworkLabelArgs, plan.label, "all"),
        )

    def join(
        self, name: str, service: str, container: docker.Container, opts: pulumi.ResourceOptions
    ) -> Link:
        """The container in this network, until the service needs the shared database no more."""
        routes = str(self._host.routes(service))
        socket = self._host.engine.socket
        return Link.join(name, self.resource, container, opts, socket=socket, routes=routes)

    def control(self, service: str) -> dict[str, Any]:
        """The contract's `link`."""
        plan = self._host.plan
        one = plan.services[service]
        return {
            "socket": self._host.engine.socket,
            "network": plan.link_network,
            "containers": [one.gateway, one.instance],
        }
