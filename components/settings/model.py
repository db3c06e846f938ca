"""A stack's settings as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.alias_generators import to_camel

from components.catalogue.model import Catalogue, Host, ServiceEntry
from components.contract import Endpoint, Followers
from components.monitoring.settings import MonitoringSettings
from components.settings.docker import DockerSettings
from components.settings.kubernetes import KubernetesSettings

SOURCE_AUTHORITY_IN_POD = "/projected/source-ca.crt"
"""https://cloudnative-pg.io/documentation/current/cluster_conf/#projected-volumes"""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class SourceLogin(_Part):
    """A role of the shared database; its password comes from the environment or is a secret."""

    name: str = Field(min_length=1, max_length=63)
    password: SecretStr = Field(min_length=1)


class SourceSettings(_Part):
    """The shared database that is split."""

    host: Host
    """The name that its certificate carries."""
    address: str | None = None
    """IP address to connect to when `host` does not resolve here."""
    port: int = Field(default=5432, ge=1, le=65535)
    database: str = Field(default="waqiti", min_length=1, max_length=63)
    sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "verify-full"
    sslrootcert: str | None = None
    """Path of the CA's certificate; a relative one starts at the state folder."""
    administrator: SourceLogin
    application: SourceLogin
    logins: Literal["own", "common"] = "own"
    """`own`: the administrator makes each service a login of its own there. `common`: the gateways log in as
    the application role; a statement that a client leaves behind may then reach the next one."""


class Rotation(_Part):
    """How often a service's logins were rotated (`python -m operations rotate`)."""

    logins: int = Field(default=0, ge=0)
    """Of its applications; `components.service.turns.Turns`."""
    changing: bool = False
    """Whether the logins before these are valid still."""
    own: int = Field(default=0, ge=0)
    """Of the passwords that only this project's programs use."""


class Settings(_Part):
    """What differs between stacks. Each field is a key of Pulumi.<stack>.yaml, in camelCase."""

    platform: Literal["local", "docker", "kubernetes"] = "local"
    postgres_version: Literal[16, 17, 18] = 17
    postgres_bin: str | None = None
    """Local platform: folder of `postgres` and `initdb`, instead of the packaged ones."""
    source: SourceSettings
    catalogue: str | None = None
    """Path of services.yaml; None for the checkout's. Read before all else (`components.program`)."""
    scale: float = Field(default=1.0, gt=0, le=64)
    """Multiplies every instance's memory."""
    port_offset: int = Field(default=0, ge=0, le=60000)
    """Added to every endpoint's port, so that stacks can stand side by side."""
    instance_port_offset: int = Field(default=10000, ge=1, le=60000)
    """An instance listens at its endpoint's port plus this."""
    state_folder: str | None = None
    """Local platform: where the instances live."""
    docker: DockerSettings = DockerSettings()
    kubernetes: KubernetesSettings = KubernetesSettings()
    keep_data: bool = True
    """Whether `destroy` leaves the instances' data where it is."""
    may_lose: tuple[str, ...] = ()
    """Services whose data may be deleted or replaced: it is not protected. May name one that has left the
    catalogue."""
    protect_data: bool = True
    """Whether what holds data is protected from Pulumi's deletes, and retained when it leaves the program."""
    backups: bool = True
    """Whether services are backed up as the catalogue says (on Kubernetes where `kubernetes.backups` says
    where to)."""
    monitoring: MonitoringSettings | None = None
    """What watches the services; None: nothing (so far on the local and the Docker platform)."""
    password_rotation: str = Field(default="1", min_length=1)
    """Any text; changing it draws every generated password anew."""
    promoted_from: str | None = None
    """The stack from which this one is promoted (`python -m operations promote`); None: from none."""
    rotation: Mapping[str, Rotation] = Field(default_factory=dict)
    """By service; `python -m operations rotate` writes it."""
    taken_over: tuple[str, ...] | Literal["all"] = ()
    """The services whose instances have the limits and the isolation of sessions that services.yaml gives
    them; the others' begin as PostgreSQL does (`components.tuning.sessions`)."""
    services: tuple[str, ...] | None = None
    """The services of the catalogue that this stack deploys; None for all."""
    service_passwords: Mapping[str, SecretStr] = Field(default_factory=dict)
    """By service, as secrets; the variable that the catalogue names wins; else one is generated."""
    ddl_passwords: Mapping[str, SecretStr] = Field(default_factory=dict)
    """The same of the roles of schema migrations; the variable is `ServiceEntry.ddl_password_variable`."""
    second_passwords: Mapping[str, SecretStr] = Field(default_factory=dict)
    """Of the second logins that a rotation makes; the variable has `_B` behind."""
    second_ddl_passwords: Mapping[str, SecretStr] = Field(default_factory=dict)
    backup_keys: Mapping[str, SecretStr] = Field(default_factory=dict)
    """By service, `ID:SECRET` of the object store's key that opens its archive alone; the variable is
    `ServiceEntry.backup_key_variable`."""

    @property
    def source_endpoint(self) -> Endpoint:
        """The shared database, as the contract says it."""
        source = self.source
        return Endpoint(
            host=source.host,
            address=source.address,
            port=source.port,
            database=source.database,
            sslmode=source.sslmode,
            sslrootcert=source.sslrootcert,
            followers=self._source_in_cluster if self.platform == "kubernetes" else None,
        )

    @property
    def _source_in_cluster(self) -> Followers:
        """A Service of each namespace has its name; a pod finds its CA where the operator mounts things."""
        return Followers(host=self.source.host, port=self.source.port, sslrootcert=SOURCE_AUTHORITY_IN_POD)

    def endpoint_port(self, entry: ServiceEntry) -> int:
        """Where the service's gateway listens."""
        return entry.endpoint.port + self.port_offset

    def instance_port(self, entry: ServiceEntry) -> int:
        """Where the service's own PostgreSQL listens."""
        return self.endpoint_port(entry) + self.instance_port_offset

    def monitoring_port(self, number: int) -> int:
        """Where what watches listens: 0 Prometheus, 1 our own exporter, 2 and on the services' exporters."""
        return (self.monitoring or MonitoringSettings()).port + self.port_offset + number

    def disk(self, service: str) -> int | None:
        """kB that the service's instance has for its data; None when the settings do not say."""
        if self.platform == "kubernetes":
            return self.kubernetes.storage
        return self.docker.volume_of(service).size if self.platform == "docker" else None

    def takes_over(self, service: str) -> bool:
        """Whether the service's instance has the limits of sessions that services.yaml gives it."""
        return self.taken_over == "all" or service in self.taken_over

    def deployed(self, catalogue: Catalogue) -> dict[str, ServiceEntry]:
        """The entries that this stack deploys, in the catalogue's order."""
        chosen = self.services
        return {name: entry for name, entry in catalogue.services.items() if chosen is None or name in chosen}
