"""A service's own database as the stack makes it, and a move of a schema into it, for tests."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql
from pydantic import SecretStr

from components.contract import Contract, CrossingRule, Login, RowSecurityMode
from core.sessions.connections import Database
from migration.catalog.read import read_catalog
from migration.fidelity.compare import Difference, compare_schemas
from migration.plan.facts import read_target
from migration.plan.locale_probe import LocaleProbe
from migration.plan.make import Plan, make_plan
from migration.schema.create import build_indexes, create_schema
from migration.schema.dump import SchemaDump, dump_schema
from tests.support.clusters import Cluster
from tests.support.contracts import make_contract, make_service

PASSWORD = SecretStr("a-role-of-a-test")
_numbers = itertools.count()


@dataclass
class Split:
    """A shared database, the services it is split into, and their own, still empty, databases."""

    source: Database
    contract: Contract
    targets: Mapping[str, Database]
    """Each service's own database as its migration role."""
    superusers: Mapping[str, Database]
    """The same as the superuser."""
    folder: Path

    def plan(self, services: Sequence[str] | None = None) -> Plan:
        """The plan, from the catalogue as it is now."""
        with self.source.connect() as connection:
            catalog = read_catalog(connection, application=self.contract.source.application.name)
        probe = LocaleProbe(self.source, catalog.server.locale)
        facts = {name: read_target(target, probe) for name, target in self.targets.items()}
        return make_plan(self.contract, catalog, services, facts)

    def dump(self, name: str) -> SchemaDump:
        """The dump for a service's version."""
        return dump_schema(self.source, self.folder, self.contract.services[name].version)

    def move(self, name: str, workers: int = 2) -> tuple[Difference, ...]:
        """Create and build the service's schema (no rows); returns what differs afterwards."""
        plan = self.plan()
        plan.check()
        return self.move_with(plan, self.dump(name), name, workers)

    def move_with(self, plan: Plan, dump: SchemaDump, name: str, workers: int = 2) -> tuple[Difference, ...]:
        """The same, with a plan and a dump that serve several services."""
        create_schema(self.contract, plan, name, dump, self.targets[name])
        build_indexes(self.contract, plan, name, dump, self.targets[name], workers=workers)
        return compare_schemas(self.source, self.targets[name], plan, name, self.contract)


@contextmanager
def split(
    source: Database,
    cluster: Cluster,
    rules: Mapping[str, Sequence[CrossingRule]],
    folder: Path,
    application: Login | None = None,
    *,
    row_security: RowSecurityMode | None = None,
) -> Iterator[Split]:
    """Services named as the keys of `rules`: a schema `<name>_schema` and a database on `cluster` each.

    Roles and databases are those of components/service/roles.py; all are dropped afterwards.
    """
    mark = f"{os.getpid()}_{next(_numbers)}"
    services, targets, superusers = [], {}, {}
    try:
        for name, own in rules.items():
            superusers[name] = cluster.new_database()
            roles = {kind: f"{name}_{mark}_{kind}" for kind in ("owner", "service", "migration")}
            _make_roles(superusers[name], f"{name}_schema", roles)
            login = Login(name=roles["migration"], password=PASSWORD)
            endpoint = superusers[name].endpoint
            targets[name] = Database(f"{name}'s own database", "target", endpoint, login)
            service = make_service(
                name,
                endpoint,
                login,
                owner=roles["owner"],
                version=cluster.version,
                service_login=Login(name=roles["service"], password=PASSWORD),
                # The superuser, where no other common role is told: policies do not bind it.
                row_security=row_security or ("bind" if application is None else None),
            )
            services.append(service.model_copy(update={"crossing": tuple(own)}))
        contract = make_contract(source, services, application)
        yield Split(source, contract, targets, superusers, folder)
    finally:
        for database in superusers.values():
            cluster.drop_database(database)
        with cluster.database().connect() as connection:
            for (role,) in connection.execute(
                "SELECT rolname FROM pg_roles WHERE rolname LIKE %s", [f"%\\_{mark}\\_%"]
            ).fetchall():
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@contextmanager
def builder(source: Database, cluster: Cluster, shared: str, folder: Path) -> Iterator[Callable[..., Split]]:
    """A function that runs `shared` and a script on the shared database, and splits it: `user`, and `pay`
    with the rules that it is given. What it made goes with the context."""
    with ExitStack() as opened:

        def build(script: str, *rules: CrossingRule) -> Split:
            with source.connect() as connection:
                connection.execute((shared + script).encode())
            return opened.enter_context(split(source, cluster, {"user": (), "pay": rules}, folder))

        yield build


def _make_roles(database: Database, schema: str, roles: Mapping[str, str]) -> None:
    """What components/service/roles.py makes, as far as a schema's move can tell."""
    names = {kind: sql.Identifier(name) for kind, name in roles.items()}
    names |= {"database": sql.Identifier(database.endpoint.database), "schema": sql.Identifier(schema)}
    names |= {"password": sql.Literal(PASSWORD.get_secret_value())}  # type: ignore[dict-item]
    with database.connect() as connection:
        for statement in (
            "CREATE ROLE {owner} NOLOGIN",
            "CREATE ROLE {service} LOGIN PASSWORD {password}",
            "CREATE ROLE {migration} LOGIN REPLICATION BYPASSRLS PASSWORD {password}",
            "GRANT {owner}, pg_create_subscription, pg_monitor, pg_read_all_data, pg_signal_backend,"
            " pg_checkpoint TO {migration}",
            "ALTER DATABASE {database} OWNER TO {owner}",
            "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
            "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {service}",
            "CREATE SCHEMA {schema} AUTHORIZATION {owner}",
            "GRANT USAGE ON SCHEMA {schema} TO {service}",
            "REVOKE ALL ON SCHEMA public FROM PUBLIC",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE ALL ON FUNCTIONS FROM PUBLIC",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE ALL ON TYPES FROM PUBLIC",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES"
            " TO {service}",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE, SELECT ON SEQUENCES TO {service}",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT EXECUTE ON FUNCTIONS TO {service}",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE ON TYPES TO {service}",
        ):
            connection.execute(sql.SQL(statement).format(**names))
