"""A service as the stack would leave it: a gateway at its endpoint, leading to the shared database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql
from pydantic import SecretStr

from components.contract import (
    CrossingRule,
    Endpoint,
    LocalGatewayControl,
    Login,
    Pooling,
    Service,
    ddl_database,
)
from components.replication_roles import server_wide
from core.sessions.connections import Database
from core.sessions.stack import endpoint_database
from servers import binaries, paths, ports
from servers.errors import ServerError
from servers.pgbouncer import DdlRoute, PgBouncerServer, Route, write_routes
from tests.support.absence import absent
from tests.support.contracts import make_service
from tests.support.folders import own_folder

CONSOLE = Login(name="console", password=SecretStr("console-password-of-nothing"))

SETTINGS = {
    "pool_mode": "transaction",
    "admin_users": CONSOLE.name,
    "query_wait_timeout": "0",
    "client_login_timeout": "0",
    "server_login_retry": "1",
    "ignore_startup_parameters": "extra_float_digits,options",
    "max_client_conn": "500",
    "default_pool_size": "20",
}


HBA = ("local all all scram-sha-256", "host all all 127.0.0.1/32 scram-sha-256")


@dataclass(frozen=True)
class GatedService:
    """A service with a running gateway."""

    service: Service
    server: PgBouncerServer

    @property
    def endpoint(self) -> Database:
        """What the service's applications connect to."""
        return endpoint_database(self.service)


@contextmanager
def gated_service(
    name: str,
    source: Database,
    target: Database,
    *,
    application: Login,
    service_login: Login,
    owner: str,
    data: Path | None = None,
    version: int = 17,
    crossing: tuple[CrossingRule, ...] = (),
    ddl: Login | None = None,
    settings: Mapping[str, str] | None = None,
    binary: Path | None = None,
    shared: Login | None = None,
    pooling: Pooling = "transaction",
) -> Iterator[GatedService]:
    """Start a gateway for the service `name` and yield it with the service; both end with the context."""
    try:
        binary = binary or binaries.pgbouncer()
    except ServerError as error:
        absent(str(error))
    folder = own_folder()
    own = folder / name
    paths.make_private(own)
    server = PgBouncerServer(binary, own, ports.free_port(), paths.socket_dir(own))
    server.configure(
        {**SETTINGS, **(settings or {})},
        {
            login.name: login.password.get_secret_value()
            for login in (CONSOLE, service_login, *([shared] if shared else []), *_ddl_logins(ddl, source))
        },
        HBA,
    )
    end = source.endpoint
    write_routes(
        server.routes,
        Route(
            database=target.endpoint.database,
            leads_to="source",
            host=end.address or end.host,
            port=end.port,
            dbname=end.database,
            user=(shared or application).name,
            password=None if shared else application.password.get_secret_value(),
            schemas=() if shared else (f"{name}_schema", "public"),
            ddl=None
            if ddl is None
            else DdlRoute(
                ddl_database(target.endpoint.database), server_wide(ddl.name, source.endpoint.database)
            ),
        ),
    )
    server.start()
    control = LocalGatewayControl(
        sockets=str(server.sockets),
        port=server.port,
        administrator=CONSOLE,
        routes=str(server.routes),
        service_userlist=str(server.users),
    )
    endpoint = Endpoint(
        host="localhost",
        address=server.address,
        port=server.port,
        database=target.endpoint.database,
        sslmode="disable",
    )
    service = make_service(
        name, target.endpoint, target.login, data=data, control=control,
        endpoint=endpoint, service_login=service_login, owner=owner, version=version, crossing=crossing,
    )  # fmt: skip
    service = service.model_copy(update={"ddl": ddl, "shared": shared, "pooling": pooling})
    try:
        yield GatedService(service, server)
    finally:
        server.stop(timeout=0.2)
        shutil.rmtree(folder, ignore_errors=True)


def as_the_stack_does(
    binary: Path, pooling: Pooling = "transaction", *, by_session: Sequence[str] = ()
) -> Mapping[str, str]:
    """Settings of a gateway whose service has a login of its own on the shared database."""
    from components.platforms import pgbouncer

    version = binaries.pgbouncer_version(binary)
    return pgbouncer.settings(version, pooling, clean=True, by_session=by_session)


def make_shared_login(source: Database, name: str, application: Login) -> Login:
    """A service's own login on the shared database, made as the stack makes it."""
    from components.service.shared_login import make_login

    login, props = shared_login_props(source, name, application)
    make_login(props)
    return login


def shared_login_props(source: Database, name: str, application: Login) -> tuple[Login, dict[str, Any]]:
    """The login, and what the stack makes it from."""
    login = Login(
        name=f"{name}_shared_{source.endpoint.database}", password=SecretStr("shared-password-of-nothing")
    )
    end = source.endpoint
    return login, {
        "host": end.host, "address": end.address, "port": end.port, "sslmode": end.sslmode,
        "sslrootcert": end.sslrootcert, "administrator": source.login.name,
        "password": source.login.password.get_secret_value(), "database": end.database,
        "role": login.name, "role_password": login.password.get_secret_value(),
        "application": application.name, "search_path": [f"{name}_schema", "public"], "mark": "a test's",
        "settings": {"application_name": name},
    }  # fmt: skip


def drop_login(source: Database, login: Login) -> None:
    """Remove what `make_shared_login` made."""
    with source.connect() as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(login.name)))


def _ddl_logins(ddl: Login | None, source: Database) -> list[Login]:
    if ddl is None:
        return []
    return [ddl, ddl.model_copy(update={"name": server_wide(ddl.name, source.endpoint.database)})]


def ensure_login(database: Database, login: Login) -> None:
    """Make a role that can log in, unless the server has it; roles are the whole server's."""
    with database.connect() as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (login.name,)).fetchone()
        verb = sql.SQL("ALTER" if known else "CREATE")
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                verb, sql.Identifier(login.name), sql.Literal(login.password.get_secret_value())
            )
        )
