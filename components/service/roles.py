"""The database of a service and who may do what in it.

Seven roles: the owner (no login) owns every object; the service works with the data and cannot make or
drop what lasts; ddl, as which the service's schema migrations log in, acts as the owner; migration acts as
the owner and replicates, and is no superuser; following streams changes back to the shared database, and
cannot log in but while `migration` gave it a password; monitoring reads statistics; backup reads everything
and streams WAL. One more like following for each service that reads
tables of this one. PUBLIC may do nothing.
"""

from __future__ import annotations

import pulumi
import pulumi_postgresql as postgresql

from components.backup.grants import grant_functions
from components.backup.rights import MEMBERSHIPS, SYNCHRONOUS
from components.contract import own_search_path
from components.platforms import audit
from components.service.business import Business
from components.service.database_locale import DatabaseLocale
from components.service.ddl import DDL_CONNECTIONS, DDL_SETTINGS
from components.service.ddl_watch import DdlWatch
from components.service.role_args import RolesArgs
from components.service.role_settings import RoleSettings
from components.service.second_logins import second_logins, second_settings

MIGRATION_MEMBERSHIPS = (
    "pg_create_subscription",
    "pg_monitor",
    "pg_read_all_data",
    "pg_signal_backend",
    "pg_checkpoint",
)
"""Predefined roles (PostgreSQL 16 and newer) that let `migration` work without being a superuser."""

MIGRATION_MAY_SET = [
    "session_replication_role",
    "log_statement",
    "log_min_duration_statement",
    "log_min_duration_sample",
    "log_min_error_statement",
    "pg_stat_statements.track_utility",
]
"""Protected parameters that the migration role may set: to load as a replica, and to keep the statement
that makes a subscription, which carries a password, out of the server's log and pg_stat_statements."""

_PATIENT = {
    # An instance's limits are the service's: a dump, a copy and an apply worker wait as long as it takes.
    # An apply worker takes its owner's settings, and under `serializable` its changes could be refused.
    "default_transaction_isolation": "read committed",
    "lock_timeout": "0",
    "statement_timeout": "0",
    # An index of a large table is sorted in files larger than any query's of the service should be.
    "temp_file_limit": "-1",
}
_CURIOUS = {
    # Monitoring must never hold up, nor be held up by, what it watches.
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "on",
    "lock_timeout": "1s",
}

_MONITORING_CONNECTIONS = 5
"""An exporter takes two, `python -m operations watch` one."""
_MONITORING_STATEMENT_TIMEOUT = 10_000
"""Milliseconds. Through the role's own resource, which reads it back as a number."""
_BACKUP_CONNECTIONS = 6
_STREAMING_CONNECTIONS = 4


