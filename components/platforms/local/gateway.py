"""The local platform's gateway: a PgBouncer process at the service's endpoint.

Where it leads is not this provider's to change: the routes file is written when there is none, leading
to the shared database, and then belongs to `python -m migration`. Only a route that still leads to the
shared database follows that database's address and password.
"""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.contract import ddl_database
from components.platforms.pgbouncer import MONITOR
from components.platforms.provider import LocalProvider, require_free_port
from components.replication_roles import server_wide
from servers.errors import ServerError

if TYPE_CHECKING:
    from servers.pgbouncer import PgBouncerServer, Route

ADMINISTRATOR = "gateway_admin"
"""The user of PgBouncer's own console, which listens on the unix socket only."""

SETTINGS: Mapping[str, str] = {
    "admin_users": ADMINISTRATOR,
    "client_tls_sslmode": "require",
    # A client waits this long for a server connection before it fails. A cutover's PAUSE lasts a minute at
    # most, so nobody fails by one; with 0 (for ever) clients of a dead instance would hang instead.
    "query_wait_timeout": "120",
    "client_login_timeout": "120",  # logging in waits for the same PAUSE
    # After a server was down, try again at once rather than after the default of 15 s.
    "server_login_retry": "1",
    "server_connect_timeout": "5",
    "server_lifetime": "3600",
    "server_idle_timeout": "600",
    "log_connections": "1",
    "log_disconnections": "1",
    "log_pooler_errors": "1",
    "stats_period": "60",
    "tcp_keepalive": "1",
    "tcp_keepidle": "60",
}
"""https://www.pgbouncer.org/config.html; what depends on its version: components.platforms.pgbouncer."""

SERVER_TLS: Mapping[str, str] = {
    "disable": "prefer",
    "prefer": "prefer",
    "require": "require",
    "verify-ca": "verify-ca",
    "verify-full": "verify-full",
}
"""PgBouncer's one server_tls_sslmode, for the shared database and the instance, from the sslmode of the
first: the instance insists on TLS (hostssl), so `prefer` is the least that reaches both."""


