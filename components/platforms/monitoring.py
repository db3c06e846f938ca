"""Monitoring from this machine, of processes and of containers: a folder beside the stack's, and the process
that keeps all of it running.

It is started here and lives until it is told to end; after a reboot the next `pulumi up` starts it again, as
it does the servers of the local platform.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.contract import MonitoringControl, WatchedService
from components.monitoring.files import digest
from components.monitoring.rules.limits import limits
from components.platforms.interface import MonitoringArgs, WatchArgs
from components.platforms.local.backup import whole
from components.platforms.pgbouncer import MONITOR
from components.platforms.provider import LocalProvider
from components.problems import ConfigurationError, Problem
from servers import binaries, paths, ports
from servers.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Callable


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


class Monitoring(Resource, module="local", name="Monitoring"):
    """What watches the stack's services."""

    running: pulumi.Output[bool]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(MonitoringProvider(), name, {**props, "running": None}, opts)


def make_monitoring(
    name: str,
    args: MonitoringArgs,
    opts: pulumi.ResourceOptions,
    *,
    project: str,
    stack: str,
    root: Path,
    watched: Callable[[str, WatchArgs], WatchedService],
) -> MonitoringControl:
    """The folder under the state folder `root`, and its processes; `watched` says where the parts are.

    Raises ConfigurationError where a program is missing.
    """
    try:
        binaries.monitor("postgres_exporter")
        if args.settings.prometheus:
            binaries.monitor("prometheus")
    except ServerError as error:
        problem = Problem("monitoring", f"{error.where} {error.seen}", error.to_do)
        raise ConfigurationError([problem]) from error
    limits(args.settings)
    control = MonitoringControl(
        project=project,
        stack=stack,
        folder=str(paths.monitoring_dir(project, stack, root)),
        moves=str(paths.moves_dir(project, stack, root)),
        address=ports.LOOPBACK,
        own_port=args.own_port,
        prometheus_port=args.prometheus_port if args.settings.prometheus else None,
        interval=args.settings.interval,
        services={service: watched(service, one) for service, one in args.services.items()},
    )
    Monitoring(
        name,
        {
            "control": control.model_dump(mode="json"),
            "settings": args.settings.model_dump(mode="json"),
            "passwords": pulumi.Output.secret(
                {
                    service: {"instance": one.password, "console": one.console_password}
                    for service, one in args.services.items()
                }
            ),
            "program": digest(),
            "keep_data": args.keep_data,
        },
        opts,
    )
    return control


def watched_service(one: WatchArgs, *, sockets: Path, data: Path, certificate: Path) -> WatchedService:
    """A service whose gateway's console, data and certificate are at these places of this machine."""
    return WatchedService(
        instance=one.instance.endpoint,
        role=one.role,
        exporter_port=one.exporter_port,
        console=str(sockets),
        console_port=one.gateway.endpoint.port,
        console_user=MONITOR,
        data=str(data),
        certificate=str(certificate),
        archive=None if one.backups is None else one.backups.folder,
        business=one.business,
    )


def _folder(props: Mapping[str, Any]) -> Path:
    return Path(props["control"]["folder"])


def _control(props: Mapping[str, Any]) -> MonitoringControl:
    return MonitoringControl.model_validate(whole(props["control"]))
