"""A gateway of one database whose logins change by turns, as `pulumi up` changes them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import sql
from pydantic import SecretStr
from tenacity import Retrying, stop_after_delay, wait_fixed

from components.contract import Endpoint, Login
from components.platforms.local import gateway as local
from components.service.turns import Turns
from core.sessions.connections import Database
from servers import paths, pgbouncer, ports
from servers.pgbouncer import PgBouncerServer
from tests.support.folders import own_folder
from tests.support.team import Client


@dataclass
class Turned:
    """The gateway, its database, and the two logins, of which the second acts as the first."""

    server: PgBouncerServer
    database: Database
    names: tuple[str, str]
    logins: list[Login] = field(default_factory=list)

    @property
    def endpoint(self) -> Endpoint:
        """Where clients connect."""
        return Endpoint(
            host="localhost", address="127.0.0.1", port=self.server.port, database="d", sslmode="disable"
        )

    def turn(self, turns: Turns) -> Login:
        """Bring these turns into force; the login that is current then."""
        self.logins = [
            Login(name=name, password=SecretStr(f"of {name} {turns.password(which)}"))
            for which, name in enumerate(self.names)
        ]
        current = self.logins[turns.current]
        if turns.changing or not turns.has_second:
            self._alter(current.name, sql.SQL("LOGIN PASSWORD {}"), current.password.get_secret_value())
        self._bring(turns)
        if not turns.changing and turns.has_second:
            self._alter(self.names[1 - turns.current], sql.SQL("NOLOGIN"))
        return current

    def _alter(self, role: str, change: sql.SQL, *values: str) -> None:
        with self.database.connect() as connection:
            connection.execute(
                sql.SQL("ALTER ROLE {} {}").format(
                    sql.Identifier(role), change.format(*map(sql.Literal, values))
                )
            )

    def _bring(self, turns: Turns) -> None:
        current, other = self.logins[turns.current], self.logins[1 - turns.current]
        others = [{"role": other.name, "password": other.password.get_secret_value(), "ddl": False}]
        props: dict[str, Any] = {
            "database": "d",
            "service_role": current.name,
            "ddl_role": "nobody",
            "ddl_password": "of nobody",
            "service_password": current.password.get_secret_value(),
            "source_password": "of nobody",
            "administrator_password": "of the console",
            "others": others if turns.changing else [],
            "source": {"host": "127.0.0.1", "port": 1, "database": "nowhere", "role": "nobody"},
        }
        settings = {
            "admin_users": local.ADMINISTRATOR,
            "pool_mode": "transaction",
            "server_reset_query_always": "1",
            "server_reset_query": "RESET ALL",
            "server_login_retry": local.SETTINGS["server_login_retry"],
        }
        lines = [
            f'host "{name}" "{role}" 127.0.0.1/32 scram-sha-256'
            for name, role in local.admitted_logins(props)
        ]
        self.server.configure(settings, local.users(props), [*lines, "host all all 0.0.0.0/0 reject"])
        if pgbouncer.read_routes(self.server.routes) is None:
            end = self.database.endpoint
            there = pgbouncer.Route("d", "target", end.address or end.host, end.port, end.database)
            pgbouncer.write_routes(self.server.routes, there)
        route = local.route_to_write(self.server.routes, props)
        if route is not None:
            pgbouncer.write_routes(self.server.routes, route)
        if self.server.is_running():
            self.server.reload()
            for attempt in Retrying(stop=stop_after_delay(10), wait=wait_fixed(0.02), reraise=True):
                with attempt:
                    Client(self.endpoint, current, "probe").connect().close()


@contextmanager
def turned_gateway(database: Database, bouncer: Path) -> Iterator[Turned]:
    """One that runs, the first login current; `database` gets the two roles and a table."""
    name = database.endpoint.database
    first, other = f"{name}_service", f"{name}_service_b"
    with database.connect() as connection:
        for role in (first, other):
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        pair = {"first": sql.Identifier(first), "other": sql.Identifier(other)}
        connection.execute(sql.SQL("GRANT {first} TO {other}").format(**pair))
        connection.execute(sql.SQL("ALTER ROLE {other} SET role TO {first}").format(**pair))
        connection.execute("CREATE TABLE notes (id bigserial PRIMARY KEY, word text)")
        connection.execute(sql.SQL("GRANT ALL ON notes, notes_id_seq TO {first}").format(**pair))
    folder = own_folder()
    server = PgBouncerServer(bouncer, folder / "own", ports.free_port(), paths.socket_dir(folder / "own"))
    paths.make_private(server.folder)
    made = Turned(server, database, (first, other))
    try:
        made.turn(Turns())
        server.start()
        yield made
    finally:
        server.stop()
        shutil.rmtree(folder)
        with database.connect() as connection:
            for role in (other, first):
                connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
