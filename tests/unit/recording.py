"""Pulumi's engine and a platform that only write down what was asked of them: for tests of shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2

from components.backup.points import RestorePointsEntry
from components.contract import BackupControl, Endpoint, MonitoringControl
from components.platforms.interface import (
    BackupArgs,
    Gateway,
    GatewayArgs,
    Instance,
    InstanceArgs,
    MonitoringArgs,
    Network,
    NetworkArgs,
)

GENERATED = "a generated password"


@dataclass(frozen=True)
class Registered:
    """A resource as the engine was asked for it."""

    type: str
    name: str
    inputs: dict[str, Any]
    parent: str
    protect: bool
    retain_on_delete: bool
    deleted_with: str
    dependencies: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    """Properties whose changes are ignored."""


class _Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        outputs = dict(args.inputs)
        if "GeneratedSecret" in args.typ:
            outputs["value"] = GENERATED
        return f"{args.name}-id", outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None


class _Monitor(mocks.MockMonitor):
    def __init__(self, registered: list[Registered]) -> None:
        super().__init__(_Mocks())
        self._registered = registered

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> Any:  # noqa: N802
        self._registered.append(
            Registered(
                type=request.type,
                name=request.name,
                inputs=pulumi.runtime.rpc.deserialize_properties(request.object),
                parent=request.parent.rpartition("::")[2],
                protect=request.protect,
                retain_on_delete=request.retainOnDelete,
                deleted_with=request.deletedWith.rpartition("::")[2],
                dependencies=tuple(urn.rpartition("::")[2] for urn in request.dependencies),
                ignored=tuple(request.ignoreChanges),
            )
        )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def record(program: Callable[[], None]) -> list[Registered]:
    """All that `program` registers, in order."""
    registered: list[Registered] = []
    pulumi.runtime.set_mocks(_Mocks(), project="waqiti", stack="test", monitor=_Monitor(registered))
    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return [one for one in registered if one.type != "pulumi:pulumi:Stack"]


class Part(pulumi.CustomResource):
    """A resource of the recording platform."""

    def __init__(self, kind: str, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__(f"recording:index:{kind}", name, {}, opts)


@dataclass
class RecordingPlatform:
    """Writes down the arguments of what it is asked for."""

    asked: list[NetworkArgs | InstanceArgs | GatewayArgs] = field(default_factory=list)
    backed_up: list[BackupArgs] = field(default_factory=list)
    through: list[tuple[str, Instance, Network]] = field(default_factory=list)
    """Who is let through where: the name, the reader, the network."""
    way: pulumi.Resource | None = None

    @property
    def way_to_shared(self) -> pulumi.Resource | None:
        return self.way

    def network(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions) -> Network:
        self.asked.append(args)
        return Network(Part("Network", name, opts), "127.0.0.1", "/state/ca.crt")

    def instance(self, name: str, args: InstanceArgs, opts: pulumi.ResourceOptions) -> Instance:
        self.asked.append(args)
        endpoint = Endpoint(host=args.host, address="127.0.0.1", port=args.port, database=args.database)
        return Instance(Part("Instance", name, opts), endpoint, {"platform": "local"})

    def gateway(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions) -> Gateway:
        self.asked.append(args)
        endpoint = Endpoint(host=args.host, address="127.0.0.1", port=args.port, database=args.database)
        return Gateway(Part("Gateway", name, opts), endpoint, {"platform": "local"})

    def backup(self, name: str, args: BackupArgs, opts: pulumi.ResourceOptions) -> BackupControl | None:
        self.backed_up.append(args)
        Part("Backup", name, opts)
        return BackupControl(
            service=args.service,
            folder=f"/archives/{args.service}",
            slot="waqiti_backup",
            binaries="/bin",
            policy=args.policy,
        )

    def monitoring(
        self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions
    ) -> MonitoringControl | None:
        return None

    def restore_points(self, entry: RestorePointsEntry, contract: Mapping[str, Any]) -> None:
        """No schedule."""

    def let_through(
        self, name: str, reader: Instance, network: Network, opts: pulumi.ResourceOptions
    ) -> None:
        self.through.append((name, reader, network))
