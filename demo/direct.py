"""A contract without a stack: every service's endpoint is the shared database itself.

That is how things are before anything is deployed; the workload and the invariants run on it as they
do on a stack's gateways. There is nothing in it to migrate to.
"""

from __future__ import annotations

from pydantic import SecretStr

from components.contract import (
    Contract,
    Endpoint,
    LocalGatewayControl,
    LocalInstanceControl,
    Login,
    Service,
    Source,
)
from demo.database import SERVICES

POOL = 20


def direct_contract(server: Endpoint, administrator: Login, application: Login) -> Contract:
    """A contract whose endpoints all lead to `server`, as `application`."""
    nobody = Login(name="nobody", password=SecretStr(""))
    nowhere = LocalGatewayControl(sockets="", port=0, administrator=nobody, routes="", service_userlist="")
    return Contract(
        project="waqiti-databases",
        stack="none",
        platform="local",
        program="demo",
        catalogue_digest="",
        source=Source(endpoint=server, administrator=administrator, application=application),
        services={
            name: Service(
                name=name,
                schema_name=f"{name}_schema",
                endpoint=server,
                instance=server,
                version=0,
                owner=application.name,
                service=application,
                migration=nobody,
                monitoring=nobody,
                backup=nobody,
                gateway_control=nowhere,
                instance_control=LocalInstanceControl(binaries="", data="", sockets=""),
                pool_maximum=POOL,
            )
            for name in sorted(SERVICES)
        },
    )
