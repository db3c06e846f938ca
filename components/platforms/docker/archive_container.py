"""The parts of an archive on Docker: a network with its instance alone, files, the container that fills it.

The container reaches its instance and its folder, and nothing else: no other network, no other service's
archive, not the host.
"""

from __future__ import annotations

from pathlib import Path

import pulumi
import pulumi_docker as docker

from components.archive_container import ArchiveContainer
from components.contract import BackupControl, Endpoint
from components.platforms.docker.archive import TURN, ArchiveFiles, DockerArchive
from components.platforms.docker.host import DockerHost
from components.platforms.docker.instance_container import container_of
from components.platforms.docker.link import Link
from components.platforms.docker.parts import HARDENED, addresses, after, at, bound, digest, labels
from components.platforms.interface import BackupArgs
from components.platforms.local.backup import SLOT
from servers.errors import ServerError

MEMORY = 768
"""MB: a proof starts a server with 128 MB of shared buffers, and reads all rows."""
SHARES = 256
"""A quarter of what one processor's worth of instance has: backups wait for services."""
PROCESSES = 256
SUPERVISOR = "operations.backup.supervise"
TEMPORARY = {"/tmp": "rw,nosuid,nodev,noexec,mode=1777,size=64m"}  # noqa: S108 - of the container, in memory


def make_archive(
    host: DockerHost, name: str, args: BackupArgs, opts: pulumi.ResourceOptions
) -> BackupControl:
    """Network, files and container of a service's archive."""
    if host.archive_image is None:
        raise ServerError(
            "is not known", where="docker.archiveImage", to_do="name it in the stack's settings"
        )
    plan = host.plan.services[args.service]
    child = pulumi.ResourceOptions(parent=opts.parent)
    network = docker.Network(
        f"{name}-network",
        name=plan.archive_network,
        internal=True,
        # The host has no address here, as in the network of the applications.
        options={"com.docker.network.bridge.inhibit_ipv4": "true"},
        ipam_configs=[addresses(plan.archiving)],
        labels=labels(docker.NetworkLabelArgs, host.plan.label, args.service),
        opts=child,
    )
    link = Link.join(
        f"{name}-link",
        network,
        container_of(args.instance),
        child,
        socket=host.engine.socket,
        address=plan.instance_for_archive,
    )
    control = _control(host, args)
    folder = Path(control.folder)
    own = args.instance.endpoint
    endpoint = Endpoint(**{**own.model_dump(), "address": plan.instance_for_archive})
    files = ArchiveFiles(
        f"{name}-files",
        {
            "control": control.model_dump(mode="json"),
            "endpoint": endpoint.model_dump(mode="json"),
            "role": args.role,
            "password": pulumi.Output.secret(args.password),
            "keep_data": args.keep_data,
        },
        child,
    )
    container = docker.Container(
        f"{name}-container",
        name=plan.archive,
        image=host.archive_image,
        entrypoints=["python3", "-m", SUPERVISOR, str(folder)],
        user=host.settings.postgres_user,
        networks_advanced=[at(plan.archive_network, plan.archive_address, plan.archive)],
        mounts=[
            bound(folder, str(folder), read_only=False),
            bound(folder.parent / TURN, str(folder.parent / TURN), read_only=False),
            bound(host.authority, str(host.authority)),
        ],
        # The supervisor is no init: what its children leave behind has to be waited for.
        init=True,
        memory=MEMORY,
        memory_swap=MEMORY,
        cpu_shares=SHARES,
        stop_signal="SIGTERM",
        labels=labels(docker.ContainerLabelArgs, host.plan.label, args.service),
        opts=after(child, files, network, link, *_roles(opts), replace=True),
        tmpfs=TEMPORARY,
        **HARDENED,
    )
    said = [control.model_dump(mode="json"), endpoint.model_dump(mode="json"), args.role]
    content = pulumi.Output.from_input(args.password).apply(lambda word: digest([*said, word]))
    DockerArchive(
        name,
        {
            "container": plan.archive,
            "restored": f"{plan.prefix}-restored",
            "socket": host.engine.socket,
            "folder": str(folder),
            "digest": [content, container.id],
            "processes": PROCESSES,
        },
        after(child, files, container),
    )
    return control


def _control(host: DockerHost, args: BackupArgs) -> BackupControl:
    plan = host.plan.services[args.service]
    return BackupControl(
        platform="docker",
        service=args.service,
        folder=str(host.archives / args.service),
        slot=SLOT,
        binaries=f"/usr/lib/postgresql/{args.version}/bin",
        policy=args.policy,
        administrator=args.administrator,
        container=ArchiveContainer(
            socket=host.engine.socket,
            name=plan.archive,
            image=host.archive_image or "",
            user=host.settings.postgres_user,
            instance=plan.instance,
            volume=plan.volume,
            label=host.plan.label,
        ),
    )


def _roles(opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """What the caller says that a backup has to wait for: it logs in as one of them."""
    wanted = opts.depends_on
    return [one for one in wanted if isinstance(one, pulumi.Resource)] if isinstance(wanted, list) else []
