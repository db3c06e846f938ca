"""The parts of an instance on Docker: volume, files, container, and what waits for the container."""

from __future__ import annotations

import pulumi
import pulumi_docker as docker

from components.platforms import audit
from components.platforms.docker import plan as docker_plan
from components.platforms.docker.host import DockerHost
from components.platforms.docker.instance import DockerInstance
from components.platforms.docker.instance_files import (
    DATA,
    LOGGING,
    MOUNTED_AT,
    SOURCE_AUTHORITY,
    STACK_AUTHORITY,
    START,
    VOLUME,
    InstanceFiles,
    configuration,
    hba_lines,
)
from components.platforms.docker.link_network import LinkNetwork
from components.platforms.docker.parts import (
    HARDENED,
    TEMPORARY,
    after,
    at,
    bound,
    digest,
    health,
    labels,
    networks_of,
)
from components.platforms.interface import Instance, InstanceArgs
from servers.errors import ServerError


def make_instance(
    host: DockerHost, link: LinkNetwork | None, name: str, args: InstanceArgs, opts: pulumi.ResourceOptions
) -> Instance:
    """A volume, and the container of a PostgreSQL in the service's inner network."""
    host.check_locale(args.service, args.locale, args.version)
    plan, networks = host.plan.services[args.service], networks_of(args.network)
    folder = host.service(args.service)
    unprotected = pulumi.ResourceOptions(parent=opts.parent)  # of the instance, only the volume is protected
    volume = _volume(host, name, args, opts)
    environment = _environment(host, args)
    limits = host.limits(plan)
    start = START.read_text(encoding="utf-8")
    shape = digest(
        {
            "image": host.postgres_image,
            "environment": environment,
            "start": start,
            "source": host.source_authority,
            "authority": str(host.authority),
            **limits,
        }
    )
    # A subscription names the CA of the server that it follows by its path on this machine.
    trusted = [bound(folder / "instance" / STACK_AUTHORITY, str(host.authority))]
    if host.source_authority:
        trusted.append(bound(folder / "instance" / SOURCE_AUTHORITY, host.source_authority))
    gateway = {
        "socket": host.engine.socket,
        "gateway": plan.gateway,
        "gateway_address": plan.gateway_address,
        "routes": str(host.routes(args.service)),
        "folder": str(folder / "instance"),
        "name": args.host,
        "address": plan.instance_address,
        "port": args.port,
        "administrator": args.administrator,
        "administrator_password": pulumi.Output.secret(args.administrator_password),
        "authority": str(host.authority),
        "shape": shape,
    }
    parameters = {**LOGGING, **args.parameters}
    if host.pgaudit:
        parameters = audit.by_pgaudit(parameters)
    written = {
        "user": host.settings.postgres_user,
        "version": args.version,
        "database": args.database,
        "parameters": parameters,
        "roles": list(args.roles),
        "replication_roles": list(args.replication_roles),
        "reading_roles": list(args.reading_roles),
        "subnet": str(plan.inner),
        "host": plan.host,
        "certificate": networks.identity.fingerprint,
        "tls": str(folder / "tls"),
        "source_authority": host.source_authority,
        **_archive(host, args),
    }
    files = InstanceFiles(f"{name}-files", {**gateway, **written}, after(unprotected, networks.identity))
    container = docker.Container(
        f"{name}-container",
        name=plan.instance,
        image=host.postgres_image,
        entrypoints=["/bin/sh", f"{MOUNTED_AT}/start"],
        envs=[f"{key}={value}" for key, value in environment.items()],
        user=host.settings.postgres_user,
        networks_advanced=[at(plan.inner_network, plan.instance_address, f"{args.host}-instance")],
        mounts=[
            docker.ContainerMountArgs(target=VOLUME, type="volume", source=plan.volume),
            bound(folder / "instance", MOUNTED_AT),
            *trusted,
        ],
        # A health check that times out leaves its children to the first process. Up to PostgreSQL 17 the
        # postmaster takes one that it does not know, and that ends with 2 or more, for a crashed session.
        init=True,
        # fast: sessions are ended, then a checkpoint
        stop_signal="SIGINT",
        healthcheck=health(["/bin/sh", f"{MOUNTED_AT}/health", str(args.port)]),
        labels=labels(docker.ContainerLabelArgs, host.plan.label, args.service),
        opts=after(unprotected, files, volume, networks.inner, replace=True),
        tmpfs=TEMPORARY,
        **limits,
        **HARDENED,
    )
    linked = [link.join(f"{name}-link", args.service, container, unprotected)] if link else []
    configured = digest(
        {
            "configuration": configuration({"port": args.port, "parameters": parameters}),
            "hba": hba_lines({**gateway, **written}),
        }
    )
    resource = DockerInstance(
        name,
        container,
        {
            **gateway,
            "container": plan.instance,
            "configuration": [configured, networks.identity.fingerprint, container.id],
            "processes": docker_plan.processes(args.parameters),
        },
        after(unprotected, files, container, *linked),
    )
    control = {
        "platform": "docker",
        "binaries": "",
        "data": str(host.data(args.service)),
        "sockets": "",
        "link": link.control(args.service) if link else None,
    }
    endpoint = host.endpoint(args.host, plan.instance_address, args.port, args.database)
    return Instance(resource, endpoint, control, (audit.PGAUDIT,) if host.pgaudit else ())


def container_of(instance: Instance) -> docker.Container:
    """An instance's container."""
    if not isinstance(instance.resource, DockerInstance):
        raise ServerError("is of another platform", where="instance", to_do="make it by this platform")
    return instance.resource.container


def _archive(host: DockerHost, args: InstanceArgs) -> dict[str, str]:
    """From where its archive is let in, and as which role; nothing where it has none."""
    if args.backup_role is None:
        return {}
    return {
        "archive": host.plan.services[args.service].archive_address,
        "archive_role": args.backup_role,
    }


def _volume(host: DockerHost, name: str, args: InstanceArgs, opts: pulumi.ResourceOptions) -> docker.Volume:
    disk = host.settings.volume_of(args.service)
    return docker.Volume(
        f"{name}-data",
        name=host.plan.services[args.service].volume,
        driver=disk.driver,
        driver_opts=disk.of(args.service),
        labels=labels(docker.VolumeLabelArgs, host.plan.label, args.service),
        opts=pulumi.ResourceOptions(
            # A change would replace the volume; `checks.check_volumes` refuses it instead.
            ignore_changes=["driver", "driverOpts"],
            parent=opts.parent,
            protect=opts.protect,
            retain_on_delete=bool(opts.retain_on_delete) or args.keep_data,
        ),
    )


def _environment(host: DockerHost, args: InstanceArgs) -> dict[str, str]:
    """What the start and the health check are told; no secret."""
    return {
        "PGDATA": DATA,
        "WAQITI_VERSION": str(args.version),
        "WAQITI_CLUSTER": f"{host.plan.label}/{args.service}",
        "WAQITI_ADMINISTRATOR": args.administrator,
        "WAQITI_ROOM": str(docker_plan.ROOM),
        # Out of memory, a session is killed rather than the postmaster: the others come back with it.
        # https://www.postgresql.org/docs/current/kernel-resources.html#LINUX-MEMORY-OVERCOMMIT
        "PG_OOM_ADJUST_FILE": "/proc/self/oom_score_adj",
        "PG_OOM_ADJUST_VALUE": "200",
    }
