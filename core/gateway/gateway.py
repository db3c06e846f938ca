"""A service's gateway: make its clients wait, lead them elsewhere, let them go on.

The gateway is a PgBouncer with one database at the service's stable endpoint (on Kubernetes one in each of
its pods, and `pods` in place of the routes file). What it does is read
back from its console after every command; the routes file says what it will do after a restart, so
the file is written first. A gateway that was killed and started again is not paused: callers that
need it paused ask `is_paused()` right before they rely on it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from psycopg import sql

from components.contract import Endpoint, Service, Source
from components.replication_roles import server_wide
from core.errors import GatewayFailed, StepTimeout
from core.gateway import logins
from core.gateway.console import Console, Row
from core.gateway.pods import ROUTE, SETTLED, PodRoutes, places
from core.gateway.sessions import ending_sessions
from core.sessions.connections import Database
from servers import pgbouncer_routes
from servers.errors import ServerError
from servers.pgbouncer_routes import DdlRoute, read_routes, stage_routes, write_routes

Route = Literal["source", "target"]

RELOAD_SECONDS = 5.0
POLL_SECONDS = 0.001


@dataclass(frozen=True)
class GatewayClient:
    """One client connection of the gateway. `state` is PgBouncer's: `active`, `waiting`, `idle`..."""

    address: str
    application: str
    state: str
    in_transaction: bool = False
    """Whether it has a server connection now; where the gateway pools by session, it always has."""


