"""The parts of a gateway on Docker: files, container, and what waits for the container."""

from __future__ import annotations

import pulumi
import pulumi_docker as docker

from components.platforms.docker.gateway import DockerGateway, GatewayFiles
from components.platforms.docker.host import DockerHost
from components.platforms.docker.link_network import LinkNetwork
from components.platforms.docker.parts import (
    GATEWAY_MEMORY,
    GATEWAY_PROCESSES,
    GATEWAY_SHARES,
    HARDENED,
    after,
    at,
    bound,
    digest,
    labels,
    networks_of,
)
from components.platforms.interface import Gateway, GatewayArgs
from components.platforms.local.gateway import ADMINISTRATOR
from servers import osuser, paths


def make_gateway(
    host: DockerHost, link: LinkNetwork | None, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions
) -> Gateway:
    """The container of a PgBouncer in both networks of the service."""
    plan, networks = host.plan.services[args.service], networks_of(args.network)
    folder = host.service(args.service) / "gateway"
    sockets = paths.socket_dir(folder.parent)
    shared, settings = dict(args.way_to_shared), dict(args.pool_settings(host.gateway_version))
    admitted = [str(plan.applications), f"{plan.host}/32"]
    watching = (
        {}
        if args.monitoring_password is None
        else {"monitoring_password": pulumi.Output.secret(args.monitoring_password)}
    )
    files = GatewayFiles(
        f"{name}-files",
        {
            "folder": str(folder),
            "sockets": str(sockets),
            "port": args.port,
            "database": args.database,
            "service_role": args.service_role,
            "service_password": pulumi.Output.secret(args.service_password),
            "ddl_role": args.ddl_role,
            "ddl_password": pulumi.Output.secret(args.ddl_password),
            **args.other_logins,
            "administrator_password": pulumi.Output.secret(args.administrator_password),
            **watching,
            "source": shared,
            "source_password": pulumi.Output.secret(args.source.password),
            "settings": settings,
            "certificate": networks.identity.fingerprint,
            "authority": str(host.authority),
            "admitted": admitted,
        },
        after(opts, networks.identity),
    )
    user = osuser.service_user()
    container = docker.Container(
        f"{name}-container",
        name=plan.gateway,
        image=host.gateway_image,
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
        cpu_shares=GATEWAY_SHARES,
        # shutdown at once: a stop that waits for clients would wait for pools, which never end
        stop_signal="SIGTERM",
        labels=labels(docker.ContainerLabelArgs, host.plan.label, args.service),
        opts=after(opts, files, networks.applications, networks.inner, replace=True),
        **HARDENED,
    )
    linked = [link.join(f"{name}-link", args.service, container, opts)] if link else []
    passwords = pulumi.Output.all(
        args.service_password,
        args.ddl_password,
        args.administrator_password,
        args.source.password,
        *(one.password for one in args.others),
        *watching.values(),
    )
    content = passwords.apply(
        lambda words: digest({"passwords": words, "settings": settings, "source": shared, "in": admitted})
    )
    resource = DockerGateway(
        name,
        {
            "container": plan.gateway,
            "socket": host.engine.socket,
            "sockets": str(sockets),
            "port": args.port,
            "processes": GATEWAY_PROCESSES,
            "digest": [content, networks.identity.fingerprint, container.id],
        },
        after(opts, files, container, *linked),
    )
    control = {
        "platform": "docker",
        "sockets": str(sockets),
        "port": args.port,
        "administrator": {"name": ADMINISTRATOR, "password": files.administrator_password},
        "routes": str(host.routes(args.service)),
        "service_userlist": str(folder / "users.txt"),
    }
    endpoint = host.endpoint(args.host, plan.gateway_address, args.port, args.database)
    return Gateway(resource, endpoint, control, host.gateway_version)