class Roles(pulumi.ComponentResource):
    """Database, schema, roles, extensions and privileges of one instance.

    Names are passed on as they are, never as another resource's output: a preview then knows them, and
    what has to wait says so (`depends_on`).
    """

    database: pulumi.Output[str]
    schema: pulumi.Output[str]

    def __init__(self, name: str, args: RolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("waqiti:database:Roles", name, None, opts)
        self._name = name
        self._args = args
        self._provider = postgresql.Provider(
            f"{name}-postgresql",
            host=args.endpoint.address or args.endpoint.host,
            port=args.endpoint.port,
            database="postgres",
            username=args.administrator,
            password=args.administrator_password,
            superuser=True,
            # The provider knows no name beside the address; that CA signs this instance's certificates alone.
            sslmode=args.endpoint.sslmode if args.names_address else "verify-ca",
            sslrootcert=args.endpoint.sslrootcert,
            expected_version=f"{args.version}.0.0",
            connect_timeout=15,
            max_connections=4,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[args.instance] if args.instance else [], deleted_with=args.instance
            ),
        )
        owner = postgresql.Role(f"{name}-owner", name=args.owner, login=False, opts=self._options())
        self._login_roles(owner)
        created = self._options(owner, holds_data=True)
        # It would be replaced: `DatabaseLocale` gives it its locale.
        created.ignore_changes = ["lcCollate", "lcCtype"]
        self._database = postgresql.Database(
            f"{name}-database",
            name=args.endpoint.database,
            owner=args.owner,
            template="template0",
            encoding="UTF8",
            lc_collate="C",
            lc_ctype="C",
            opts=created,
        )
        located = DatabaseLocale(
            f"{name}-locale",
            args.locale,
            endpoint=args.endpoint,
            administrator=args.administrator,
            administrator_password=args.administrator_password,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._database], deleted_with=args.instance),
        )
        # Declared by its last name, and never renamed by an update: `migration` makes what it copies into
        # where that is missing, and renames it. docs/decisions/0043-own-schema.md.
        lasting = self._options(self._database, located, holds_data=True)
        lasting.ignore_changes = ["name"]
        schema = postgresql.Schema(
            f"{name}-schema",
            name=args.own_schema or args.schema_name,
            database=args.endpoint.database,
            owner=args.owner,
            opts=lasting,
        )
        self._extensions(located)
        self._database_privileges()
        grant_functions(
            name,
            args.endpoint.database,
            args.backup,
            self._options(self._database, self._backup),
            synchronous=args.synchronous_backup,
        )
        self._schema_privileges(schema)
        self._default_privileges()
        self._role_settings()
        self._sessions()
        DdlWatch(
            f"{name}-ddl-watch",
            args.ddl,
            second=args.second.ddl if args.second else None,
            endpoint=args.endpoint,
            administrator=args.administrator,
            administrator_password=args.administrator_password,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[self._database, located], deleted_with=args.instance
            ),
        )
        if args.business is not None:
            self._business(args.business, located)
        self.database = self._database.name
        self.schema = schema.name
        self.register_outputs({"database": self.database, "schema": self.schema})

    def _business(self, query: str, located: pulumi.Resource) -> None:
        args = self._args
        Business(
            f"{self._name}-business",
            query,
            owner=args.owner,
            monitoring=args.monitoring,
            path=own_search_path(args.schema_name, args.own_schema),
            endpoint=args.endpoint,
            administrator=args.administrator,
            administrator_password=args.administrator_password,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[self._database, located, self._monitoring],
                deleted_with=args.instance,
            ),
        )

    def _options(self, *after: pulumi.Resource, holds_data: bool = False) -> pulumi.ResourceOptions:
        kept = holds_data and self._args.protect
        return pulumi.ResourceOptions(
            parent=self,
            provider=self._provider,
            depends_on=list(after),
            deleted_with=self._args.instance,
            protect=kept,
            retain_on_delete=kept,
        )

    def _login_roles(self, owner: postgresql.Role) -> None:
        name, args = self._name, self._args
        self._service = postgresql.Role(
            f"{name}-service",
            name=args.service,
            login=args.is_open,
            password=args.service_password,
            search_paths=list(own_search_path(args.schema_name, args.own_schema)),
            bypass_row_level_security=args.bypass_row_security or None,
            opts=self._options(),
        )
        unset = self._options()
        unset.ignore_changes = ["password"]
        streaming = [
            postgresql.Role(
                f"{name}-{resource}",
                name=role,
                login=True,
                replication=True,
                connection_limit=_STREAMING_CONNECTIONS,
                opts=unset,
            )
            for resource, role in (("following", args.following), *((role, role) for role in args.reading))
        ]
        self._migration = postgresql.Role(
            f"{name}-migration",
            name=args.migration,
            login=True,
            password=args.migration_password,
            replication=True,
            bypass_row_level_security=True,
            roles=[args.owner, args.following, *args.reading, *MIGRATION_MEMBERSHIPS],
            opts=self._options(owner, *streaming),
        )
        self._ddl = postgresql.Role(
            f"{name}-ddl",
            name=args.ddl,
            login=args.is_open,
            password=args.ddl_password,
            connection_limit=DDL_CONNECTIONS,
            search_paths=list(own_search_path(args.schema_name, args.own_schema)),
            roles=[args.owner],
            assume_role=args.owner,
            opts=self._options(owner),
        )
        first = self._options(owner, self._service, self._ddl)
        self._second = second_logins(name, args, args.second, first) if args.second else []
        self._monitoring = postgresql.Role(
            f"{name}-monitoring",
            name=args.monitoring,
            login=True,
            password=args.monitoring_password,
            connection_limit=_MONITORING_CONNECTIONS,
            statement_timeout=_MONITORING_STATEMENT_TIMEOUT,
            roles=["pg_monitor"],
            opts=self._options(),
        )
        self._backup = postgresql.Role(
            f"{name}-backup",
            name=args.backup,
            login=True,
            password=args.backup_password,
            replication=True,
            bypass_row_level_security=True,
            connection_limit=_BACKUP_CONNECTIONS,
            roles=list(MEMBERSHIPS),
            opts=self._options(),
        )

    def _extensions(self, located: pulumi.Resource) -> None:
        """One after the other: each brings those that it needs, which may be named, too."""
        previous: list[pulumi.Resource] = [self._database, located]
        for extension in ("pg_stat_statements", *self._args.extensions):
            options = self._options(*previous)
            # Of one that is there it decides nothing any more.
            options.ignore_changes = ["createCascade"]
            made = postgresql.Extension(
                f"{self._name}-extension-{extension}",
                name=extension,
                database=self._args.endpoint.database,
                schema="public",
                create_cascade=True,
                opts=options,
            )
            previous = [self._database, located, made]

    def _database_privileges(self) -> None:
        """One after the other: two at once on the same database conflict ("tuple concurrently updated")."""
        args = self._args
        previous: list[pulumi.Resource] = [self._database, self._service, self._monitoring, self._backup]
        for who, role, privileges in (
            ("public", "public", []),
            ("service", args.service, ["CONNECT", "TEMPORARY"]),
            ("monitoring", args.monitoring, ["CONNECT"]),
            ("backup", args.backup, ["CONNECT"]),
        ):
            grant = postgresql.Grant(
                f"{self._name}-database-{who}",
                database=args.endpoint.database,
                object_type="database",
                role=role,
                privileges=privileges,
                opts=self._options(*previous),
            )
            previous = [grant]

    def _schema_privileges(self, schema: postgresql.Schema) -> None:
        """Functions and types that services share are in `public`: the service may use, not make, them."""
        args = self._args
        previous: list[pulumi.Resource] = [schema, self._service, self._monitoring]
        for who, where, role, privileges in (
            ("schema-service", args.own_schema or args.schema_name, args.service, ["USAGE"]),
            ("public-public", "public", "public", []),
            ("public-service", "public", args.service, ["USAGE"]),
            ("public-monitoring", "public", args.monitoring, ["USAGE"]),
        ):
            options = self._options(*previous)
            # With another schema it would be replaced, and the service lose its right on the present one.
            options.ignore_changes = ["schema"]
            grant = postgresql.Grant(
                f"{self._name}-{who}",
                database=args.endpoint.database,
                object_type="schema",
                schema=where,
                role=role,
                privileges=privileges,
                opts=options,
            )
            previous = [grant]

    def _default_privileges(self) -> None:
        """What the owner makes, in any schema of the database, the service may use and PUBLIC may not."""
        args = self._args
        previous: list[pulumi.Resource] = [self._database, self._service]
        for who, role, kind, privileges in (
            ("public", "public", "function", []),
            ("public", "public", "type", []),
            ("service", args.service, "table", ["SELECT", "INSERT", "UPDATE", "DELETE"]),
            ("service", args.service, "sequence", ["USAGE", "SELECT"]),
            ("service", args.service, "function", ["EXECUTE"]),
            ("service", args.service, "type", ["USAGE"]),
        ):
            grant = postgresql.DefaultPrivileges(
                f"{self._name}-default-{kind}-{who}",
                database=args.endpoint.database,
                owner=args.owner,
                role=role,
                object_type=kind,
                privileges=privileges,
                opts=self._options(*previous),
            )
            previous = [grant]

    def _sessions(self) -> None:
        """In the database alone, so that the role's own resource does not take them for its."""
        args = self._args
        if args.sessions:
            RoleSettings(
                f"{self._name}-service-settings",
                args.service,
                endpoint=args.endpoint,
                administrator=args.administrator,
                administrator_password=args.administrator_password,
                settings=args.sessions,
                database=args.endpoint.database,
                opts=pulumi.ResourceOptions(
                    parent=self, depends_on=[self._service, self._database], deleted_with=args.instance
                ),
            )

    def _role_settings(self) -> None:
        args = self._args
        if args.second is not None:
            second_settings(self._name, args, args.second, self, [*self._second, self._database])
        audited = [audit.SWITCH] if audit.PGAUDIT in args.extensions else []
        waits = [SYNCHRONOUS] if args.synchronous_backup else []
        for who, role, resource, settings, may_set in (
            ("migration", args.migration, self._migration, _PATIENT, [*MIGRATION_MAY_SET, *audited]),
            ("monitoring", args.monitoring, self._monitoring, _CURIOUS, []),
            ("backup", args.backup, self._backup, _PATIENT, []),
            ("ddl", args.ddl, self._ddl, DDL_SETTINGS, []),
        ):
            RoleSettings(
                f"{self._name}-{who}-settings",
                role,
                endpoint=args.endpoint,
                administrator=args.administrator,
                administrator_password=args.administrator_password,
                settings=settings,
                may_set=may_set,
                may_alter_system=waits if who == "backup" else [],
                opts=pulumi.ResourceOptions(parent=self, depends_on=[resource], deleted_with=args.instance),
            )
