"""The stack's outputs, typed and versioned: the only thing that `migration` reads of a stack.

A stack exports one output named `contract`; `Contract.model_validate` reads it back. Passwords are
Pulumi secrets on the way out and `SecretStr` on the way in, so neither side prints them by accident.
This module imports neither Pulumi nor a database driver.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr

from components.archive_container import ArchiveContainer

CONTRACT_VERSION = 1
"""Raised when a reader of the old shape would misunderstand the new one."""


def own_search_path(schema_name: str, own_schema: str | None) -> tuple[str, ...]:
    """Both names of a schema that is to be renamed, the new one first, so that the path never changes."""
    return (*([own_schema] if own_schema else ()), schema_name, "public")


def ddl_database(database: str) -> str:
    """What a gateway calls the way to `database` for schema migrations."""
    return f"{database}_ddl"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Followers(_Part):
    """How a server that follows another reaches that one, where it is not how this machine does."""

    host: str
    """The name that it resolves, or that the certificate carries."""
    address: str | None = None
    port: int
    sslrootcert: str | None = None
    """Path of the CA certificate, on the server that follows."""


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
    followers: Followers | None = None
    """For subscriptions to it; None: as above."""
    readers: Followers | None = None
    """For subscriptions of other services that read it; None: as above."""


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


class KubernetesAccess(_Part):
    """A namespace of a cluster, and how it is reached."""

    context: str
    """Of the kubeconfig."""
    kubeconfig: str | None = None
    """Path; None: $KUBECONFIG, else ~/.kube/config."""
    namespace: str


class GatewayPods(KubernetesAccess):
    """A gateway's replicas on Kubernetes, and what says where they lead."""

    labels: str
    """Selects its pods."""
    secret: str
    """Its key `route` (source or target) is where a pod begins that is made or started anew."""
    folder: str
    """In a pod: a whole configuration for each way, `source.ini` and `target.ini`."""
    host: str
    """The name in their certificate."""
    authority: str
    """Path of the CA certificate that signed it."""


class LocalGatewayControl(_Part):
    """How to steer a PgBouncer of this machine: a process, or a container with its files and socket here; or
    the pods of a gateway, by consoles over TLS."""

    platform: Literal["local", "docker", "kubernetes"] = "local"
    sockets: str
    """Folder of the admin console's unix socket; empty: `pods`."""
    port: int
    administrator: Login
    """PgBouncer's own admin user; its console is the database `pgbouncer`."""
    routes: str
    """Path of the `[databases]` file, included by the main one; `migration` rewrites it to repoint."""
    service_userlist: str
    """Path of PgBouncer's auth_file."""
    pods: GatewayPods | None = None
    """None: it is on this machine."""


class DockerLink(_Part):
    """The network in which a service's containers reach the shared database, until it is finished."""

    socket: str
    """Of the Docker Engine."""
    network: str
    containers: tuple[str, ...]


class KubernetesLink(KubernetesAccess):
    """What lets a service's pods and the shared database reach each other, until the service is finished."""

    objects: tuple[tuple[str, str], ...]
    """Kind and name of each."""


class LocalInstanceControl(_Part):
    """How to steer a PostgreSQL of this machine. Of a container only `data` and `link` are known, of one on
    Kubernetes `link` alone."""

    platform: Literal["local", "docker", "kubernetes"] = "local"
    binaries: str
    data: str
    sockets: str
    link: DockerLink | KubernetesLink | None = None
    """None: nothing to take away."""


class BackupPolicy(_Part):
    """How often a service is backed up and how long that is kept. Times in seconds."""

    full_every: int
    incremental_every: int | None = None
    """Block-incremental backups between the full ones; None: none."""
    window: tuple[int, int] | None = None
    """When scheduled backups begin: minutes of the day in UTC, from and to (which may be past midnight);
    None: whenever they are due."""
    keep: int
    """To any time of so many last seconds the service can be restored."""
    keep_at_least: int
    """Backups that stay whatever their age."""
    compression: Literal["zstd", "lz4", "none"] = "zstd"
    encryption_key: str | None = None
    """OpenPGP's public key, armored, to which all of the archive is encrypted; None: nothing is."""
    dump_every: int | None = None
    dumps_kept: int = 7
    proof_every: int | None = None
    proof_limit: int | None = None
    """Seconds that a proof may be old for the service to be switched or finished; None: it only warns."""
    lag_limit: int = 10
    """Seconds of WAL that may be missing in the archive while the server runs."""
    synchronous: bool = False
    """A commit is answered when the archive has it, too."""
    synchronous_limit: int = 5
    """Seconds that commits wait for a receiver that does not come on; then they go on without it."""


class StoredArchive(KubernetesAccess):
    """A service's archive in an object store, which its CloudNativePG cluster fills."""

    cluster: str
    url: str
    """For messages, and the Secret's key opens it."""
    administrator_secret: str
    """The Secret with the superuser's login, which a cluster that is restored gets, too."""
    backup: dict[str, object]
    """What a Backup says beside its cluster."""
    source: dict[str, object]
    """Where a cluster that is restored reads: one of its `externalClusters`, without its name."""
    schedule: str
    """Name of what takes backups by itself."""


class BackupControl(_Part):
    """A service's archive and who fills it. No secret is in it. Of one on Kubernetes `folder` has what was
    found out about it, and `stored` all else."""

    platform: Literal["local", "docker", "kubernetes"] = "local"
    service: str
    folder: str
    """What `components.backup.files` lays out: barman.conf, the archive, the supervisor's state."""
    slot: str
    """The physical replication slot through which WAL is received."""
    binaries: str
    """PostgreSQL's programs, of the instance's version: of this machine, or in the container."""
    policy: BackupPolicy
    administrator: str | None = None
    """The instance's superuser; None: its data folder says."""
    container: ArchiveContainer | None = None
    """None: a process of this machine fills it."""
    stored: StoredArchive | None = None
    """None: `folder` is the archive."""


