"""A small shared database of two services and a stack to move them to, all real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from pydantic import SecretStr

from components.contract import Contract, CrossingRule, Login
from components.replication_roles import flow_name, reading_role, server_wide
from core.gateway.gateway import Gateway
from core.sessions.connections import Database
from migration.guards.ownership import Ownership
from tests.support import forks
from tests.support.clusters import Cluster, Clusters
from tests.support.contracts import make_contract
from tests.support.ddl_logins import make_ddl_logins
from tests.support.gateways import (
    GatedService,
    as_the_stack_does,
    drop_login,
    ensure_login,
    gated_service,
    make_shared_login,
)
from tests.support.versions import DEFAULT_VERSIONS

APPLICATION = Login(name="shared_application", password=SecretStr("application-password-of-nothing"))
SERVICES = ("user", "payment")
SECRETS = ("application-password-of-nothing", "-service-password", "-migration-password", "test-password-of")

SCHEMA = Path(__file__).with_name("moves.sql")
TARGET_ROLES = Path(__file__).with_name("moves_target.sql")

CROSSING = (CrossingRule(match="foreign key *", action="drop", reason="checked by the payment service"),)

LEFT_BEHIND = CrossingRule(match="foreign key payment_schema.*", action="ignore", reason="no service here")
"""Where `payment_schema` is no service's, its key stays in the shared database, with its table."""


def login(service: str, kind: str) -> Login:
    """A role of a service's own database; roles are the whole server's, so their names are the test's."""
    return Login(name=f"test_{service}_{kind}", password=SecretStr(f"{service}-{kind}-password-of-nothing"))