class GatewayProvider(LocalProvider):
    """Configures, starts, reloads (or restarts where PgBouncer must be), stops."""

    inputs = (
        "folder", "sockets", "binary", "address", "port", "database", "service_role", "service_password",
        "ddl_role", "ddl_password", "others",
        "administrator_password", "source", "source_password", "settings", "certificate", "authority",
        "monitoring_password",
    )  # fmt: skip
    replaced_by = ("folder",)

    def create(self, props: dict[str, Any]) -> CreateResult:
        self._apply(props)
        return CreateResult(Path(props["folder"]).parent.name, self._outputs(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        server = _server(props)
        if not server.configuration.exists():
            return ReadResult(None, {})
        return ReadResult(id_, {**self._outputs(props), "running": server.is_running()})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        require_free_port(_olds, _news)
        self._apply(_news)
        return UpdateResult(self._outputs(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Stops it. The route stays, beside the data that it may lead to: a later `up` finds both."""
        server = _server(_props)
        server.stop(timeout=2)
        for path in server.folder.glob("*"):
            if path != server.routes:
                path.unlink()
        if server.folder.exists() and not any(server.folder.iterdir()):
            shutil.rmtree(server.folder)

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        server = _server(props)
        if not props.get("running") or not server.is_running() or not server.routes.exists():
            return True
        return bool(server.differs(*_contents(props))) or has_route_to_write(server.routes, props)

    def _outputs(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.kept(props), "running": True}

    def _apply(self, props: Mapping[str, Any]) -> None:
        from servers import paths, pgbouncer

        server = _server(props)
        paths.make_private(server.folder)
        bundle = server.folder / "server-ca.crt"
        write_bundle(bundle, Path(props["authority"]), props["source"].get("sslrootcert"))
        changed = server.configure(*_contents(props))
        route = route_to_write(server.routes, props)
        if route is not None:
            pgbouncer.write_routes(server.routes, route)
        if not server.is_running():
            server.start()
        elif pgbouncer.RESTART_SETTINGS.isdisjoint(changed):
            server.reload()
        else:
            server.restart()


class LocalGateway(Resource, module="local", name="Gateway"):
    """A service's PgBouncer process."""

    running: pulumi.Output[bool]
    administrator_password: pulumi.Output[str]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(GatewayProvider(), name, {**props, "running": None}, opts)


def _contents(props: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Settings, users and hba lines that its files hold."""
    bundle = Path(props["folder"]) / "server-ca.crt"
    return {**SETTINGS, **_tls(props, bundle), **props["settings"]}, users(props), hba_lines(props)


def users(props: Mapping[str, Any]) -> dict[str, str]:
    """PgBouncer's auth_file: who logs in to it, and what it logs in with where a route names no password.

    The login on the shared database is there and not in the route: PgBouncer 1.25.0 to 1.25.2 cannot log in
    a second time with a route's (pgbouncer#1432), and hba_lines let nobody in as it.
    """
    found = {
        ADMINISTRATOR: props["administrator_password"],
        props["service_role"]: props["service_password"],
        **ddl_users(props),
        **{one["role"]: one["password"] for one in props.get("others") or ()},
        **({MONITOR: props["monitoring_password"]} if props.get("monitoring_password") else {}),
    }
    if "schema" not in props["source"]:
        found[props["source"]["role"]] = props["source_password"]
    return found


def hba_lines(props: Mapping[str, Any]) -> list[str]:
    """PgBouncer's auth_hba_file: the console on the socket, the service's role over TLS, nobody else."""
    return [
        *console_lines(props),
        *(
            f'hostssl "{database}" "{role}" {props["address"]}/32 scram-sha-256'
            for database, role in admitted_logins(props)
        ),
        "local all all reject",
        "host all all 0.0.0.0/0 reject",
    ]


def console_lines(props: Mapping[str, Any]) -> list[str]:
    """Of auth_hba_file: who may open PgBouncer's console, on its socket."""
    watching = [MONITOR] if props.get("monitoring_password") else []
    return [f'local pgbouncer "{name}" scram-sha-256' for name in (ADMINISTRATOR, *watching)]


def admitted_logins(props: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Who may log in to which database of a gateway: the service, and its schema migrations; while a rotation
    goes on, either by two logins."""
    return [
        (props["database"], props["service_role"]),
        (ddl_database(props["database"]), props["ddl_role"]),
        *(
            (ddl_database(props["database"]) if one["ddl"] else props["database"], one["role"])
            for one in props.get("others") or ()
        ),
    ]


def ddl_users(props: Mapping[str, Any]) -> dict[str, str]:
    """The login of schema migrations, as it is called in the service's own database and in the shared one."""
    role, password = str(props["ddl_role"]), str(props["ddl_password"])
    return {role: password, server_wide(role, props["source"]["database"]): password}


def _tls(props: Mapping[str, Any], bundle: Path) -> dict[str, str]:
    tls = Path(props["folder"]).parent / "tls"
    return {
        "client_tls_cert_file": str(tls / "server.crt"),
        "client_tls_key_file": str(tls / "server.key"),
        "server_tls_sslmode": SERVER_TLS[props["source"]["sslmode"]],
        "server_tls_ca_file": str(bundle),
    }


def write_bundle(path: Path, authority: Path, source_authority: str | None) -> None:
    """Whom the gateway trusts as a server: the stack's CA, and the shared database's (or the system's)."""
    from servers.osuser import write_private

    other = source_authority or ssl.get_default_verify_paths().cafile
    try:
        parts = [authority.read_text(), Path(other).read_text() if other else ""]
    except OSError as error:
        raise ServerError(
            f"cannot be read ({error.strerror})",
            where=str(error.filename),
            to_do="correct source.sslrootcert in the stack's settings",
        ) from error
    write_private(path, "\n".join(parts))


def route_to_write(path: Path, props: Mapping[str, Any]) -> Route | None:
    """What `pulumi up` has to write into the routes file at `path`; None: nothing.

    Where it leads is `migration`'s once the file exists; a route to the shared database is kept current,
    and one to the service's own is only given its logins there: a rotation changes them.
    """
    from servers.pgbouncer import DdlRoute, read_routes

    existing, wanted = read_routes(path), route_to_source(props)
    if existing is None or (existing.leads_to == "source" and existing != wanted):
        return wanted
    own = DdlRoute(ddl_database(props["database"]), props["ddl_role"])
    there = replace(existing, ddl=own, user=props["service_role"])
    if existing.leads_to == "target" and existing != there:
        return there
    return None


def has_route_to_write(path: Path, props: Mapping[str, Any]) -> bool:
    """Whether there is one, or none that can be read, which writing it will say."""
    try:
        return route_to_write(path, props) is not None
    except ServerError:
        return True


def route_to_source(props: Mapping[str, Any]) -> Route:
    """Where the gateway leads until the service has moved."""
    from servers.pgbouncer import DdlRoute, Route

    source = props["source"]
    return Route(
        database=props["database"],
        leads_to="source",
        host=source["host"],
        port=int(source["port"]),
        dbname=source["database"],
        user=source["role"],
        password=props["source_password"] if "schema" in source else None,
        schemas=(source["schema"], "public") if "schema" in source else (),
        ddl=DdlRoute(ddl_database(props["database"]), server_wide(props["ddl_role"], source["database"])),
    )


def _server(props: Mapping[str, Any]) -> PgBouncerServer:
    from servers.pgbouncer import PgBouncerServer

    return PgBouncerServer(
        binary=Path(props["binary"]),
        folder=Path(props["folder"]),
        port=int(props["port"]),
        sockets=Path(props["sockets"]),
        address=props["address"],
    )
