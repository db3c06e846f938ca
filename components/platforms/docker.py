"""The Docker platform: for each service two internal networks, a volume, two containers (instance, gateway).

Applications join a service's network and find its gateway there, under the endpoint's name; the instance
is in an inner network with the gateway and the host, so there is no way in but the gateway. No port is
published.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_docker as docker

from components.contract import Endpoint
from components.platforms import docker_checks, docker_plan
from components.platforms.docker_engine import Engine
from components.platforms.docker_gateway import DockerGateway, GatewayFiles
from components.platforms.docker_instance import DockerInstance
from components.platforms.docker_instance_files import (
    DATA,
    MOUNTED_AT,
    SOURCE_AUTHORITY,
    START,
    VOLUME,
    InstanceFiles,
    configuration,
    hba_lines,
)
from components.platforms.docker_link import Link
from components.platforms.docker_parts import (
    GATEWAY_MEMORY,
    GATEWAY_PROCESSES,
    HARDENED,
    TEMPORARY,
    ServiceNetworks,
    addresses,
    after,
    at,
    bound,
    digest,
    health,
    labels,
    networks_of,
)
from components.platforms.interface import (
    Gateway,
    GatewayArgs,
    Instance,
    InstanceArgs,
    Network,
    NetworkArgs,
)
from components.platforms.local_gateway import ADMINISTRATOR
from components.platforms.local_network import LocalNetwork
from components.problems import ConfigurationError, Problem
from servers import osuser, paths
from servers.errors import ServerError

if TYPE_CHECKING:
    from components.catalogue import Catalogue
    from components.settings import Settings

_KB_IN_MB = 1024


class DockerPlatform:
    """`components.platforms.interface.Platform` with containers of this machine's Docker Engine."""

    def __init__(self, settings: Settings, catalogue: Catalogue, project: str, stack: str) -> None:
        """Looks at the Docker host first. Raises ConfigurationError with every problem there is."""
        try:
            self._engine = Engine.of_environment()
            info = self._engine.info()
        except ServerError as error:
            problem = Problem("waqiti:platform: docker", f"{error.where} {error.seen}", error.to_do)
            raise ConfigurationError([problem]) from error
        found = docker_checks.check_user()
        found += docker_plan.problems(settings, catalogue, int(info["MemTotal"]) // 1024)
        image, wrong = docker_checks.check_image(
            self._engine, "docker.postgresImage", settings.docker.postgres_image
        )
        found += wrong
        images = [image, image]
        if settings.docker.gateway_image is not None:
            images[1], wrong = docker_checks.check_image(
                self._engine, "docker.gatewayImage", settings.docker.gateway_image
            )
            found += wrong
        if not any(problem.key == "docker.subnet" for problem in found):
            self._plan = docker_plan.stack_plan(settings, catalogue, project, stack)
            found += docker_checks.check_names(self._engine, self._plan)
            found += docker_checks.check_volumes(self._engine, self._plan, settings.docker)
            found += docker_checks.check_disks(self._plan, settings.docker)
        if found:
            raise ConfigurationError(
                Problem(f"waqiti:platform: docker: {problem.key}", problem.what, problem.fix)
                for problem in found
            )
        root = Path(settings.state_folder).expanduser() if settings.state_folder else paths.state_dir()
        self._folder = paths.stack_dir(project, stack, root.absolute())
        self._common_name = f"{project} {stack} CA"
        self._settings = settings.docker
        self._source_authority = settings.source.sslrootcert
        self._postgres_image, self._gateway_image = images
        self._processors = int(info["NCPU"])
        self._volumes = Path(info["DockerRootDir"]) / "volumes"
        sharing = [name for name in self._plan.services if not settings.docker.volume_of(name).bounded]
        if sharing:
            pulumi.log.warn(
                f"docker.volume: {', '.join(sharing)} share the disk of {info['DockerRootDir']}: one that"
                " fills it fills it for all; give each a disk of its own (docs/runbooks/staging.md, Disks)"
            )
        self._link = self._link_network() if settings.docker.link else None

    def network(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions) -> Network:
        """The service's two networks, and a certificate of the stack's CA."""
        plan = self._plan.services[args.service]
        identity = LocalNetwork(
            f"{name}-identity",
            {
                "stack_folder": str(self._folder),
                "folder": str(self._service(args.service)),
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
            labels=labels(docker.NetworkLabelArgs, self._plan.label, args.service),
            opts=opts,
        )
        inner = docker.Network(
            f"{name}-inner",
            name=plan.inner_network,
            internal=True,
            ipam_configs=[addresses(plan.inner)],
            labels=labels(docker.NetworkLabelArgs, self._plan.label, args.service),
            opts=opts,
        )
        resource = ServiceNetworks(name, identity, applications, inner, opts)
        return Network(resource, plan.gateway_address, str(self._authority))

    def instance(self, name: str, args: InstanceArgs, opts: pulumi.ResourceOptions) -> Instance:
        """A volume, and the container of a PostgreSQL in the service's inner network."""
        plan, networks = self._plan.services[args.service], networks_of(args.network)
        folder = self._service(args.service)
        unprotected = pulumi.ResourceOptions(parent=opts.parent)
        disk = self._settings.volume_of(args.service)
        volume = docker.Volume(
            f"{name}-data",
            name=plan.volume,
            driver=disk.driver,
            driver_opts=disk.of(args.service),
            labels=labels(docker.VolumeLabelArgs, self._plan.label, args.service),
            opts=pulumi.ResourceOptions(
                # A change would replace the volume; `docker_checks.check_volumes` refuses it instead.
                ignore_changes=["driver", "driverOpts"],
                parent=opts.parent,
                protect=opts.protect,
                retain_on_delete=bool(opts.retain_on_delete) or args.keep_data,
            ),
        )
        environment = {
            "PGDATA": DATA,
            "WAQITI_VERSION": str(args.version),
            "WAQITI_CLUSTER": f"{self._plan.label}/{args.service}",
            "WAQITI_ADMINISTRATOR": args.administrator,
            "WAQITI_ROOM": str(docker_plan.ROOM),
            # Out of memory, a session is killed rather than the postmaster: the others come back with it.
            # https://www.postgresql.org/docs/current/kernel-resources.html#LINUX-MEMORY-OVERCOMMIT
            "PG_OOM_ADJUST_FILE": "/proc/self/oom_score_adj",
            "PG_OOM_ADJUST_VALUE": "200",
        }
        limits = self._limits(plan)
        start = START.read_text(encoding="utf-8")
        shape = digest(
            {
                "image": self._postgres_image,
                "environment": environment,
                "start": start,
                "source": self._source_authority,
                **limits,
            }
        )
        # A subscription names the shared database's CA by its path on this machine.
        trusted = (
            [bound(folder / "instance" / SOURCE_AUTHORITY, self._source_authority)]
            if self._source_authority
            else []
        )
        gateway = {
            "socket": self._engine.socket,
            "gateway": plan.gateway,
            "gateway_address": plan.gateway_address,
            "routes": str(folder / "gateway" / "routes.ini"),
            "folder": str(folder / "instance"),
            "name": args.host,
            "address": plan.instance_address,
            "port": args.port,
            "administrator": args.administrator,
            "administrator_password": pulumi.Output.secret(args.administrator_password),
            "authority": str(self._authority),
            "shape": shape,
        }
        written = {
            "user": self._settings.postgres_user,
            "version": args.version,
            "database": args.database,
            "parameters": dict(args.parameters),
            "roles": list(args.roles),
            "replication_roles": list(args.replication_roles),
            "subnet": str(plan.inner),
            "host": plan.host,
            "certificate": networks.identity.fingerprint,
            "tls": str(folder / "tls"),
            "source_authority": self._source_authority,
        }
        files = InstanceFiles(f"{name}-files", {**gateway, **written}, after(unprotected, networks.identity))
        container = docker.Container(
            f"{name}-container",
            name=plan.instance,
            image=self._postgres_image,
            entrypoints=["/bin/sh", f"{MOUNTED_AT}/start"],
            envs=[f"{key}={value}" for key, value in environment.items()],
            user=self._settings.postgres_user,
            networks_advanced=[at(plan.inner_network, plan.instance_address, f"{args.host}-instance")],
            mounts=[
                docker.ContainerMountArgs(target=VOLUME, type="volume", source=plan.volume),
                bound(folder / "instance", MOUNTED_AT),
                *trusted,
            ],
            # fast: sessions are ended, then a checkpoint
            stop_signal="SIGINT",
            healthcheck=health(["/bin/sh", f"{MOUNTED_AT}/health", str(args.port)]),
            labels=labels(docker.ContainerLabelArgs, self._plan.label, args.service),
            opts=after(unprotected, files, volume, networks.inner, replace=True),
            tmpfs=TEMPORARY,
            **limits,
            **HARDENED,
        )
        link = self._linked(f"{name}-link", plan.instance, container, unprotected)
        configured = digest(
            {
                "configuration": configuration({"port": args.port, "parameters": dict(args.parameters)}),
                "hba": hba_lines({**gateway, **written}),
            }
        )
        served = {**gateway, "container": plan.instance}
        resource = DockerInstance(
            name,
            {
                **served,
                "configuration": [configured, networks.identity.fingerprint, container.id],
                "processes": docker_plan.processes(args.parameters),
            },
            after(unprotected, files, container, *link),
        )
        control = {
            "platform": "docker",
            "binaries": "",
            "data": str(self._volumes / plan.volume / "_data" / Path(DATA).name),
            "sockets": "",
        }
        endpoint = self._endpoint(args.host, plan.instance_address, args.port, args.database)
        return Instance(resource, endpoint, control)

    def gateway(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions) -> Gateway:
        """The container of a PgBouncer in both networks of the service."""
        plan, networks = self._plan.services[args.service], networks_of(args.network)
        folder = self._service(args.service) / "gateway"
        sockets = paths.socket_dir(folder.parent)
        source = args.source.endpoint
        shared = {
            "host": source.address or source.host,
            "port": source.port,
            "database": source.database,
            "sslmode": source.sslmode,
            "role": args.source.role,
            "schema": args.schema_name,
            **({"sslrootcert": source.sslrootcert} if source.sslrootcert else {}),
        }
        settings = {
            "max_client_conn": str(args.max_client_connections),
            "default_pool_size": str(args.pool_maximum),
            "max_db_connections": str(args.pool_maximum),
            **args.settings,
        }
        admitted = [str(plan.applications), f"{plan.host}/32"]
        files = GatewayFiles(
            f"{name}-files",
            {
                "folder": str(folder),
                "sockets": str(sockets),
                "port": args.port,
                "database": args.database,
                "service_role": args.service_role,
                "service_password": pulumi.Output.secret(args.service_password),
                "administrator_password": pulumi.Output.secret(args.administrator_password),
                "source": shared,
                "source_password": pulumi.Output.secret(args.source.password),
                "settings": settings,
                "certificate": networks.identity.fingerprint,
                "authority": str(self._authority),
                "admitted": admitted,
            },
            after(opts, networks.identity),
        )
        user = osuser.service_user()
        container = docker.Container(
            f"{name}-container",
            name=plan.gateway,
            image=self._gateway_image,
            entrypoints=["pgbouncer", str(folder / "pgbouncer.ini")],
            user=f"{user.uid}:{user.gid}" if user else None,
            networks_advanced=[
                at(plan.applications_network, plan.gateway_for_applications, args.host),
                at(plan.inner_network, plan.gateway_address, args.host),
            ],
            mounts=[
                bound(folder, str(folder)),
                bound(folder.parent / "tls", str(folder.parent / "tls")),
                bound(sockets, str(sockets), read_only=False),
            ],
            memory=GATEWAY_MEMORY,
            memory_swap=GATEWAY_MEMORY,
            # shutdown at once: a stop that waits for clients would wait for pools, which never end
            stop_signal="SIGTERM",
            labels=labels(docker.ContainerLabelArgs, self._plan.label, args.service),
            opts=after(opts, files, networks.applications, networks.inner, replace=True),
            **HARDENED,
        )
        link = self._linked(f"{name}-link", plan.gateway, container, opts)
        passwords = pulumi.Output.all(
            args.service_password, args.administrator_password, args.source.password
        )
        content = passwords.apply(
            lambda words: digest({"passwords": words, "settings": settings, "source": shared, "in": admitted})
        )
        resource = DockerGateway(
            name,
            {
                "container": plan.gateway,
                "socket": self._engine.socket,
                "sockets": str(sockets),
                "port": args.port,
                "processes": GATEWAY_PROCESSES,
                "digest": [content, networks.identity.fingerprint, container.id],
            },
            after(opts, files, container, *link),
        )
        control = {
            "platform": "docker",
            "sockets": str(sockets),
            "port": args.port,
            "administrator": {"name": ADMINISTRATOR, "password": files.administrator_password},
            "routes": str(folder / "routes.ini"),
            "service_userlist": str(folder / "users.txt"),
        }
        return Gateway(
            resource, self._endpoint(args.host, plan.gateway_address, args.port, args.database), control
        )

    @property
    def _authority(self) -> Path:
        return self._folder / "ca" / "ca.crt"

    def _service(self, service: str) -> Path:
        return self._folder / service

    def _endpoint(self, host: str, address: str, port: int, database: str) -> Endpoint:
        return Endpoint(
            host=host, address=address, port=port, database=database, sslrootcert=str(self._authority)
        )

    def _limits(self, plan: docker_plan.ServicePlan) -> dict[str, Any]:
        megabytes = plan.memory // _KB_IN_MB
        return {
            "memory": megabytes,
            "memory_swap": megabytes,  # no swap
            "shm_size": plan.shared_memory // _KB_IN_MB,
            "cpus": str(plan.cpu_limit(self._processors)),  # 2.0, as Docker gives it back
            "cpu_shares": plan.cpu_shares,
        }

    def _link_network(self) -> docker.Network:
        return docker.Network(
            "link",
            name=self._plan.link_network,
            internal=True,
            options={"com.docker.network.bridge.enable_icc": "false"},
            ipam_configs=[addresses(self._plan.link)],
            labels=labels(docker.NetworkLabelArgs, self._plan.label, "all"),
        )

    def _linked(
        self, name: str, container: str, resource: docker.Container, opts: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        if self._link is None:
            return []
        props = {
            "socket": self._engine.socket,
            "network": self._plan.link_network,
            "container": container,
            "identity": resource.id,
        }
        return [Link(name, props, after(opts, self._link, resource))]
