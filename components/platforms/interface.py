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

from components.contract import Endpoint


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
    """postgresql.conf, from `components.tuning`; values as postgresql.conf spells them (`256MB`)."""
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


@dataclass(frozen=True)
class SourceRoute:
    """The shared database, where every gateway leads until its service is cut over."""

    endpoint: Endpoint
    role: str
    """The application role that all services share today."""
    password: pulumi.Input[str]


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
    """The only role that may log in."""
    service_password: pulumi.Input[str]
    administrator_password: pulumi.Input[str]
    """Of PgBouncer's own console, not of a PostgreSQL."""
    source: SourceRoute
    pool_maximum: int
    """Server connections at most (the sum of the service's Hikari pools)."""
    max_client_connections: int = 500
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of pgbouncer.ini beyond (or instead of) the platform's own."""

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
            "schema": self.schema_name,
            **({"sslrootcert": endpoint.sslrootcert} if endpoint.sslrootcert else {}),
        }

    @property
    def pool_settings(self) -> Mapping[str, str]:
        """What pgbouncer.ini says of this service's pool; `settings` win."""
        return {
            "max_client_conn": str(self.max_client_connections),
            "default_pool_size": str(self.pool_maximum),
            "max_db_connections": str(self.pool_maximum),
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


class Platform(Protocol):
    """One way to run the three parts. Names are Pulumi names; `opts` carries the parent."""

    def network(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions) -> Network:
        """The service's own network."""
        ...

    def instance(self, name: str, args: InstanceArgs, opts: pulumi.ResourceOptions) -> Instance:
        """The service's own PostgreSQL."""
        ...

    def gateway(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions) -> Gateway:
        """The service's gateway; leads to the shared database when first made, never repointed after."""
        ...

    def let_through(
        self, name: str, reader: Instance, network: Network, opts: pulumi.ResourceOptions
    ) -> None:
        """Let the server `reader` connect to the instance in another service's `network`, for good."""
        ...
