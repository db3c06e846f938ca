"""What a platform must offer: a network, an instance and a gateway for each service.

`ServiceDatabase` is written against this and nothing else, so it is the same on every platform.
Whatever a caller needs while it only previews (hosts, ports, paths) comes from the arguments and is a
plain value; what exists only after `up` (secrets) is an `Input`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pulumi

from components.backup.points import RestorePointsEntry
from components.contract import BackupControl, BackupPolicy, Endpoint, MonitoringControl, Pooling
from components.locale import PLAIN, Locale
from components.monitoring.settings import MonitoringSettings
from components.platforms import pgbouncer
from components.replication_roles import server_wide
from servers.pgbouncer_versions import Version


@dataclass(frozen=True)
class NetworkArgs:
    """What a service's own network is made from."""

    service: str
    """Name in the catalogue, for example `user`."""
    host: str
    """The name that certificates carry and clients verify, for example `postgres-user`."""


@dataclass(frozen=True)
class Network:
    """A service's own network, and the identity of the servers in it."""

    resource: pulumi.Resource
    """What instances and gateways depend on."""
    address: str | None
    """IP address at which the network's servers are reached from here; None: `host` resolves."""
    certificate_authority: str | None
    """Path of the CA certificate that signs the network's servers; None for the system's."""


@dataclass(frozen=True)
class InstanceArgs:
    """What a service's own PostgreSQL is made from."""

    service: str
    network: Network
    host: str
    port: int
    """Where the instance itself listens (not the gateway's port)."""
    database: str
    """The service's database. It is not made here: pulumi-postgresql makes it; hba names it."""
    version: int
    """Major version of PostgreSQL."""
    parameters: Mapping[str, str]
    """postgresql.conf, from `components.tuning.tune`; values as postgresql.conf spells them (`256MB`)."""
    administrator: str
    """The superuser's name."""
    administrator_password: pulumi.Input[str]
    roles: tuple[str, ...] = ()
    """Roles that may log in to `database`: service, monitoring, backup."""
    replication_roles: tuple[str, ...] = ()
    """Roles that may log in to `database` and open replication connections: migration, backup."""
    keep_data: bool = True
    """Whether `destroy` leaves the data where it is; a later `up` with the same version adopts it."""
    reading_roles: tuple[str, ...] = ()
    """Roles as which instances that are let through to this one follow what they read of `database`."""
    locale: Locale = PLAIN
    """What `database` will be given: a platform refuses one that its servers do not have."""
    backup_role: str | None = None
    """As which its archive streams, where it is backed up."""


@dataclass(frozen=True)
class Instance:
    """A service's own PostgreSQL."""

    resource: pulumi.Resource
    """What roles and databases depend on: once it exists, the instance accepts connections."""
    endpoint: Endpoint
    """Known while previewing."""
    control: Mapping[str, pulumi.Input[Any]]
    """The contract's `instance_control`."""
    extensions: tuple[str, ...] = ()
    """What its server has loaded and its database needs beside what the service asks for."""
    names_address: bool = True
    """Whether its certificate names the endpoint's address beside its host."""


@dataclass(frozen=True)
class SourceRoute:
    """The shared database, where every gateway leads until its service is cut over."""

    endpoint: Endpoint
    role: str
    """The application role that all services share today; or, where `own_login`, the service's own login."""
    password: pulumi.Input[str]
    administrator: str
    administrator_password: pulumi.Input[str]
    own_login: bool = False
    """Whether role and search_path come from the login, and not from a statement of the gateway."""


@dataclass(frozen=True)
class OtherLogin:
    """A login that is valid beside the one that applications are to use, while they change over."""

    role: str
    password: pulumi.Input[str]
    ddl: bool = False
    """Whether it is one of schema migrations."""


