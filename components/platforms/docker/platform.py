"""The Docker platform: for each service two internal networks, a volume, two containers (instance, gateway).

Applications join a service's network and find its gateway there, under the endpoint's name; the instance
is in an inner network with the gateway and the host, so there is no way in but the gateway; the instances of
services that read this one, by the catalogue, join that network too. No port is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_docker as docker

from components.contract import BackupControl, MonitoringControl, WatchedService
from components.platforms.certificates import LocalNetwork
from components.platforms.docker.archive_container import make_archive
from components.platforms.docker.gateway_container import make_gateway
from components.platforms.docker.host import DockerHost
from components.platforms.docker.instance_container import container_of, make_instance
from components.platforms.docker.link import Link
from components.platforms.docker.link_network import LinkNetwork
from components.platforms.docker.parts import ServiceNetworks, addresses, labels, networks_of
from components.platforms.interface import (
    BackupArgs,
    Gateway,
    GatewayArgs,
    Instance,
    InstanceArgs,
    MonitoringArgs,
    Network,
    NetworkArgs,
    WatchArgs,
)
from components.platforms.monitoring import make_monitoring, watched_service
from servers import paths

if TYPE_CHECKING:
    from components.backup.points import RestorePointsEntry
    from components.catalogue.model import Catalogue
    from components.settings.model import Settings


class DockerPlatform:
    """`components.platforms.interface.Platform` with containers of this machine's Docker Engine."""

    def __init__(self, settings: Settings, catalogue: Catalogue, project: str, stack: str) -> None:
        """Looks at the Docker host first. Raises ConfigurationError with every problem there is."""
        self._host = DockerHost.look(settings, catalogue, project, stack)
        self._project, self._stack = project, stack
        self._common_name = f"{project} {stack} CA"
        self._link = LinkNetwork(self._host) if settings.docker.link else None

    @property
    def way_to_shared(self) -> pulumi.Resource | None:
        """The link network, whose first address is the shared database's."""
        return None if self._link is None else self._link.resource

    def network(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions) -> Network:
        """The service's two networks, and a certificate of the stack's CA."""
        host = self._host
        plan = host.plan.services[args.service]
        identity = LocalNetwork(
            f"{name}-identity",
            {
                "stack_folder": str(host.folder),
                "folder": str(host.service(args.service)),
                "host": args.host,
                "address": plan.gateway_address,
                "more_addresses": [plan.instance_address, plan.gateway_for_applications],
                "common_name": self._common_name,
            },
            opts,
        )
        applications = docker.Network(
            f"{name}-applications",
            name=plan.applications_network,
            internal=True,
            attachable=True,
            # The host has no address here. https://docs.docker.com/engine/network/drivers/bridge/
            options={"com.docker.network.bridge.inhibit_ipv4": "true"},
            ipam_configs=[addresses(plan.applications)],
            labels=labels(docker.NetworkLabelArgs, host.plan.label, args.service),
            opts=opts,
        )
        inner = docker.Network(
            f"{name}-inner",
            name=plan.inner_network,
            internal=True,
            ipam_configs=[addresses(plan.inner)],
            labels=labels(docker.NetworkLabelArgs, host.plan.label, args.service),
            opts=opts,
        )
        resource = ServiceNetworks(name, identity, applications, inner, opts)
        return Network(resource, plan.gateway_address, str(host.authority))

    def instance(self, name: str, args: InstanceArgs, opts: pulumi.ResourceOptions) -> Instance:
        """A volume, and the container of a PostgreSQL in the service's inner network."""
        return make_instance(self._host, self._link, name, args, opts)

    def gateway(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions) -> Gateway:
        """The container of a PgBouncer in both networks of the service."""
        return make_gateway(self._host, self._link, name, args, opts)

    def backup(self, name: str, args: BackupArgs, opts: pulumi.ResourceOptions) -> BackupControl | None:
        """An archive beside the stack's folder, and a container that fills it, in a network of both."""
        return make_archive(self._host, name, args, opts)

    def monitoring(
        self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions
    ) -> MonitoringControl | None:
        """A folder beside the stack's, and processes of the host, which is in each inner network."""
        host = self._host
        return make_monitoring(
            name, args, opts, project=self._project, stack=self._stack, root=host.root, watched=self._watched
        )

    def _watched(self, service: str, one: WatchArgs) -> WatchedService:
        folder = self._host.service(service)
        return watched_service(
            one,
            sockets=paths.socket_dir(folder),
            data=self._host.data(service),
            certificate=folder / "tls" / "server.crt",
        )

    def restore_points(self, entry: RestorePointsEntry, contract: Mapping[str, Any]) -> None:
        """None by themselves, as no container reaches all consoles (docs/decisions/0119)."""

    def let_through(
        self, name: str, reader: Instance, network: Network, opts: pulumi.ResourceOptions
    ) -> None:
        """The reader's container in the service's inner network, where pg_hba.conf admits one role of it."""
        inner, socket = networks_of(network).inner, self._host.engine.socket
        Link.join(name, inner, container_of(reader), opts, socket=socket)
