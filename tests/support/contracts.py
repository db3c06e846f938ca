"""A contract made by hand, for databases that a test made by itself."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from components.contract import (
    Contract,
    CrossingRule,
    Endpoint,
    LocalGatewayControl,
    LocalInstanceControl,
    Login,
    RowSecurityMode,
    Service,
    Source,
)
from core.sessions.connections import Database

NOBODY = Login(name="nobody", password=SecretStr("not-a-role-of-anyone"))
NOWHERE = Endpoint(host="localhost", address="127.0.0.1", port=1, database="nowhere", sslmode="disable")


def make_service(
    name: str,
    instance: Endpoint = NOWHERE,
    login: Login = NOBODY,
    *,
    data: Path | None = None,
    control: LocalGatewayControl | None = None,
    endpoint: Endpoint = NOWHERE,
    service_login: Login = NOBODY,
    owner: str = "owner",
    version: int = 17,
    crossing: tuple[CrossingRule, ...] = (),
    row_security: RowSecurityMode | None = None,
) -> Service:
    """A service whose instance is `instance` and whose migration role is `login`."""
    folder = str(data) if data else "/nowhere"
    return Service(
        name=name,
        schema_name=f"{name}_schema",
        endpoint=endpoint,
        instance=instance,
        version=version,
        owner=owner,
        service=service_login,
        migration=login,
        monitoring=NOBODY,
        backup=NOBODY,
        gateway_control=control
        or LocalGatewayControl(
            sockets=folder, port=1, administrator=NOBODY, routes=folder, service_userlist=folder
        ),
        instance_control=LocalInstanceControl(binaries=folder, data=folder, sockets=folder),
        pool_maximum=10,
        crossing=crossing,
        row_security=row_security,
    )


def make_contract(source: Database, services: list[Service], application: Login | None = None) -> Contract:
    """A contract of `services` whose shared database is `source`."""
    return Contract(
        project="waqiti",
        stack="test",
        platform="local",
        program="0",
        catalogue_digest="0" * 64,
        source=Source(
            endpoint=source.endpoint, administrator=source.login, application=application or source.login
        ),
        services={service.name: service for service in services},
    )
