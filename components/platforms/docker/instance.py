"""After an instance's container: waits until it serves, brings parameters into force, lets clients go on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_docker as docker
from psycopg import sql
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from components.platforms.docker.provider import ContainerProvider
from components.service.administration import Connection

RELOAD_SECONDS = 10.0


class InstanceProvider(ContainerProvider):
    """What an instance is besides its container."""

    inputs = (
        "container", "socket", "gateway", "gateway_address", "routes", "folder", "name", "address", "port",
        "administrator", "administrator_password", "authority", "configuration", "shape",
        "processes",
    )  # fmt: skip

    def create(self, props: dict[str, Any]) -> CreateResult:
        from components.platforms.docker import rolling
        from servers.docker_engine import Engine

        rolling.wait_until_ready(props)
        Engine(props["socket"]).limit_processes(props["container"], int(props["processes"]))
        _keep_passwords_out_of_the_log(props)
        rolling.release(props)
        return CreateResult(props["container"], self._outputs(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        from components.platforms.docker import rolling
        from servers.docker_engine import Engine

        engine, before = Engine(_news["socket"]), _olds.get("administrator_password")
        try:
            engine.start(_news["container"])
            rolling.wait_until_ready(_news, before)
            engine.limit_processes(_news["container"], int(_news["processes"]))
            if before != _news["administrator_password"]:
                _set_password(_news, before)
            _keep_passwords_out_of_the_log(_news)
            if _reload(_news, engine):
                rolling.hold(_news)
                engine.restart(_news["container"], rolling.STOP_SECONDS)
                rolling.wait_until_ready(_news)
        finally:
            rolling.release(_news)
        return UpdateResult(self._outputs(_news))

    def _outputs(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.kept(props), "running": True}


class DockerInstance(Resource, module="docker", name="Instance"):
    """A service's PostgreSQL, once it serves."""

    running: pulumi.Output[bool]

    def __init__(
        self, name: str, container: docker.Container, props: dict[str, Any], opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__(InstanceProvider(), name, {**props, "running": None}, opts)
        self.container = container


def _reload(props: Mapping[str, Any], engine: Any) -> bool:
    """Has the server read its files again; whether something now waits for a restart."""
    from components.platforms.docker import rolling

    with rolling.connect(props) as connection:
        before = _loaded_at(connection)
        engine.signal(props["container"], "SIGHUP")
        deadline = time.monotonic() + RELOAD_SECONDS
        while time.monotonic() < deadline and _loaded_at(connection) == before:
            time.sleep(0.05)
    with rolling.connect(props) as connection:
        pending = connection.execute("SELECT FROM pg_catalog.pg_settings WHERE pending_restart")
        return pending.fetchone() is not None


def _loaded_at(connection: Connection) -> Any:
    row = connection.execute("SELECT pg_catalog.pg_conf_load_time()").fetchone()
    return row[0] if row else None


def _set_password(props: Mapping[str, Any], before: str | None) -> None:
    """The server and its log see only the SCRAM verifier."""
    from components.platforms.docker import rolling

    name, password = str(props["administrator"]), str(props["administrator_password"])
    with rolling.connect(props, before) as connection:
        verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(verifier.decode()))
        )


def _keep_passwords_out_of_the_log(props: Mapping[str, Any]) -> None:
    """The stack's own statements make roles with their passwords: they are not for the audit log."""
    from components.platforms.docker import rolling

    role = sql.Identifier(str(props["administrator"]))
    with rolling.connect(props) as connection:
        for setting, value in (
            ("log_statement", "none"),
            ("log_min_duration_statement", "-1"),
            ("log_min_error_statement", "panic"),
        ):
            connection.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(role, sql.Identifier(setting), sql.Literal(value))
            )
