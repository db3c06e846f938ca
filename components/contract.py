"""The stack's outputs, typed and versioned: the only thing that `migration` reads of a stack.

A stack exports one output named `contract`; `Contract.model_validate` reads it back. Passwords are
Pulumi secrets on the way out and `SecretStr` on the way in, so neither side prints them by accident.
This module imports neither Pulumi nor a database driver.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr

CONTRACT_VERSION = 1
"""Raised when a reader of the old shape would misunderstand the new one."""


def own_search_path(schema_name: str, own_schema: str | None) -> tuple[str, ...]:
    """Both names of a schema that is to be renamed, the new one first, so that the path never changes."""
    return (*([own_schema] if own_schema else ()), schema_name, "public")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Endpoint(_Part):
    """Where a PostgreSQL (or PgBouncer) listens, and how to trust it."""

    host: str
    """The name that clients use and that the certificate carries, for example `postgres-user`."""
    address: str | None = None
    """The IP address to connect to when `host` does not resolve here (libpq's `hostaddr`)."""
    port: int
    database: str
    sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "verify-full"
    sslrootcert: str | None = None
    """Path of the CA certificate that signed the server's; None for the system's."""


class Login(_Part):
    """A role that can log in."""

    name: str
    password: SecretStr


class Source(_Part):
    """The shared database that is split."""

    endpoint: Endpoint
    administrator: Login
    """Superuser, or a role with REPLICATION that owns every schema; used by `migration` only."""
    application: Login
    """The role all services share today; what the gateways log in with before the cutover."""


class LocalGatewayControl(_Part):
    """How to steer a PgBouncer of this machine: a process, or a container with its files and socket here."""

    platform: Literal["local", "docker"] = "local"
    sockets: str
    """Folder of the admin console's unix socket."""
    port: int
    administrator: Login
    """PgBouncer's own admin user; its console is the database `pgbouncer`."""
    routes: str
    """Path of the `[databases]` file, included by the main one; `migration` rewrites it to repoint."""
    service_userlist: str
    """Path of PgBouncer's auth_file."""


class DockerLink(_Part):
    """The network in which a service's containers reach the shared database, until it is finished."""

    socket: str
    """Of the Docker Engine."""
    network: str
    containers: tuple[str, ...]


class LocalInstanceControl(_Part):
    """How to steer a PostgreSQL of this machine. Of a container only `data` and `link` are known."""

    platform: Literal["local", "docker"] = "local"
    binaries: str
    data: str
    sockets: str
    link: DockerLink | None = None
    """None: nothing to take away."""


class CrossingRule(_Part):
    """What to do with objects that cross to another service, from services.yaml."""

    match: str
    """fnmatch pattern on the edge's identity, e.g.
    `foreign key payment_schema.payments.payments_user_id_fkey -> user_schema.users`."""
    action: Literal["move", "copy", "drop", "reference", "ignore"]
    reason: str = ""


class Service(_Part):
    """One service of the catalogue and the isolated database that the stack gave it."""

    name: str
    schema_name: str
    """Its schema, in the shared database and, under the same name until `finish`, in its own."""
    own_schema: str | None = None
    """What `finish` renames it to in its own database; None: it keeps its name."""
    endpoint: Endpoint
    """The stable endpoint that its applications connect to: its gateway."""
    instance: Endpoint
    """Its own PostgreSQL, behind the gateway."""
    version: int
    """Major version of the instance."""
    owner: str
    """The role without login that owns its objects."""
    service: Login
    migration: Login
    monitoring: Login
    backup: Login
    gateway_control: LocalGatewayControl
    instance_control: LocalInstanceControl
    pool_maximum: int
    crossing: tuple[CrossingRule, ...] = ()
    reads: tuple[str, ...] = ()
    """The services whose instances let this one's through."""

    @property
    def own_search_path(self) -> tuple[str, ...]:
        """What the service's sessions find names in on its own database, before and after a rename."""
        return own_search_path(self.schema_name, self.own_schema)


class Contract(_Part):
    """All that a stack exports."""

    version: Literal[1] = 1
    project: str
    stack: str
    platform: Literal["local", "docker", "kubernetes"]
    program: str
    """Version of the program that deployed the stack."""
    catalogue_digest: str
    """SHA-256 of the catalogue's canonical JSON."""
    source: Source
    services: dict[str, Service]
