"""An archive's files, before its container, and what waits for the container, after it.

The folder is where the local platform has it too, and is mounted at the same path, so that `operations` and
`migration` read the same files; what is done with it is done in the container.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.platforms.docker.provider import ContainerProvider
from components.platforms.local.backup import whole
from components.platforms.provider import LocalProvider

USER = "postgres"
"""Who fills it, as the image calls the user of `docker.postgresUser`."""
TURN = ".backup-turn.lock"
"""Beside the archives: who holds it runs a task. `operations.backup.archive.Archive.turn_lock`."""
END = "operations.inside.end"
"""The module that ends what an archive is filled by, and drops its slot."""
READY_SECONDS = 60.0
STOP_SECONDS = 30


class ArchiveFilesProvider(LocalProvider):
    """Lays an archive out for its container's user; leaves what was archived where it is."""

    inputs = ("control", "endpoint", "role", "password", "keep_data")

    def create(self, props: dict[str, Any]) -> CreateResult:
        """An archive that an earlier destroy kept is gone on with."""
        _lay_out(props)
        return CreateResult(str(props["control"]["service"]), self.kept(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        there = (_folder(props) / "control.json").exists()
        return ReadResult(id_, self.kept(props)) if there else ReadResult(None, {})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        _lay_out(_news)
        return UpdateResult(self.kept(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        if not _props["keep_data"]:
            shutil.rmtree(_folder(_props), ignore_errors=True)

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        return not (_folder(props) / "control.json").exists()


class ArchiveFiles(Resource, module="docker", name="ArchiveFiles"):
    """The folder of an archive."""

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(ArchiveFilesProvider(), name, props, opts)


class ArchiveProvider(ContainerProvider):
    """Waits until the archive's supervisor is at work; starts it anew when its files have changed."""

    inputs = ("container", "restored", "socket", "folder", "digest", "processes")

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(props["container"], self._filling(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        from servers.docker_engine import Engine

        if _olds.get("digest") != _news["digest"]:
            Engine(_news["socket"]).restart(_news["container"], STOP_SECONDS)
        return UpdateResult(self._filling(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Drops the slot, which would keep WAL for nobody until the disk is full; the container goes by
        itself, that of a restored instance does not."""
        from servers.docker_engine import Engine
        from servers.errors import ServerError

        engine = Engine(_props["socket"])
        with suppress(ServerError):  # with the server the slot is gone, too
            engine.execute(
                _props["container"], ["python3", "-m", END, str(_props["folder"])], lambda line: None
            )
        engine.remove_container(_props["restored"])

    def _filling(self, props: Mapping[str, Any]) -> dict[str, Any]:
        from components import supervisors
        from servers.docker_engine import Engine
        from servers.errors import ServerError

        engine, container = Engine(props["socket"]), str(props["container"])
        engine.start(container)
        engine.limit_processes(container, int(props["processes"]))
        deadline = time.monotonic() + READY_SECONDS
        while supervisors.running(Path(props["folder"])) is None:
            if time.monotonic() > deadline:
                last = [line for line in engine.said(container) if line.strip()][-1:]
                raise ServerError(
                    f"does not fill its archive ({(last or ['it said nothing'])[0]})",
                    where=f"the container {container}",
                    to_do=f"see docker logs {container}; then `pulumi up` again",
                )
            time.sleep(0.1)
        return {**self.kept(props), "running": True}


class DockerArchive(Resource, module="docker", name="Archive"):
    """Who fills an archive, once that is so."""

    running: pulumi.Output[bool]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(ArchiveProvider(), name, {**props, "running": None}, opts)


def _folder(props: Mapping[str, Any]) -> Path:
    return Path(props["control"]["folder"])


def _lay_out(props: Mapping[str, Any]) -> None:
    from components.backup import files
    from components.contract import BackupControl, Endpoint
    from servers import paths
    from servers.osuser import OsUser

    control = BackupControl.model_validate(whole(props["control"]))
    assert control.container is not None  # noqa: S101 (on Docker there is one)
    uid, gid = (int(number) for number in control.container.user.split(":"))
    archives = paths.make_passable(Path(control.folder).parent)
    turn = archives / TURN
    turn.touch(0o600)
    os.chown(turn, uid, gid)
    endpoint = Endpoint.model_validate(props["endpoint"])
    files.write(control, endpoint, props["role"], props["password"], OsUser(USER, uid, gid))
