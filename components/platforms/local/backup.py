"""The local platform's backups: an archive of the service's own, and the process that fills it.

The process is started here and lives until it is told to end; after a reboot the next `pulumi up` starts it
again, as it does the servers.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.platforms.provider import LocalProvider

SLOT = "waqiti_backup"
"""The physical slot on each instance."""


class BackupProvider(LocalProvider):
    """Lays the archive out, starts the supervisor; an update tells a running one what is new."""

    inputs = ("control", "endpoint", "role", "password", "keep_data")

    def create(self, props: dict[str, Any]) -> CreateResult:
        """An archive that an earlier destroy kept is gone on with."""
        self._apply(props)
        return CreateResult(str(props["control"]["service"]), self._outputs(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from components.backup import files

        folder = _folder(props)
        if not (folder / "control.json").exists():
            return ReadResult(None, {})
        running = files.supervisor_pid(folder) is not None
        return ReadResult(id_, {**self._outputs(props), "running": running})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        self._apply(_news)
        return UpdateResult(self._outputs(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Ends the supervisor and drops the slot, which would keep WAL for nobody until the disk is full.

        The archive goes only with `keep_data` off.
        """
        from components.backup import files

        folder = _folder(_props)
        if (folder / "control.json").exists():
            files.stop_supervisor(folder)
            files.drop_slot(_control(_props))
        if not _props["keep_data"]:
            shutil.rmtree(folder, ignore_errors=True)

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        from components.backup import files

        return not props.get("running") or files.supervisor_pid(_folder(props)) is None

    def _outputs(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.kept(props), "running": True}

    def _apply(self, props: Mapping[str, Any]) -> None:
        from components.backup import files
        from components.contract import Endpoint

        control, folder = _control(props), _folder(props)
        endpoint = Endpoint.model_validate(props["endpoint"])
        if files.write(control, endpoint, props["role"], props["password"]):
            files.stop_supervisor(folder)
        if files.supervisor_pid(folder) is None:
            files.start_supervisor(folder)


class LocalBackup(Resource, module="local", name="Backup"):
    """A service's archive and its supervisor."""

    running: pulumi.Output[bool]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(BackupProvider(), name, {**props, "running": None}, opts)


def _folder(props: Mapping[str, Any]) -> Path:
    return Path(props["control"]["folder"])


def _control(props: Mapping[str, Any]) -> Any:
    from components.contract import BackupControl

    # Pulumi's numbers are floats; what is whole goes in as such.
    return BackupControl.model_validate(whole(props["control"]))


def whole(value: Any) -> Any:
    """The same with Pulumi's floats as whole numbers, where they are."""
    if isinstance(value, dict):
        return {name: whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
