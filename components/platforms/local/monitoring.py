"""The local platform's monitoring: a folder beside the stack's, and the process that keeps it running.

It is started here and lives until it is told to end; after a reboot the next `pulumi up` starts it again, as
it does the servers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.platforms.local.backup import whole
from components.platforms.provider import LocalProvider

if TYPE_CHECKING:
    from components.contract import MonitoringControl


class MonitoringProvider(LocalProvider):
    """Lays the folder out, starts the supervisor; one that runs is started again with what is new."""

    inputs = ("control", "settings", "passwords", "program", "keep_data")

    def create(self, props: dict[str, Any]) -> CreateResult:
        self._apply(props)
        return CreateResult("monitoring", self._outputs(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from components import supervisors

        folder = _folder(props)
        if not (folder / "control.json").exists():
            return ReadResult(None, {})
        return ReadResult(id_, {**self._outputs(props), "running": supervisors.running(folder) is not None})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        self._apply(_news)
        return UpdateResult(self._outputs(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Ends all that watches; what Prometheus recorded goes only with `keep_data` off."""
        from components import supervisors
        from components.monitoring import files

        folder = _folder(_props)
        supervisors.stop(folder)
        files.remove(folder, keep_data=bool(_props["keep_data"]))

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        from components import supervisors

        return not props.get("running") or supervisors.running(_folder(props)) is None

    def _outputs(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.kept(props), "running": True}

    def _apply(self, props: Mapping[str, Any]) -> None:
        from components import supervisors
        from components.monitoring import files
        from components.monitoring.settings import MonitoringSettings

        control, folder = _control(props), _folder(props)
        settings = MonitoringSettings.model_validate(whole(props["settings"]))
        if files.write(control, props["passwords"], settings):
            supervisors.stop(folder)
        if supervisors.running(folder) is None:
            files.start(folder)


class LocalMonitoring(Resource, module="local", name="Monitoring"):
    """What watches the stack's services."""

    running: pulumi.Output[bool]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(MonitoringProvider(), name, {**props, "running": None}, opts)


def _folder(props: Mapping[str, Any]) -> Path:
    return Path(props["control"]["folder"])


def _control(props: Mapping[str, Any]) -> MonitoringControl:
    from components.contract import MonitoringControl

    return MonitoringControl.model_validate(whole(props["control"]))
