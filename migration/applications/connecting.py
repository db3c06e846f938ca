"""What a service's applications need to connect through its endpoint, before, during and after the move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.contract import Service
from core.errors import MigrationError
from core.gateway.console import Console
from servers.pgbouncer_versions import Version, keeps_prepared, parse, text


@dataclass(frozen=True)
class Connecting:
    """Without the password: only the name of its variable."""

    service: str
    host: str
    address: str | None
    """Where the name leads, if it may not resolve."""
    port: int
    database: str
    role: str
    variable: str
    sslmode: str
    certificate: str | None
    """Of the CA, where the application runs; None: the system's."""
    maximum: int
    idle: int
    connection_timeout: float
    """Seconds an application waits for a connection of its pool."""
    prepared: bool
    """Whether drivers may prepare statements, as they do by default."""
    gateway: str
    """PgBouncer's version, for people."""
    session: bool
    """Whether its gateway pools by session."""
    ddl_database: str | None = None
    """For schema migrations; None: an older stack's, which has none."""
    ddl_role: str = ""
    ddl_variable: str = ""

    def as_json(self) -> Mapping[str, Any]:
        """JSON types only."""
        return dict(vars(self))


def connecting(service: Service, *, ca_path: str | None = None) -> Connecting:
    """How `service`'s applications connect; `ca_path` is the CA certificate's path where they run.

    A gateway that does not answer counts as the oldest one, whose settings hold for all.
    """
    version, endpoint = gateway_version(service), service.endpoint
    session = service.pooling == "session"
    variable = service.password_variable or f"{service.name.upper().replace('-', '_')}_DB_PASSWORD"
    return Connecting(
        service=service.name,
        host=endpoint.host,
        address=endpoint.address,
        port=endpoint.port,
        database=endpoint.database,
        role=service.login.name,
        variable=variable,
        sslmode=endpoint.sslmode,
        certificate=(ca_path or endpoint.sslrootcert) if endpoint.sslrootcert else ca_path,
        maximum=service.pool_maximum,
        idle=service.pool_idle if service.pool_idle is not None else service.pool_maximum,
        connection_timeout=service.connection_timeout,
        prepared=session or keeps_prepared(version),
        gateway=text(version),
        session=session,
        ddl_database=service.ddl_database if service.ddl is not None else None,
        ddl_role=service.ddl.name if service.ddl is not None else "",
        ddl_variable=f"{variable.removesuffix('_PASSWORD')}_DDL_PASSWORD",
    )


def gateway_version(service: Service) -> Version | None:
    """Of the PgBouncer that runs at the endpoint; None where it does not answer its console."""
    try:
        with Console(service.gateway_control, f"the gateway of {service.name}") as console:
            rows = console.show("version")
    except MigrationError:
        return None
    return parse(" ".join(value for row in rows for value in row.values()))