class WatchedService(_Part):
    """What is watched of a service, and how. No secret is in it: passwords are files of the folder."""

    instance: Endpoint
    role: str
    """The monitoring role."""
    exporter_port: int
    """Where its own exporter of PostgreSQL's figures listens."""
    console: str
    """Folder of its gateway's socket."""
    console_port: int
    console_user: str
    """May look at the gateway's console, and do nothing there."""
    data: str
    """Folder of the instance's data."""
    certificate: str
    archive: str | None = None
    """Folder of its backups; None: it is not backed up."""
    business: bool = False
    """Whether its database has the team's query, `waqiti_ddl.business()`."""


class MonitoringControl(_Part):
    """Who watches a stack, and where that is read. Ports are on `address`."""

    project: str
    stack: str
    folder: str
    """What `components.monitoring.files` lays out: exporters, rules, dashboards, Prometheus' data."""
    moves: str
    """Folder in which `migration` leaves what it is doing, a file a service."""
    address: str
    own_port: int
    """The figures of gateways, backups, moves, certificates and disks."""
    prometheus_port: int | None = None
    """None: the stack brings no Prometheus; whoever has one reads `targets`."""
    interval: int = 15
    """Seconds between two looks."""
    services: dict[str, WatchedService]

    @property
    def targets(self) -> str:
        """The file that Prometheus' file_sd_configs read."""
        return f"{self.folder}/targets.json"

    @property
    def prometheus(self) -> str | None:
        """Where the stack's own answers; None: it has none."""
        return None if self.prometheus_port is None else f"http://{self.address}:{self.prometheus_port}"


class SloPolicy(_Part):
    """What a move must not do to a service; `components.catalogue.slo` says it field by field."""

    business: str | None = None
    auto_rollback: int | None = None
    """Seconds."""
    latency: float = 2.0
    errors: float = 0.02
    success: float = 0.9
    before: int = 15
    """Seconds."""
    patience: int = 10
    """Seconds."""


class CrossingRule(_Part):
    """What to do with objects that cross to another service, from services.yaml."""

    match: str
    """fnmatch pattern on the edge's identity, e.g.
    `foreign key payment_schema.payments.payments_user_id_fkey -> user_schema.users`."""
    action: Literal["move", "copy", "drop", "reference", "ignore"]
    reason: str = ""


RowSecurityMode = Literal["bypass", "keep", "bind"]
"""What row security does to a service's role on its own database. `bypass`: nothing (BYPASSRLS). `keep`:
nothing where it does nothing to the services' common role (a policy on each such table). `bind`: what the
policies say."""


Pooling = Literal["transaction", "session"]
"""How a gateway gives its clients server connections: for a transaction each, or for as long as they stay."""


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
    """The role that is granted everything in its own database. Its applications log in as `login`."""
    migration: Login
    monitoring: Login
    backup: Login
    ddl: Login | None = None
    """The role of its schema migrations, on both sides; None: an older program's stack, which has none."""
    application: Login | None = None
    """What its applications log in as since a rotation; None: `service`."""
    previous: tuple[str, ...] = ()
    """Logins of its applications and schema migrations that are valid, too, until the rotation ends."""
    shared_logins: tuple[str, ...] = ()
    """All logins of its gateway and its schema migrations that the stack made on the shared database."""
    turns: int = 0
    """How often these logins were rotated (`python -m operations rotate`)."""
    gateway_control: LocalGatewayControl
    instance_control: LocalInstanceControl
    backups: BackupControl | None = None
    """None: the stack keeps no backups of it."""
    pool_maximum: int
    pool_idle: int | None = None
    connection_timeout: float = 30.0
    """Seconds that the most impatient of its applications waits for a connection of its pool."""
    password_variable: str | None = None
    """The environment variable that its applications read the password from."""
    pooling: Pooling = "transaction"
    shared: Login | None = None
    """Its own login on the shared database, which has role and search_path from there. None: its gateway logs
    in there as the common role, and sets the path by a statement."""
    takes_over: bool = True
    """Whether its instance has the limits and the isolation of sessions that services.yaml gives it."""
    crossing: tuple[CrossingRule, ...] = ()
    reads: tuple[str, ...] = ()
    """The services whose instances let this one's through."""
    row_security: RowSecurityMode | None = None
    """None: not decided, which a service needs to be where it makes a difference."""
    slo: SloPolicy | None = None
    """None: a move does not watch how the service does."""
    rehearsal_limit: int | None = None
    """Seconds: without a rehearsal so young its move is not started; None: none is asked for."""

    @property
    def login(self) -> Login:
        """As which its applications log in."""
        return self.application or self.service

    @property
    def ddl_database(self) -> str:
        """What the endpoint calls the database for schema migrations, which have sessions of their own."""
        return ddl_database(self.endpoint.database)

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
    commit: str | None = None
    """Of the checkout whose program deployed the stack, `-dirty` behind it where files differed; None: no
    checkout."""
    catalogue_digest: str
    """SHA-256 of the catalogue's canonical JSON."""
    sign_offs: dict[str, tuple[str, ...]] = {}
    """By stage (a verb of `migration`, or `promotion`), who has to sign it."""
    source: Source
    services: dict[str, Service]
    monitoring: MonitoringControl | None = None
    """None: the stack is not watched."""
