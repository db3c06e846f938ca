"""The local platform's gateway: a PgBouncer process at the service's endpoint.

Where it leads is not this provider's to change: the routes file is written when there is none, leading
to the shared database, and then belongs to `python -m migration`. Only a route that still leads to the
shared database follows that database's address and password.
"""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.platforms.local_provider import LocalProvider, require_free_port
from servers.errors import ServerError

if TYPE_CHECKING:
    from servers.pgbouncer import PgBouncerServer, Route

ADMINISTRATOR = "gateway_admin"
"""The user of PgBouncer's own console, which listens on the unix socket only."""

SETTINGS: Mapping[str, str] = {
    "pool_mode": "transaction",  # PAUSE must be able to finish
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
    "server_reset_query": "DISCARD ALL",  # unused by transaction pooling; said for whoever changes pool_mode
    # What drivers send at login and PgBouncer cannot track; search_path is the route's to set.
    "ignore_startup_parameters": "extra_float_digits,options,search_path",
    "log_connections": "1",
    "log_disconnections": "1",
    "log_pooler_errors": "1",
    "stats_period": "60",
    "tcp_keepalive": "1",
    "tcp_keepidle": "60",
}
"""https://www.pgbouncer.org/config.html"""

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
        "administrator_password", "source", "source_password", "settings", "certificate", "authority",
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
        return not props.get("running") or not server.is_running() or not server.routes.exists()

    def _outputs(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.kept(props), "running": True}

    def _apply(self, props: Mapping[str, Any]) -> None:
        from servers import paths, pgbouncer

        server = _server(props)
        paths.make_private(server.folder)
        bundle = server.folder / "server-ca.crt"
        write_bundle(bundle, Path(props["authority"]), props["source"].get("sslrootcert"))
        changed = server.configure(
            {**SETTINGS, **_tls(props, bundle), **props["settings"]},
            {
                ADMINISTRATOR: props["administrator_password"],
                props["service_role"]: props["service_password"],
            },
            hba_lines(props),
        )
        existing, wanted = pgbouncer.read_routes(server.routes), route_to_source(props)
        if existing is None or (existing.leads_to == "source" and existing != wanted):
            pgbouncer.write_routes(server.routes, wanted)
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


def hba_lines(props: Mapping[str, Any]) -> list[str]:
    """PgBouncer's auth_hba_file: the console on the socket, the service's role over TLS, nobody else."""
    return [
        f'local pgbouncer "{ADMINISTRATOR}" scram-sha-256',
        f'hostssl "{props["database"]}" "{props["service_role"]}" {props["address"]}/32 scram-sha-256',
        "local all all reject",
        "host all all 0.0.0.0/0 reject",
    ]


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


def route_to_source(props: Mapping[str, Any]) -> Route:
    """Where the gateway leads until the service has moved."""
    from servers.pgbouncer import Route

    source = props["source"]
    return Route(
        database=props["database"],
        leads_to="source",
        host=source["host"],
        port=int(source["port"]),
        dbname=source["database"],
        user=source["role"],
        password=props["source_password"],
        schemas=(source["schema"], "public"),
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