@dataclass(frozen=True)
class World:
    """A shared database, the services' own databases and gateways, and the contract that tells of them."""

    source: Database
    contract: Contract
    gated: Mapping[str, GatedService]
    folder: Path

    @property
    def contract_file(self) -> Path:
        """The contract as `--contract` reads it."""
        return self.folder / "contract.json"

    def target(self, service: str) -> Database:
        """A service's own database, as its migration role."""
        made = self.contract.services[service]
        return Database(f"{service}'s own database", "target", made.instance, made.migration)

    def write_contract(self, contract: Contract | None = None) -> Path:
        """Write the contract, passwords included, mode 0600."""
        text = json.dumps(revealed((contract or self.contract).model_dump()))
        with os.fdopen(
            os.open(self.contract_file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w"
        ) as file:
            file.write(text)
        return self.contract_file

    def command(self, *arguments: str, entry: str = "migration") -> list[str]:
        """The command line of a verb against this world."""
        return [sys.executable, "-m", entry, *arguments, "--contract", str(self.contract_file)]

    def environment(self, **more: str) -> dict[str, str]:
        """The environment to run it in: reports and logs go to the test's folder."""
        return {**os.environ, "WAQITI_STATE_DIR": str(self.folder / "state"), "NO_COLOR": "1", **more}

    def run(
        self, *arguments: str, entry: str = "migration", timeout: float = 120, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end."""
        _, _, *words = self.command(*arguments, entry=entry)
        return forks.run(*words, environment=self.environment(**more), timeout=timeout)

    def run_with_fault(
        self, step: str, point: str, act: str, *arguments: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a verb (default: `run user --yes`) that meets a fault; see tests.support.faulty."""
        faults = json.dumps([{"step": step, "point": point, "act": act}])
        verb = arguments or ("run", "--stop-writes", "user", "--yes")
        return self.run(*verb, entry="tests.support.faulty", WAQITI_TEST_FAULTS=faults)

    def open_sides(self, service: str) -> set[str]:
        """The sides that accept the service's writes now, as the guards themselves tell."""
        flags = {"source": self.source, "target": self.target(service)}
        found = set()
        for side, database in flags.items():
            with Ownership(database, service, f"{service}_schema") as guards:
                state = guards.is_open()
            if state or (state is None and side == "source"):
                found.add(side)
        return found

    def gateway(self, service: str) -> Gateway:
        """The service's gateway."""
        return Gateway(self.contract.services[service], self.contract.source)

    def add_large_table(self, name: str) -> None:
        """A table of the service `user` that takes a moment to copy: 40 MB."""
        table = sql.Identifier("user_schema", name)
        with self.source.connect() as connection:
            connection.execute(
                sql.SQL(
                    "CREATE TABLE {} AS SELECT i AS id, repeat(md5(i::text), 40) AS what"
                    " FROM generate_series(1, 30000) i"
                ).format(table)
            )
            connection.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (id)").format(table))

    def count(self, service: str, statement: str) -> int:
        """A number as the service's applications get it, through the gateway."""
        with self.gated[service].endpoint.connect() as connection:
            row = connection.execute(statement.encode()).fetchone()
        assert row is not None
        return int(row[0])


def revealed(value: Any) -> Any:
    """The same structure with passwords in clear text."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {key: revealed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [revealed(item) for item in value]
    return value


Through = Callable[[Database], Database]


@contextmanager
def world(
    folder: Path,
    source: Cluster,
    target: Cluster,
    *,
    rows: int = 2000,
    services: tuple[str, ...] = SERVICES,
    through: Through | None = None,
    script: str | None = None,
    crossing: tuple[CrossingRule, ...] | None = None,
    own_logins: Mapping[str, Path] | None = None,
    ddl: bool = False,
) -> Iterator[World]:
    """Make all of it, and drop it afterwards. `rows` is the number of users.

    `own_logins` names services that have a login of their own on the shared database and a gateway as the
    stack makes it, with the PgBouncer that it is.

    `through` gives a database as all but the tests' own look reach it, for example through a proxy.
    `script` is what the shared database holds instead of `SCHEMA`, made by its superuser; `crossing` are each
    service's rules instead of those of `SCHEMA`. With `ddl` schema migrations have their way, as the stack
    makes it.
    """
    with ExitStack() as stack:
        shared = (through or _as_it_is)(_fill(stack, source, rows, script))
        if target.authority is None:
            # A server built without TLS cannot subscribe through it either.
            plain = shared.endpoint.model_copy(update={"sslmode": "disable", "sslrootcert": None})
            shared = replace(shared, endpoint=plain)
        gated = {
            name: stack.enter_context(
                _gated(
                    stack,
                    name,
                    shared,
                    target,
                    services=services,
                    through=through,
                    crossing=_rules_of_schema(services) if crossing is None else crossing,
                    bouncer=(own_logins or {}).get(name),
                    ddl=login(name, "ddl") if ddl else None,
                )
            )
            for name in services
        }
        services_made = [one.service for one in gated.values()]
        if script is not None:
            # As in services.yaml, where a service says nothing of it.
            services_made = [one.model_copy(update={"row_security": None}) for one in services_made]
        contract = make_contract(shared, services_made, APPLICATION)
        made = World(shared, contract, gated, folder)
        made.write_contract()
        yield made


@contextmanager
def default_world(
    folder: Path, clusters: Clusters, *, rows: int = 2000, services: tuple[str, ...] = SERVICES
) -> Iterator[World]:
    """The same between the session's servers of DEFAULT_VERSIONS, for tests that share one."""
    source, target = clusters.get("source", DEFAULT_VERSIONS[0]), clusters.get("target", DEFAULT_VERSIONS[1])
    with world(folder, source, target, rows=rows, services=services) as made:
        yield made


def _as_it_is(database: Database) -> Database:
    return database


def _gated(
    stack: ExitStack,
    name: str,
    shared: Database,
    target: Cluster,
    *,
    services: tuple[str, ...],
    through: Through | None,
    crossing: tuple[CrossingRule, ...],
    bouncer: Path | None = None,
    ddl: Login | None,
) -> AbstractContextManager[GatedService]:
    shared_login = make_shared_login(shared, name, APPLICATION) if bouncer else None
    if shared_login is not None:
        stack.callback(drop_login, shared, shared_login)
    own = _own_database(stack, target, name, services)
    if ddl is not None:
        make_ddl_logins(stack, name, ddl, (shared, target.database(own.endpoint.database)), APPLICATION.name)
    by_session = (ddl.name, server_wide(ddl.name, shared.endpoint.database)) if ddl else ()
    return gated_service(
        name,
        shared,
        (through or _as_it_is)(own),
        application=APPLICATION,
        service_login=login(name, "service"),
        owner=f"test_{name}_owner",
        data=target.server.data,
        version=target.version,
        crossing=crossing,
        binary=bouncer,
        shared=shared_login,
        settings=as_the_stack_does(bouncer, by_session=by_session) if bouncer else None,
        ddl=ddl,
    )


def _rules_of_schema(services: tuple[str, ...]) -> tuple[CrossingRule, ...]:
    return CROSSING if "payment" in services else (LEFT_BEHIND, *CROSSING)


def _fill(stack: ExitStack, cluster: Cluster, rows: int, script: str | None) -> Database:
    database = cluster.new_database()
    stack.callback(cluster.drop_database, database)
    ensure_login(database, APPLICATION)
    if script is not None:
        plain = script.replace("$DB", database.endpoint.database).replace("$APP", APPLICATION.name)
        with psycopg.connect(database.conninfo(), autocommit=True) as session:
            session.execute(plain.encode())
        return database
    with database.connect() as connection:
        connection.execute(SCHEMA.read_bytes())
        connection.execute("CALL public.fill(%s)", (rows,))
        connection.execute("DROP PROCEDURE public.fill")
        connection.execute("ANALYZE")
    return database


def _own_database(stack: ExitStack, cluster: Cluster, service: str, services: tuple[str, ...]) -> Database:
    """An instance's database as the stack's roles leave it; returned as the migration role sees it."""
    database = cluster.new_database()
    stack.callback(cluster.drop_database, database)
    owner, migration = f"test_{service}_owner", login(service, "migration")
    for one in (login(service, "service"), migration):
        ensure_login(database, one)
    names = {
        "owner": owner,
        "migration": migration.name,
        "service": login(service, "service").name,
        "schema": f"{service}_schema",
        "database": database.endpoint.database,
    }
    streaming = [
        flow_name(service, "back"),
        *(reading_role(one, service) for one in services if one != service),
    ]
    with database.connect() as connection:
        for role in (owner, *streaming):
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        for role in streaming:
            made = {"role": sql.Identifier(role), "migration": sql.Identifier(migration.name)}
            connection.execute(sql.SQL("ALTER ROLE {role} LOGIN REPLICATION").format(**made))
            connection.execute(sql.SQL("GRANT {role} TO {migration}").format(**made))
        script = sql.SQL(TARGET_ROLES.read_text())
        connection.execute(script.format(**{key: sql.Identifier(value) for key, value in names.items()}))
        if cluster.version >= 16:
            grant = sql.SQL("GRANT pg_create_subscription TO {}")
            connection.execute(grant.format(sql.Identifier(migration.name)))
    return Database(f"{service}'s own database", "target", database.endpoint, migration)