@dataclass(frozen=True)
class GatewayArgs:
    """What a service's gateway is made from: the PgBouncer at the service's stable endpoint."""

    service: str
    network: Network
    host: str
    port: int
    database: str
    """As clients name it, and as the instance behind it does."""
    schema_name: str
    """The service's schema in the shared database."""
    service_role: str
    """The only role that may log in to `database`."""
    service_password: pulumi.Input[str]
    ddl_role: str
    """The only role that may log in to the database for schema migrations, which leads to the same place
    and gives each client a session of its own."""
    ddl_password: pulumi.Input[str]
    administrator_password: pulumi.Input[str]
    """Of PgBouncer's own console, not of a PostgreSQL."""
    source: SourceRoute
    pool_maximum: int
    """Server connections at most (the sum of the service's Hikari pools)."""
    max_client_connections: int = 500
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of pgbouncer.ini beyond (or instead of) the platform's own."""
    pooling: Pooling = "transaction"
    others: tuple[OtherLogin, ...] = ()
    """Who may log in, too, and is then led like `service_role` and `ddl_role`."""
    monitoring_password: pulumi.Input[str] | None = None
    """Of who may look at PgBouncer's console, and do nothing there; None: nobody."""

    @property
    def other_logins(self) -> Mapping[str, Any]:
        """Properties of a gateway's resource; none where there is nobody else."""
        if not self.others:
            return {}
        others = [{"role": one.role, "password": one.password, "ddl": one.ddl} for one in self.others]
        return {"others": pulumi.Output.secret(others)}

    @property
    def way_to_shared(self) -> Mapping[str, Any]:
        """Where the gateway leads at first, without the password."""
        endpoint = self.source.endpoint
        return {
            "host": endpoint.address or endpoint.host,
            "port": endpoint.port,
            "database": endpoint.database,
            "sslmode": endpoint.sslmode,
            "role": self.source.role,
            **({} if self.source.own_login else {"schema": self.schema_name}),
            **({"sslrootcert": endpoint.sslrootcert} if endpoint.sslrootcert else {}),
        }

    def pool_settings(self, version: Version | None) -> Mapping[str, str]:
        """What the pgbouncer.ini of a PgBouncer of `version` says of this service's pool; `settings` win."""
        return {
            **pgbouncer.settings(
                version,
                self.pooling,
                clean=self.source.own_login,
                by_session=(self.ddl_role, server_wide(self.ddl_role, self.source.endpoint.database)),
            ),
            "max_client_conn": str(self.max_client_connections),
            "default_pool_size": str(self.pool_maximum),
            "max_db_connections": str(self.pool_maximum),
            **({} if self.monitoring_password is None else {"stats_users": pgbouncer.MONITOR}),
            **self.settings,
        }


@dataclass(frozen=True)
class Gateway:
    """A service's gateway."""

    resource: pulumi.Resource
    endpoint: Endpoint
    """Known while previewing."""
    control: Mapping[str, pulumi.Input[Any]]
    """The contract's `gateway_control`; the password in it is a secret output."""
    version: Version | None = None
    """Of its PgBouncer; None: not known."""


@dataclass(frozen=True)
class BackupArgs:
    """What a service's archive and who fills it are made from."""

    service: str
    version: int
    instance: Instance
    administrator: str
    """The instance's superuser."""
    role: str
    """The backup role."""
    password: pulumi.Input[str]
    policy: BackupPolicy
    keep_data: bool = True
    """Whether `destroy` leaves the archive where it is."""


@dataclass(frozen=True)
class WatchArgs:
    """One service, for who watches it."""

    instance: Instance
    gateway: Gateway
    role: str
    """The monitoring role."""
    password: pulumi.Input[str]
    console_password: pulumi.Input[str]
    exporter_port: int
    backups: BackupControl | None = None
    business: bool = False
    """Whether its database has its team's query."""


@dataclass(frozen=True)
class MonitoringArgs:
    """What watches a stack is made from."""

    services: Mapping[str, WatchArgs]
    settings: MonitoringSettings
    own_port: int
    prometheus_port: int
    keep_data: bool = True
    """Whether `destroy` leaves what Prometheus has recorded."""


class Platform(Protocol):
    """One way to run the three parts. Names are Pulumi names; `opts` carries the parent."""

    @property
    def way_to_shared(self) -> pulumi.Resource | None:
        """What of the stack has to be there before the shared database answers; None: nothing."""
        ...

    def network(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions) -> Network:
        """The service's own network."""
        ...

    def instance(self, name: str, args: InstanceArgs, opts: pulumi.ResourceOptions) -> Instance:
        """The service's own PostgreSQL. Raises ConfigurationError for a locale that it would not have."""
        ...

    def gateway(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions) -> Gateway:
        """The service's gateway; leads to the shared database when first made, never repointed after."""
        ...

    def backup(self, name: str, args: BackupArgs, opts: pulumi.ResourceOptions) -> BackupControl | None:
        """The service's archive and its supervisor; None on a platform that has none yet."""
        ...

    def monitoring(
        self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions
    ) -> MonitoringControl | None:
        """The exporters, and a Prometheus; None on a platform that has none yet."""
        ...

    def restore_points(self, entry: RestorePointsEntry, contract: Mapping[str, Any]) -> None:
        """Restore points of all services on a schedule; nothing on a platform that has no backups yet.

        `contract` is the stack's output, passwords as secrets."""
        ...

    def let_through(
        self, name: str, reader: Instance, network: Network, opts: pulumi.ResourceOptions
    ) -> None:
        """Let the server `reader` connect to the instance in another service's `network`, for good."""
        ...
