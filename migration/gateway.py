"""A service's gateway: make its clients wait, lead them elsewhere, let them go on.

The gateway is a PgBouncer with one database at the service's stable endpoint. What it does is read
back from its console after every command; the routes file says what it will do after a restart, so
the file is written first. A gateway that was killed and started again is not paused: callers that
need it paused ask `is_paused()` right before they rely on it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from psycopg import sql

from components.contract import Endpoint, Service, Source
from migration.console import Console, Row
from migration.errors import GatewayFailed, StepTimeout
from servers import pgbouncer_routes
from servers.errors import ServerError
from servers.pgbouncer_routes import read_routes, stage_routes, write_routes

Route = Literal["source", "target"]

RELOAD_SECONDS = 5.0
POLL_SECONDS = 0.001


@dataclass(frozen=True)
class GatewayClient:
    """One client connection of the gateway. `state` is PgBouncer's: `active`, `waiting`, `idle`..."""

    address: str
    application: str
    state: str


class Gateway:
    """Steers one service's gateway. Holds no connection between calls, but inside `connected`."""

    def __init__(self, service: Service, source: Source) -> None:
        self.label = f"the gateway of {service.name}"
        self._control = service.gateway_control
        self._database = service.endpoint.database
        self._service = service
        self._source = source
        self._kept: Console | None = None
        self._staged: tuple[Route, Path] | None = None

    def pause(self, timeout: float) -> float:
        """Let running transactions end and make all others wait; returns the seconds that took.

        When it returns, no server connection of the gateway is left. When a transaction stays open
        for `timeout` seconds, the gateway is resumed and StepTimeout names the clients.

        Raises StepTimeout, GatewayFailed.
        """
        begun = time.monotonic()
        if not self.is_paused():
            try:
                with self._console() as console:
                    console.command(self._statement("PAUSE"), timeout)
            except StepTimeout:
                busy = self._busy_clients()
                self.resume()
                raise StepTimeout(
                    f"{self.label} could not pause in {timeout:g} s, {busy}; "
                    "nothing was changed; end that transaction or run it again later"
                ) from None
        self._wait_for_servers_gone(begun + timeout)
        return time.monotonic() - begun

    def resume(self) -> None:
        """Let the clients go on. Does nothing when the gateway is not paused. Raises GatewayFailed."""
        with self._console() as console:
            if self._entry(console)["paused"] == "0":
                return
            # A client that logs in during a pause makes PgBouncer begin a server connection, which the
            # pause then cuts; that counts as a failed one (its pull request 420), and all clients would
            # wait server_login_retry, 15 s by default, after RESUME.
            retry = {row["key"]: row["value"] for row in console.show("config")}["server_login_retry"]
            console.command(sql.SQL("SET server_login_retry = {}").format(sql.Literal("0")))
            console.command(self._statement("RESUME"))
            console.show("databases")
            console.command(sql.SQL("SET server_login_retry = {}").format(sql.Literal(retry)))

    def hold(self) -> None:
        """Let clients wait however long a pause lasts, until `release` (or a restart).

        By itself PgBouncer ends a client that has waited query_wait_timeout (120 s by default) for its
        statement, or client_login_timeout for its login. Raises GatewayFailed.
        """
        with self._console() as console:
            console.command(sql.SQL("SET query_wait_timeout = '0'"))
            console.command(sql.SQL("SET client_login_timeout = '0'"))

    def release(self) -> None:
        """Undo `hold`: the settings are the configuration file's again. Raises GatewayFailed."""
        with self._console() as console:
            console.command(sql.SQL("RELOAD"))

    def is_paused(self) -> bool:
        """Whether clients wait now. Raises GatewayFailed."""
        with self._console() as console:
            return self._entry(console)["paused"] != "0"

    def prepare(self, to: Route) -> None:
        """Write ahead of a pause what `repoint` will put in force, so that no disk is waited for in it."""
        self._staged = to, stage_routes(Path(self._control.routes), self._routes_entry(to))

    def repoint(self, to: Route) -> None:
        """Lead new server connections to the shared database or to the service's own.

        The routes file is replaced, then read by PgBouncer, then what is in force is compared.
        Raises GatewayFailed.
        """
        self._replace_routes(to)
        deadline = time.monotonic() + RELOAD_SECONDS
        with self._console() as console:
            console.command(sql.SQL("RELOAD"))
            while self._route_of(self._entry(console)) != to:
                if time.monotonic() > deadline:
                    raise GatewayFailed(
                        f"{self.label} still leads elsewhere {RELOAD_SECONDS:g} s after RELOAD; see its log"
                    )
                time.sleep(POLL_SECONDS)

    def route(self) -> Route:
        """Where it leads now, as PgBouncer itself says. Raises GatewayFailed when that is neither side."""
        with self._console() as console:
            entry = self._entry(console)
        route = self._route_of(entry)
        if route is None:
            raise GatewayFailed(
                f"{self.label} leads to {entry['host']}:{entry['port']}/{entry['database']}, neither the "
                "shared database nor the service's own; check its routes file, or run `pulumi up`"
            )
        return route

    def settle(self) -> None:
        """Note in the routes file that it leads to the service's own database for good; it goes on as it did.

        Raises GatewayFailed when it does not lead there.
        """
        path, route = Path(self._control.routes), self._written()
        if route is None or route.leads_to != "target":
            raise GatewayFailed(f"{path} does not lead {self._service.name} to its own database")
        if not route.for_good:
            write_routes(path, replace(route, for_good=True))

    def clients(self) -> list[GatewayClient]:
        """The clients connected now, without our own console sessions. Raises GatewayFailed."""
        with self._console() as console:
            return [
                GatewayClient(f"{row['addr']}:{row['port']}", row.get("application_name", ""), row["state"])
                for row in console.show("clients")
                if row["database"] == self._database
            ]

    def settings(self) -> Mapping[str, str]:
        """PgBouncer's settings in force, by name (`SHOW CONFIG`). Raises GatewayFailed."""
        with self._console() as console:
            return {row["key"]: row["value"] for row in console.show("config")}

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Keep one session with the console for all calls inside: inside a pause each login counts.

        A session that failed is given up; later calls make their own. Raises GatewayFailed.
        """
        with Console(self._control, self.label) as console:
            self._kept = console
            try:
                yield
            finally:
                self._kept = None

    @contextmanager
    def _console(self) -> Iterator[Console]:
        if self._kept is None:
            with Console(self._control, self.label) as console:
                yield console
            return
        try:
            yield self._kept
        except (GatewayFailed, StepTimeout):
            self._kept = None
            raise

    def _replace_routes(self, to: Route) -> None:
        path, staged, self._staged = Path(self._control.routes), self._staged, None
        if staged is not None and staged[0] == to:
            try:
                staged[1].replace(path)
            except FileNotFoundError:
                pass  # taken meanwhile, by another switch of ours or a person: write it anew
            else:
                return
        write_routes(path, self._routes_entry(to))

    def _statement(self, command: Literal["PAUSE", "RESUME"]) -> sql.Composed:
        return sql.SQL(command) + sql.SQL(" ") + sql.Identifier(self._database)

    def _entry(self, console: Console) -> Row:
        for row in console.show("databases"):
            if row["name"] == self._database:
                return row
        raise GatewayFailed(f"{self.label} serves no database {self._database}; run `pulumi up`")

    def _wait_for_servers_gone(self, deadline: float) -> None:
        with self._console() as console:
            while any(row["database"] == self._database for row in console.show("servers")):
                if time.monotonic() > deadline:
                    self.resume()
                    raise StepTimeout(
                        f"{self.label} kept a server session after PAUSE; nothing was changed: run it again"
                    )
                time.sleep(POLL_SECONDS)

    def _busy_clients(self) -> str:
        busy = [
            f"{c.application or 'a client'} at {c.address}" for c in self.clients() if c.state == "active"
        ]
        return f"{len(busy)} in a transaction ({', '.join(busy[:3])})" if busy else "no client is to blame"

    def _endpoint(self, route: Route) -> Endpoint:
        return self._source.endpoint if route == "source" else self._service.instance

    def _route_of(self, entry: Row) -> Route | None:
        routes: tuple[Route, Route] = ("source", "target")
        for route in routes:
            end = self._endpoint(route)
            there = (entry["port"], entry["database"]) == (str(end.port), end.database)
            if there and entry["host"] in {end.host, end.address}:
                return route
        return None

    def _written(self) -> pgbouncer_routes.Route | None:
        """What the routes file says; None where it is not there, or not of our making."""
        with suppress(ServerError):
            return read_routes(Path(self._control.routes))
        return None

    def _routes_entry(self, to: Route) -> pgbouncer_routes.Route:
        end = self._endpoint(to)
        shared, written = to == "source", self._written()
        login = self._source.application if shared else self._service.service
        # PgBouncer 1.18 keeps the forced user of a route that names none, so a route always names one.
        # Without a password it is looked up in the auth_file: a rotation leaves routes alone.
        return pgbouncer_routes.Route(
            database=self._database,
            leads_to=to,
            host=end.address or end.host,
            port=end.port,
            dbname=end.database,
            user=login.name,
            password=login.password.get_secret_value() if shared else None,
            schemas=(self._service.schema_name, "public") if shared else self._service.own_search_path,
            for_good=not shared and written is not None and written.for_good,
        )
