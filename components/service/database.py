"""What a service gets, the same on every platform: network, instance, roles, gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pulumi

from components.catalogue.model import ServiceEntry
from components.contract import BackupControl, Endpoint, Pooling
from components.locale import PLAIN, Locale
from components.platforms.interface import (
    BackupArgs,
    Gateway,
    GatewayArgs,
    Instance,
    InstanceArgs,
    Network,
    NetworkArgs,
    Platform,
    SourceRoute,
)
from components.replication_roles import following_role, reading_role, server_wide
from components.service.by_turns import RoleLogin, other_logins, second_logins
from components.service.generated_secret import GeneratedSecret
from components.service.login_turns import LoginTurns
from components.service.role_args import RolesArgs
from components.service.roles import Roles
from components.service.shared_ddl import SharedDdlRole
from components.service.shared_login import SharedLogin
from components.service.turns import FIRST, SECOND, Turns, drawn, second

ADMINISTRATOR = "postgres"
"""The instances' superuser: used by the stack itself and by nothing else."""

CLIENTS_PER_CONNECTION = 10
"""A gateway admits this many clients for each server connection: they wait instead of failing."""


_NEVER = Turns()


@dataclass(frozen=True)
class ServiceDatabaseArgs:
    """What a service's database is made from. Safe by default: data is protected and kept."""

    entry: ServiceEntry
    """The service, from the catalogue."""
    platform: Platform
    version: int
    """PostgreSQL's major version."""
    parameters: Mapping[str, str]
    """postgresql.conf, from `components.tuning.tune`."""
    endpoint_port: int
    """Where its applications connect."""
    instance_port: int
    source: SourceRoute
    """The shared database: where the gateway leads until the service is cut over."""
    locale: Locale = PLAIN
    """Of its database."""
    own_login: bool = False
    """Whether its gateway logs in to the shared database as a role of its own, which is made there."""
    readers: tuple[str, ...] = ()
    """The services that may follow this one's tables (`reads` of the catalogue)."""
    service_password: pulumi.Input[str] | None = None
    """Of the service's role; None draws one."""
    ddl_password: pulumi.Input[str] | None = None
    """Of the role of its schema migrations; None draws one."""
    second_password: pulumi.Input[str] | None = None
    """Of the second login of its applications, once there is one; None draws one."""
    second_ddl_password: pulumi.Input[str] | None = None
    turns: Turns = _NEVER
    """How often its logins were rotated."""
    password_rotation: str = "1"  # noqa: S105 - no password
    """Any text; changing it draws all generated passwords anew."""
    protect_data: bool = True
    """Protect what holds data from deletes, and retain it when it leaves the program."""
    backups: bool = True
    """Back it up, as its entry says."""
    watched: bool = False
    """Whether somebody may look at its gateway's console."""
    keep_data: bool = True
    """Leave the data folder where it is when the instance is destroyed."""


