"""A gateway's files, before its container, and what brings them into force, after it.

The files are where the local platform has them too, and are mounted at the same path, so that `migration`
steers this PgBouncer as it steers a process: by the routes file and the console's unix socket.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.platforms.docker.provider import ContainerProvider
from components.platforms.local.gateway import (
    SERVER_TLS,
    SETTINGS,
    admitted_logins,
    console_lines,
    has_route_to_write,
    users,
)
from components.platforms.provider import LocalProvider
from servers.errors import ServerError

if TYPE_CHECKING:
    from servers.pgbouncer import PgBouncerServer

READY_SECONDS = 60.0


class GatewayFilesProvider(LocalProvider):
    """Writes PgBouncer's files; the routes file only when there is none, or while it leads to the source."""

    inputs = (
        "folder", "sockets", "port", "database", "service_role", "service_password",
        "ddl_role", "ddl_password", "others", "administrator_password",
        "source", "source_password", "settings", "certificate", "authority", "admitted",
        "monitoring_password",
    )  # fmt: skip
    replaced_by = ("folder",)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(Path(props["folder"]).parent.name, self._apply(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        there = _server(props).configuration.exists()
        return ReadResult(id_, self._outputs(props)) if there else ReadResult(None, {})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._apply(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """The route stays, beside the data that it may lead to: a later `up` finds both."""
        server = _server(_props)
        for path in server.folder.glob("*"):
            if path != server.routes:
                path.unlink()
        if not _props.get("keep_route", True):
            server.routes.unlink(missing_ok=True)
        if server.folder.exists() and not any(server.folder.iterdir()):
            server.folder.rmdir()

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        server = _server(props)
        if not server.configuration.exists() or not server.routes.exists():
            return True
        return bool(server.differs(*_contents(props))) or has_route_to_write(server.routes, props)

    def _outputs(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.kept(props), "keep_route": props.get("keep_route", True)}

    def _apply(self, props: Mapping[str, Any]) -> dict[str, Any]:
        from components.platforms.local.gateway import route_to_write, write_bundle
        from servers import paths, pgbouncer

        server = _server(props)
        paths.make_private(server.folder)
        paths.make_private(server.sockets)
        bundle = server.folder / "server-ca.crt"
        write_bundle(bundle, Path(props["authority"]), props["source"].get("sslrootcert"))
        server.configure(*_contents(props))
        route = route_to_write(server.routes, props)
        if route is not None:
            pgbouncer.write_routes(server.routes, route)
        return self._outputs(props)


def _contents(props: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Settings, users and hba lines that its files hold."""
    folder = Path(props["folder"])
    bundle, tls = folder / "server-ca.crt", folder.parent / "tls"
    settings = {
        **SETTINGS,
        # The container's standard streams are its log, which Docker keeps as JSON.
        "logfile": "",
        "pidfile": "",
        "client_tls_cert_file": str(tls / "server.crt"),
        "client_tls_key_file": str(tls / "server.key"),
        # No client shows a certificate, but PgBouncer 1.18 does not start without a CA to check it by, and
        # not every image has the system's.
        "client_tls_ca_file": str(bundle),
        "server_tls_sslmode": SERVER_TLS[props["source"]["sslmode"]],
        "server_tls_ca_file": str(bundle),
        **props["settings"],
    }
    return settings, users(props), hba_lines(props)


class GatewayFiles(Resource, module="docker", name="GatewayFiles"):
    """The files of a gateway's container."""

    administrator_password: pulumi.Output[str]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(GatewayFilesProvider(), name, props, opts)


class GatewayProvider(ContainerProvider):
    """Waits until the gateway answers; has it read its files again when they have changed."""

    inputs = ("container", "socket", "sockets", "port", "digest", "processes")

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(props["container"], self._serving(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._serving(_news))

    def _serving(self, props: Mapping[str, Any]) -> dict[str, Any]:
        from servers.docker_engine import Engine

        engine = Engine(props["socket"])
        # One that gave up an hour ago over its files may do better with today's.
        engine.start(props["container"])
        _wait(props)
        engine.limit_processes(props["container"], int(props["processes"]))
        engine.signal(props["container"], "SIGHUP")
        return {**self.kept(props), "running": True}


class DockerGateway(Resource, module="docker", name="Gateway"):
    """A service's PgBouncer, once it answers."""

    running: pulumi.Output[bool]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(GatewayProvider(), name, {**props, "running": None}, opts)


def hba_lines(props: Mapping[str, Any]) -> list[str]:
    """auth_hba_file: the console on the socket; the service's role over TLS, from the network that its
    applications join and from the host's address in the inner one; nobody else."""
    return [
        *console_lines(props),
        *(
            f'hostssl "{database}" "{role}" {address} scram-sha-256'
            for database, role in admitted_logins(props)
            for address in props["admitted"]
        ),
        "local all all reject",
        "host all all 0.0.0.0/0 reject",
    ]


def _wait(props: Mapping[str, Any]) -> None:
    from servers.docker_engine import Engine

    engine, deadline = Engine(props["socket"]), time.monotonic() + READY_SECONDS
    socket = Path(props["sockets"]) / f".s.PGSQL.{int(props['port'])}"
    while True:
        if engine.runs(props["container"]) and socket.exists():
            return
        if time.monotonic() > deadline or engine.container(props["container"]) is None:
            said = [
                line for line in engine.said(props["container"]) if " FATAL " in line or " ERROR " in line
            ]
            raise ServerError(
                f"does not serve ({(said or ['it said nothing'])[-1]})",
                where=f"container {props['container']}",
                to_do=f"see `docker logs {props['container']}`, then run it again",
            )
        time.sleep(0.1)


def _server(props: Mapping[str, Any]) -> PgBouncerServer:
    from servers.pgbouncer import PgBouncerServer

    return PgBouncerServer(
        binary=Path("pgbouncer"),
        folder=Path(props["folder"]),
        port=int(props["port"]),
        sockets=Path(props["sockets"]),
        address="*",
    )
