"""The container of a restored instance: the archive to read, the data volume beside the service's own data,
a socket for who is on the host, and no network.

Paths in it are those of the host, so that both speak of the same files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from operations.backup.archive import Archive, Container
from operations.inside import keys
from operations.inside.call import PYTHON, call
from operations.restore.scratch import Scratch
from servers import paths
from servers.docker_engine import Engine
from servers.docker_volumes import bound, mounted

KEEPER = "operations.inside.keep"
MEMORY = 1024 * 2**20
"""Bytes: a server with 128 MB of shared buffers, and what looks at its rows."""
SHARES = 256
PROCESSES = 256


def name_of(archive: Archive) -> str:
    """The container's."""
    return f"{_of(archive).instance.removesuffix('-instance')}-restored"


def place(archive: Archive, folder: Path) -> Scratch:
    """The restored instance in `folder`, as the host and its container see it."""
    return Scratch(folder, archive.binaries, _sockets(archive), archive.administrator, ("root",))


def ensure(archive: Archive, volume_at: Path) -> str:
    """The container, at work; made where it is not there. `volume_at`: where the host sees the data volume.

    Returns its name. Raises ServerError.
    """
    where = _of(archive)
    engine, name = Engine(where.socket), name_of(archive)
    keys.make_folder(archive)
    if engine.container(name) is None:
        sockets = _sockets(archive)
        paths.make_passable(sockets)
        user, group = (int(number) for number in where.user.split(":"))
        os.chown(sockets, user, group)
        sockets.chmod(0o700)
        mounts = [
            bound(archive.folder, read_only=True),
            bound(sockets, read_only=False),
            mounted(where.volume, volume_at),
        ]
        engine.make_container(name, _body(archive, mounts))
    engine.start(name)
    return name


def remove(archive: Archive) -> None:
    """End the container with the server in it, and remove it. The data stay where they are."""
    Engine(_of(archive).socket).remove_container(name_of(archive))
    keys.remove_folder(archive)


@contextmanager
def for_a_proof(archive: Archive) -> Iterator[str]:
    """A container without a network, in which an encrypted archive is proven; gone afterwards. Its name."""
    engine = Engine(_of(archive).socket)
    name = name_of(archive).removesuffix("-restored") + "-proof"
    engine.remove_container(name)
    keys.make_folder(archive)
    engine.make_container(name, _body(archive, [bound(archive.folder, read_only=False)]))
    try:
        engine.start(name)
        yield name
    finally:
        engine.remove_container(name)


def start(archive: Archive, folder: Path) -> None:
    """Start the restored server."""
    name = ensure(archive, folder.parent)
    call(archive, "start_restored", {"scratch": place(archive, folder).as_json()}, container=name)


def stop(archive: Archive, folder: Path) -> None:
    """Stop the restored server, after a checkpoint."""
    name = ensure(archive, folder.parent)
    call(archive, "stop_restored", {"scratch": place(archive, folder).as_json()}, container=name)


def configure_as(archive: Archive, source: Path, folder: Path) -> None:
    """Give the restored data the configuration of the data folder `source`."""
    name = ensure(archive, folder.parent)
    told = {"scratch": place(archive, folder).as_json(), "source": str(source)}
    call(archive, "configure_restored", told, container=name)


def _of(archive: Archive) -> Container:
    if archive.container is None:
        raise ValueError(f"{archive.service} is not on Docker")
    return archive.container


def _sockets(archive: Archive) -> Path:
    return paths.socket_dir(archive.folder / "restored")


def _body(archive: Archive, mounts: list[dict[str, Any]]) -> dict[str, Any]:
    """https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerCreate"""
    where, key = _of(archive), keys.folder(archive)
    return {
        "Image": where.image,
        "Entrypoint": [PYTHON, "-m", KEEPER],
        "User": where.user,
        "Labels": {"waqiti.stack": where.label, "waqiti.service": archive.service},
        "HostConfig": {
            "NetworkMode": "none",
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "ReadonlyRootfs": True,
            "Init": True,
            "Tmpfs": {"/tmp": "rw,nosuid,nodev,noexec,mode=1777,size=64m"},  # noqa: S108 - the container's
            "Memory": MEMORY,
            "MemorySwap": MEMORY,
            "CpuShares": SHARES,
            "PidsLimit": PROCESSES,
            "Mounts": [*mounts, *([] if key is None else [bound(key, read_only=False)])],
        },
    }