class ServiceDatabase(pulumi.ComponentResource):
    """A service's own isolated PostgreSQL behind its stable endpoint.

    Outputs: `endpoint` (the gateway's) and `instance` are known while previewing; the logins' passwords
    are secrets.
    """

    endpoint: Endpoint
    network: Network
    gateway: Gateway
    instance: Instance
    shared: RoleLogin | None
    """On the shared database; None: its gateway logs in there as the common role."""
    service: RoleLogin
    """The role that is granted everything, and the first login."""
    application: RoleLogin
    """The login that its applications are to use."""
    previous: tuple[str, ...]
    """Logins that are valid beside it, while they change over."""
    shared_logins: tuple[str, ...]
    """All that the stack makes on the shared database, by turns."""
    migration: RoleLogin
    monitoring: RoleLogin
    backup: RoleLogin
    ddl: RoleLogin
    backups: BackupControl | None
    """None: it is not backed up."""
    console_password: pulumi.Output[str] | None
    """Of who may look at its gateway's console; None: nobody."""

    def __init__(
        self, name: str, args: ServiceDatabaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """`name` is the service's in the catalogue."""
        super().__init__("waqiti:database:ServiceDatabase", name, None, opts)
        self._name = name
        self._args = args
        entry = args.entry
        turns = args.turns
        LoginTurns(
            f"{name}-login-turns", name, turns, pulumi.ResourceOptions(parent=self, protect=args.protect_data)
        )
        services = self._sets(entry.role, "service", args.service_password, args.second_password)
        ddls = self._sets(entry.ddl_role, "ddl", args.ddl_password, args.second_ddl_password)
        self.service, self.application = services[FIRST], services[turns.current]
        self.migration = RoleLogin(entry.migration_role, self._secret("migration-password"))
        self.monitoring = RoleLogin(entry.monitoring_role, self._secret("monitoring-password"))
        self.backup = RoleLogin(entry.backup_role, self._secret("backup-password"))
        self.ddl = ddls[turns.current]
        others = other_logins(turns, services, ddls)
        self.previous = tuple(one.role for one in others)
        administrator_password = self._secret("administrator-password")
        self.network = args.platform.network(
            f"{name}-network", NetworkArgs(service=name, host=entry.endpoint.host), self._child()
        )
        shared = self._sets(f"{entry.role_stem}_shared", "shared", None, None) if args.own_login else []
        self.shared = self._on_shared(shared[turns.current]) if shared else None
        self.shared_logins = tuple(self._on_shared(one).name for one in (*shared, *ddls))
        self.instance = args.platform.instance(
            f"{name}-instance",
            InstanceArgs(
                service=name,
                network=self.network,
                host=entry.endpoint.host,
                port=args.instance_port,
                database=entry.database,
                version=args.version,
                locale=args.locale,
                parameters={**args.parameters, **self._for_backups()},
                administrator=ADMINISTRATOR,
                administrator_password=administrator_password,
                roles=(
                    entry.role,
                    entry.monitoring_role,
                    entry.backup_role,
                    following_role(name),
                    entry.ddl_role,
                    *(one.name for logins in (services, ddls) for one in logins[SECOND:]),
                ),
                replication_roles=(entry.migration_role, entry.backup_role),
                reading_roles=self._reading_roles(),
                keep_data=args.keep_data,
                backup_role=entry.backup_role if self._is_backed_up() else None,
            ),
            self._child(holds_data=True),
        )
        roles = self._roles(administrator_password, services, ddls)
        self.roles = roles
        before_gateway = [roles, *self._shared_ddls(ddls)] if turns.has_second else []
        self.backups = self._backup(roles)
        self.console_password = self._secret("console-password") if args.watched else None
        self.gateway = args.platform.gateway(
            f"{name}-gateway",
            GatewayArgs(
                service=name,
                network=self.network,
                host=entry.endpoint.host,
                port=args.endpoint_port,
                database=entry.database,
                schema_name=entry.schema_name,
                service_role=self.application.name,
                service_password=self.application.password,
                ddl_role=self.ddl.name,
                ddl_password=self.ddl.password,
                administrator_password=self._secret("gateway-password"),
                source=self._way_to_shared(shared),
                pooling=entry.pooling,
                pool_maximum=entry.pool.maximum,
                max_client_connections=entry.pool.maximum * CLIENTS_PER_CONNECTION,
                others=others,
                monitoring_password=self.console_password,
            ),
            # It logs in as the new ones from now on.
            pulumi.ResourceOptions.merge(self._child(), pulumi.ResourceOptions(depends_on=before_gateway)),
        )
        if not turns.has_second:
            self._shared_ddls(ddls)
        self.endpoint = self.gateway.endpoint
        self.turns = turns
        self.pooling: Pooling = entry.pooling
        self.register_outputs({"endpoint": self.endpoint.model_dump(), "database": entry.database})

    @property
    def watchable(self) -> tuple[pulumi.Resource, ...]:
        """What has to be there before it can be watched."""
        return self.roles, self.gateway.resource

    def let_read(self, service: ServiceDatabase) -> None:
        """Let this service's instance connect to that of `service`, of whose readers it is one."""
        self._args.platform.let_through(
            f"{self._name}-reads-{service._name}", self.instance, service.network, self._child()
        )

    def _is_backed_up(self) -> bool:
        return self._args.backups and self._args.entry.backup.enabled

    def _for_backups(self) -> Mapping[str, str]:
        """Block-incremental backups need a summary of which blocks changed."""
        incremental = self._args.entry.backup.incremental is not None and self._args.version >= 17
        return {"summarize_wal": "on"} if self._is_backed_up() and incremental else {}

    def _backup(self, roles: Roles) -> BackupControl | None:
        if not self._is_backed_up():
            return None
        args = self._args
        return args.platform.backup(
            f"{self._name}-backup-archive",
            BackupArgs(
                service=self._name,
                version=args.version,
                instance=self.instance,
                administrator=ADMINISTRATOR,
                role=self.backup.name,
                password=self.backup.password,
                policy=args.entry.backup.policy,
                keep_data=args.keep_data,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=[roles]),
        )

    def _sets(
        self,
        role: str,
        kind: str,
        first: pulumi.Input[str] | None,
        other: pulumi.Input[str] | None,
    ) -> list[RoleLogin]:
        """The first login of a kind and, once there is one, the second."""
        turns = self._args.turns
        suffixes = {FIRST: "", SECOND: "-b"} if turns.has_second else {FIRST: ""}
        given = {FIRST: first, SECOND: other}
        return [
            RoleLogin(
                role if which == FIRST else second(role),
                self._password(f"{kind}-password{suffix}", given[which], turns.password(which)),
            )
            for which, suffix in suffixes.items()
        ]

    def _on_shared(self, login: RoleLogin) -> RoleLogin:
        """The same by its name on the shared database's server."""
        return replace(login, name=server_wide(login.name, self._args.source.endpoint.database))

    def _shared_ddls(self, ddls: list[RoleLogin]) -> list[pulumi.Resource]:
        """The logins of schema migrations on the shared database."""
        args, turns = self._args, self._args.turns
        return [
            SharedDdlRole(
                f"{self._name}-shared-ddl{'-b' if which else ''}",
                server_wide(login.name, args.source.endpoint.database),
                password=login.password,
                schema=args.entry.schema_name,
                application=args.source.role,
                endpoint=args.source.endpoint,
                administrator=args.source.administrator,
                administrator_password=args.source.administrator_password,
                closed=not turns.is_open(which),
                opts=self._once_there_is_a_way(),
            )
            for which, login in enumerate(ddls)
        ]

    def _way_to_shared(self, logins: list[RoleLogin]) -> SourceRoute:
        """Where the gateway leads until the service has moved, and as whom: made before it is led there."""
        source, args = self._args.source, self._args
        made = [
            SharedLogin(
                f"{self._name}-shared-login{'-b' if which else ''}",
                one.name,
                password=one.password,
                source=source.endpoint,
                administrator=source.administrator,
                administrator_password=source.administrator_password,
                application=source.role,
                search_path=(args.entry.schema_name, "public"),
                settings=self._sessions(),
                mark=f"login of the service {self._name}, made by the stack"
                f" {pulumi.get_project()}-{pulumi.get_stack()}",
                closed=not args.turns.is_open(which),
                opts=self._once_there_is_a_way(),
            )
            for which, one in enumerate(map(self._on_shared, logins))
        ]
        if self.shared is None:
            return source
        current = made[args.turns.current]
        password = pulumi.Output.all(self.shared.password, current.urn).apply(lambda both: both[0])
        return replace(source, role=self.shared.name, password=pulumi.Output.secret(password), own_login=True)

    def _sessions(self) -> dict[str, str]:
        """What the service's sessions begin with. The name that `python -m migration config` gives clients is
        among it: where a cleaned connection has it, PgBouncer need not set it in a turn of its own."""
        return {"application_name": self._name, **self._args.entry.sessions}

    def _reading_roles(self) -> tuple[str, ...]:
        return tuple(reading_role(reader, self._name) for reader in self._args.readers)

    def _child(self, holds_data: bool = False) -> pulumi.ResourceOptions:
        kept = holds_data and self._args.protect_data
        return pulumi.ResourceOptions(parent=self, protect=kept, retain_on_delete=kept)

    def _once_there_is_a_way(self) -> pulumi.ResourceOptions:
        way = self._args.platform.way_to_shared
        return pulumi.ResourceOptions(parent=self, depends_on=[] if way is None else [way])

    def _secret(self, suffix: str) -> pulumi.Output[str]:
        """One that only this project's programs use."""
        return self._drawn(suffix, self._args.turns.own)

    def _password(self, suffix: str, given: pulumi.Input[str] | None, generation: int) -> pulumi.Output[str]:
        return self._drawn(suffix, generation) if given is None else pulumi.Output.secret(given)

    def _drawn(self, suffix: str, generation: int) -> pulumi.Output[str]:
        rotation = drawn(self._args.password_rotation, generation)
        return GeneratedSecret(f"{self._name}-{suffix}", rotation, self._child()).value

    def _roles(
        self,
        administrator_password: pulumi.Input[str],
        services: list[RoleLogin],
        ddls: list[RoleLogin],
    ) -> Roles:
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
                business=entry.slo.business if entry.slo is not None and args.watched else None,
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
                synchronous_backup=self._is_backed_up() and entry.backup.synchronous,
                ddl=entry.ddl_role,
                ddl_password=ddls[FIRST].password,
                is_open=args.turns.is_open(FIRST),
                second=second_logins(args.turns, services, ddls),
                bypass_row_security=entry.row_security == "bypass",
                sessions=self._sessions(),
                extensions=tuple(dict.fromkeys([*self.instance.extensions, *entry.extensions])),
                locale=args.locale,
                instance=self.instance.resource,
                names_address=self.instance.names_address,
                protect=args.protect_data,
            ),
            pulumi.ResourceOptions(parent=self),
        )
