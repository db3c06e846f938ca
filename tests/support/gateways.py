"""A service as the stack would leave it: a gateway at its endpoint, leading to the shared database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql
from pydantic import SecretStr

from components.contract import CrossingRule, Endpoint, LocalGatewayControl, Login, Service
from migration.connections import Database
from servers import binaries, paths, ports
from servers.errors import ServerError
from servers.pgbouncer import PgBouncerServer, Route, write_routes
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
    "max_client_conn": "200",
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
        return Database(
            f"{self.service.name}'s endpoint", "target", self.service.endpoint, self.service.service
        )


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
    settings: Mapping[str, str] | None = None,
) -> Iterator[GatedService]:
    """Start a gateway for the service `name` and yield it with the service; both end with the context."""
    try:
        binary = binaries.pgbouncer()
    except ServerError as error:
        absent(str(error))
    folder = own_folder()
    own = folder / name
    paths.make_private(own)
    server = PgBouncerServer(binary, own, ports.free_port(), paths.socket_dir(own))
    server.configure(
        {**SETTINGS, **(settings or {})},
        {login.name: login.password.get_secret_value() for login in (CONSOLE, service_login)},
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
            user=application.name,
            password=application.password.get_secret_value(),
            schemas=(f"{name}_schema", "public"),
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
    try:
        yield GatedService(service, server)
    finally:
        server.stop(timeout=0.2)
        shutil.rmtree(folder, ignore_errors=True)


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