class Gateway:
    """Steers one service's gateway. Holds no connection between calls, but inside `connected`."""

    def __init__(self, service: Service, source: Source) -> None:
        self.label = f"the gateway of {service.name}"
        self._control = service.gateway_control
        pods = self._control.pods
        self._pods = None if pods is None else PodRoutes(pods, self.label)
        self._database = service.endpoint.database
        self._ddl_database = service.ddl_database
        self._service = service
        self._source = source
        self._kept: Console | None = None
        self._staged: tuple[Route, Path] | None = None

    def pause(self, timeout: float) -> float:
        """Let running transactions end and make all others wait; returns the seconds that took.

        When it returns, no server connection of the gateway is left. When a transaction stays open
        for `timeout` seconds, the gateway is resumed and StepTimeout names the clients. Where it pools by
        session, its sessions are ended between their transactions, and their clients lose them.

        Raises StepTimeout, GatewayFailed.
        """
        begun = time.monotonic()
        self._hold_ddl(timeout)
        if not self.is_paused():
            try:
                with self._ending_sessions(begun + timeout), self._console() as console:
                    going_on = self._with(self._entries(console), paused=False)
                    logins.wait_for_none(lambda: logins.under_way(console.show("pools"), self._database))
                    console.command(self._statement("PAUSE", self._database), timeout, going_on)
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
            self._let_ddl_go_on(console)
            paused = self._with(self._entries(console), paused=True)
            if not paused:
                return
            # A client that logs in during a pause makes PgBouncer begin a server connection, which the
            # pause then cuts; that counts as a failed one (its pull request 420), and all clients would
            # wait server_login_retry, 15 s by default, after RESUME.
            retry = {row["key"]: row["value"] for row in console.show("config")}["server_login_retry"]
            console.command(sql.SQL("SET server_login_retry = {}").format(sql.Literal("0")))
            console.command(self._statement("RESUME", self._database), only=paused)
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
        """Whether clients wait now, at every pod that there is by now. Raises GatewayFailed."""
        with self._console() as console:
            if not self._with(self._entries(console), paused=False):
                return self._pods is None or places(self._control, self.label).keys() <= console.names
            return False

    def prepare(self, to: Route) -> None:
        """Write ahead of a pause what `repoint` will put in force, so that no disk is waited for in it."""
        if self._pods is not None:
            self._pods.read()  # the client is made, and its connection
            return
        self._staged = to, stage_routes(Path(self._control.routes), self._routes_entry(to))

    def repoint(self, to: Route) -> None:
        """Lead new server connections to the shared database or to the service's own.

        The routes file is replaced, then read by PgBouncer, then what is in force is compared.
        Raises GatewayFailed.
        """
        self._replace_routes(to)
        deadline = time.monotonic() + RELOAD_SECONDS
        with self._console() as console:
            if self._pods is not None:
                console.command(self._pods.configuration(to))
            console.command(sql.SQL("RELOAD"))
            while {self._route_of(entry) for entry in self._entries(console)} != {to}:
                if time.monotonic() > deadline:
                    raise GatewayFailed(
                        f"{self.label} still leads elsewhere {RELOAD_SECONDS:g} s after RELOAD; see its log"
                    )
                time.sleep(POLL_SECONDS)
        if self._pods is not None:
            self._pods.bring_mounts_up_to_date()

    def route(self) -> Route:
        """Where it leads now, as PgBouncer itself says. Raises GatewayFailed when that is neither side."""
        with self._console() as console:
            entries = self._entries(console)
        entry, routes = entries[0], {self._route_of(one) for one in entries}
        if len(routes) > 1:
            raise GatewayFailed(
                f"{self.label} leads to both sides, pod by pod; `python -m migration resume` settles it"
            )
        (route,) = routes
        if route is None:
            raise GatewayFailed(
                f"{self.label} leads to {entry['host']}:{entry['port']}/{entry['database']}, neither the "
                "shared database nor the service's own; check its routes file, or run `pulumi up`"
            )
        return route

    def is_at(self, route: Route) -> bool:
        """Whether it leads there; of pods all, and those that are still to come. Raises GatewayFailed."""
        if self._pods is None:
            return self.route() == route
        with self._console() as console:
            now = {self._route_of(entry) for entry in self._entries(console)}
        return now == {route} and self._pods.read().get(ROUTE) == route

    def settle(self) -> None:
        """Note in the routes file that it leads to the service's own database for good; it goes on as it did.

        Raises GatewayFailed when it does not lead there.
        """
        if self._pods is not None:
            if self._pods.read().get(ROUTE) != "target":
                raise GatewayFailed(f"{self.label} does not begin at the service's own database")
            self._pods.write(**{SETTLED: "for good"})
            return
        path, route = Path(self._control.routes), self._written()
        if route is None or route.leads_to != "target":
            raise GatewayFailed(f"{path} does not lead {self._service.name} to its own database")
        if not route.for_good:
            write_routes(path, replace(route, for_good=True))

    def clients(self) -> list[GatewayClient]:
        """The clients connected now, without our own console sessions. Raises GatewayFailed."""
        return self._clients_of(self._database)

    def _ddl_clients(self) -> list[GatewayClient]:
        return [client for client in self._clients_of(self._ddl_database) if client.state == "active"]

    def _clients_of(self, database: str) -> list[GatewayClient]:
        with self._console() as console:
            return [
                GatewayClient(
                    f"{row['addr']}:{row['port']}",
                    row.get("application_name", ""),
                    row["state"],
                    in_transaction=bool(row.get("link")),
                )
                for row in console.show("clients")
                if row["database"] == database
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
        if self._pods is not None:
            self._pods.write(**{ROUTE: to})
            return
        path, staged, self._staged = Path(self._control.routes), self._staged, None
        if staged is not None and staged[0] == to:
            try:
                staged[1].replace(path)
            except FileNotFoundError:
                pass  # taken meanwhile, by another switch of ours or a person: write it anew
            else:
                return
        write_routes(path, self._routes_entry(to))

    @staticmethod
    def _statement(command: Literal["PAUSE", "RESUME"], database: str) -> sql.Composed:
        return sql.SQL(command) + sql.SQL(" ") + sql.Identifier(database)

    def _hold_ddl(self, timeout: float) -> None:
        """Let schema migrations under way end, and those that begin wait: ahead of all others' pause.

        Each has a session of its own, which would stay where it is. Raises StepTimeout, GatewayFailed.
        """
        with self._console() as console:
            going_on = self._with(self._ddl_entries(console), paused=False)
            if not going_on:
                return
        try:
            with self._console() as console:
                console.command(self._statement("PAUSE", self._ddl_database), timeout, going_on)
        except StepTimeout:
            named = [f"{c.application or 'a client'} at {c.address}" for c in self._ddl_clients()]
            self.resume()
            raise StepTimeout(
                f"a schema migration at {self.label} ({', '.join(named[:3]) or 'it has ended now'}) did not "
                f"end in {timeout:g} s; nothing was changed: run it again when it has ended"
            ) from None

    def _let_ddl_go_on(self, console: Console) -> None:
        paused = self._with(self._ddl_entries(console), paused=True)
        if paused:
            console.command(self._statement("RESUME", self._ddl_database), only=paused)

    def _ddl_entries(self, console: Console) -> list[Row]:
        """Of every pod; none where it has no way for schema migrations (an older program's stack)."""
        return [row for row in console.show("databases") if row["name"] == self._ddl_database]

    def _entries(self, console: Console) -> list[Row]:
        """Of every pod, or the only one."""
        found = [row for row in console.show("databases") if row["name"] == self._database]
        if len(found) < len(console.names):
            raise GatewayFailed(f"{self.label} serves no database {self._database}; run `pulumi up`")
        return found

    @staticmethod
    def _with(entries: Sequence[Row], *, paused: bool) -> frozenset[str]:
        """The pods whose clients wait, or do not."""
        return frozenset(row.get("pod", "") for row in entries if (row["paused"] != "0") == paused)

    def _wait_for_servers_gone(self, deadline: float) -> None:
        with self._console() as console:
            own = {self._database, self._ddl_database}
            while any(row["database"] in own for row in console.show("servers")):
                if time.monotonic() > deadline:
                    self.resume()
                    raise StepTimeout(
                        f"{self.label} kept a server session after PAUSE; nothing was changed: run it again"
                    )
                time.sleep(POLL_SECONDS)

    @contextmanager
    def _ending_sessions(self, deadline: float) -> Iterator[None]:
        if self._service.pooling != "session":
            yield
            return
        route = self.route()
        login = self._source.administrator if route == "source" else self._service.migration
        where = Database(f"the side that serves {self._service.name}", route, self._endpoint(route), login)
        with ending_sessions(where, self.server_pids, deadline):
            yield

    def server_pids(self) -> list[int]:
        """Processes of the servers that work for the gateway's clients, on the side it leads to."""
        with Console(self._control, self.label) as console:
            return [
                int(row["remote_pid"]) for row in console.show("servers") if row["database"] == self._database
            ]

    def _busy_clients(self) -> str:
        busy = [f"{c.application or 'a client'} at {c.address}" for c in self.clients() if c.in_transaction]
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
        own_login = self._service.shared
        login = (own_login or self._source.application) if shared else self._service.login
        if own_login is not None:
            # Role and search_path come from the login on either side.
            path: tuple[str, ...] = ()
        else:
            path = (self._service.schema_name, "public") if shared else self._service.own_search_path
        # PgBouncer 1.18 keeps the forced user of a route that names none, so a route always names one.
        # Without a password it is looked up in the auth_file: a rotation leaves routes alone.
        return pgbouncer_routes.Route(
            database=self._database,
            leads_to=to,
            host=end.address or end.host,
            port=end.port,
            dbname=end.database,
            user=login.name,
            password=login.password.get_secret_value() if shared and own_login is None else None,
            schemas=path,
            for_good=not shared and written is not None and written.for_good,
            ddl=self._ddl_route(to),
        )

    def _ddl_route(self, to: Route) -> DdlRoute | None:
        login = self._service.ddl
        if login is None:
            return None
        database = self._source.endpoint.database
        user = server_wide(login.name, database) if to == "source" else login.name
        return DdlRoute(self._ddl_database, user)
