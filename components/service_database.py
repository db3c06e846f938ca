"""What a service gets, the same on every platform: network, instance, roles, gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.catalogue import ServiceEntry
from components.contract import Endpoint
from components.generated_secret import GeneratedSecret
from components.platforms.interface import (
    Gateway,
    GatewayArgs,
    Instance,
    InstanceArgs,
    Network,
    NetworkArgs,
    Platform,
    SourceRoute,
)
from components.replication_roles import following_role, reading_role
from components.roles import Roles, RolesArgs

ADMINISTRATOR = "postgres"
"""The instances' superuser: used by the stack itself and by nothing else."""

CLIENTS_PER_CONNECTION = 10
"""A gateway admits this many clients for each server connection: they wait instead of failing."""


@dataclass(frozen=True)
class ServiceDatabaseArgs:
    """What a service's database is made from. Safe by default: data is protected and kept."""

    entry: ServiceEntry
    """The service, from the catalogue."""
    platform: Platform
    version: int
    """PostgreSQL's major version."""
    parameters: Mapping[str, str]
    """postgresql.conf, from `components.tuning`."""
    endpoint_port: int
    """Where its applications connect."""
    instance_port: int
    source: SourceRoute
    """The shared database: where the gateway leads until the service is cut over."""
    readers: tuple[str, ...] = ()
    """The services that may follow this one's tables (`reads` of the catalogue)."""
    service_password: pulumi.Input[str] | None = None
    """Of the service's role; None draws one."""
    password_rotation: str = "1"  # noqa: S105 - no password
    """Any text; changing it draws all generated passwords anew."""
    protect_data: bool = True
    """Protect what holds data from deletes, and retain it when it leaves the program."""
    keep_data: bool = True
    """Leave the data folder where it is when the instance is destroyed."""


@dataclass(frozen=True)
class RoleLogin:
    """A role and its password, which is a secret."""

    name: str
    password: pulumi.Output[str]


class ServiceDatabase(pulumi.ComponentResource):
    """A service's own isolated PostgreSQL behind its stable endpoint.

    Outputs: `endpoint` (the gateway's) and `instance` are known while previewing; the logins' passwords
    are secrets.
    """

    endpoint: Endpoint
    network: Network
    gateway: Gateway
    instance: Instance
    service: RoleLogin
    migration: RoleLogin
    monitoring: RoleLogin
    backup: RoleLogin

    def __init__(
        self, name: str, args: ServiceDatabaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """`name` is the service's in the catalogue."""
        super().__init__("waqiti:database:ServiceDatabase", name, None, opts)
        self._name = name
        self._args = args
        entry = args.entry
        self.service = RoleLogin(entry.role, self._service_password())
        self.migration = RoleLogin(entry.migration_role, self._secret("migration-password"))
        self.monitoring = RoleLogin(entry.monitoring_role, self._secret("monitoring-password"))
        self.backup = RoleLogin(entry.backup_role, self._secret("backup-password"))
        administrator_password = self._secret("administrator-password")
        self.network = args.platform.network(
            f"{name}-network", NetworkArgs(service=name, host=entry.endpoint.host), self._child()
        )
        self.instance = args.platform.instance(
            f"{name}-instance",
            InstanceArgs(
                service=name,
                network=self.network,
                host=entry.endpoint.host,
                port=args.instance_port,
                database=entry.database,
                version=args.version,
                parameters=args.parameters,
                administrator=ADMINISTRATOR,
                administrator_password=administrator_password,
                roles=(entry.role, entry.monitoring_role, entry.backup_role, following_role(name)),
                replication_roles=(entry.migration_role, entry.backup_role),
                reading_roles=self._reading_roles(),
                keep_data=args.keep_data,
            ),
            self._child(holds_data=True),
        )
        self._roles(administrator_password)
        self.gateway = args.platform.gateway(
            f"{name}-gateway",
            GatewayArgs(
                service=name,
                network=self.network,
                host=entry.endpoint.host,
                port=args.endpoint_port,
                database=entry.database,
                schema_name=entry.schema_name,
                service_role=entry.role,
                service_password=self.service.password,
                administrator_password=self._secret("gateway-password"),
                source=args.source,
                pool_maximum=entry.pool.maximum,
                max_client_connections=entry.pool.maximum * CLIENTS_PER_CONNECTION,
            ),
            self._child(),
        )
        self.endpoint = self.gateway.endpoint
        self.register_outputs({"endpoint": self.endpoint.model_dump(), "database": entry.database})

    def let_read(self, service: ServiceDatabase) -> None:
        """Let this service's instance connect to that of `service`, of whose readers it is one."""
        self._args.platform.let_through(
            f"{self._name}-reads-{service._name}", self.instance, service.network, self._child()
        )

    def _reading_roles(self) -> tuple[str, ...]:
        return tuple(reading_role(reader, self._name) for reader in self._args.readers)

    def _child(self, holds_data: bool = False) -> pulumi.ResourceOptions:
        kept = holds_data and self._args.protect_data
        return pulumi.ResourceOptions(parent=self, protect=kept, retain_on_delete=kept)

    def _secret(self, suffix: str) -> pulumi.Output[str]:
        secret = GeneratedSecret(f"{self._name}-{suffix}", self._args.password_rotation, self._child())
        return secret.value

    def _service_password(self) -> pulumi.Output[str]:
        given = self._args.service_password
        return self._secret("service-password") if given is None else pulumi.Output.secret(given)

    def _roles(self, administrator_password: pulumi.Input[str]) -> Roles:
        entry, args = self._args.entry, self._args
        return Roles(
            f"{self._name}-roles",
            RolesArgs(
                endpoint=self.instance.endpoint,
                version=args.version,
                administrator=ADMINISTRATOR,
                administrator_password=administrator_password,
                schema_name=entry.schema_name,
                own_schema=entry.own_schema,
                owner=entry.owner,
                service=entry.role,
                service_password=self.service.password,
                migration=entry.migration_role,
                migration_password=self.migration.password,
                following=following_role(self._name),
                reading=self._reading_roles(),
                monitoring=entry.monitoring_role,
                monitoring_password=self.monitoring.password,
                backup=entry.backup_role,
                backup_password=self.backup.password,
                extensions=tuple(dict.fromkeys([*self.instance.extensions, *entry.extensions])),
                instance=self.instance.resource,
                protect=args.protect_data,
            ),
            pulumi.ResourceOptions(parent=self),
        )
