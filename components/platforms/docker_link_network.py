"""The network of the way to the shared database, and who is in it."""

from __future__ import annotations

import pulumi
import pulumi_docker as docker

from components.platforms.docker_host import DockerHost
from components.platforms.docker_link import Link
from components.platforms.docker_parts import addresses, after, labels


class LinkNetwork:
    """The network in which containers reach the shared database's host."""

    def __init__(self, host: DockerHost) -> None:
        self._socket, self._plan = host.engine.socket, host.plan
        self._network = docker.Network(
            "link",
            name=self._plan.link_network,
            internal=True,
            options={"com.docker.network.bridge.enable_icc": "false"},
            ipam_configs=[addresses(self._plan.link)],
            labels=labels(docker.NetworkLabelArgs, self._plan.label, "all"),
        )

    def join(
        self, name: str, container: str, resource: docker.Container, opts: pulumi.ResourceOptions
    ) -> Link:
        """The container `resource`, called `container`, in this network."""
        props = {
            "socket": self._socket,
            "network": self._plan.link_network,
            "container": container,
            "identity": resource.id,
        }
        return Link(name, props, after(opts, self._network, resource))
