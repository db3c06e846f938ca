"""The local platform: PostgreSQL and PgBouncer processes of this machine, without daemon or root.

Everything that a caller may need while previewing (paths, ports) follows from settings. See
local_network for what separates services here, and what does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pulumi

from components.contract import Endpoint
from components.platforms.interface import (
    Gateway,
    GatewayArgs,
    Instance,
    InstanceArgs,
    Network,
    NetworkArgs,
)
from components.platforms.local_gateway import ADMINISTRATOR, LocalGateway
from components.platforms.local_instance import LocalInstance
from components.platforms.local_network import LocalNetwork
from components.problems import ConfigurationError, Problem
from servers import binaries, paths, ports
from servers.errors import ServerError


class LocalPlatform:
    """`components.platforms.interface.Platform` with processes of this machine."""

    def __init__(
        self, project: str, stack: str, state_folder: str | None = None, postgres_bin: str | None = None
    ) -> None:
        """`state_folder` instead of `servers.paths.state_dir()`, `postgres_bin` of the packaged one."""
        root = Path(state_folder).expanduser().absolute() if state_folder else paths.state_dir()
        self._common_name = f"{project} {stack} CA"
        self._folder = paths.stack_dir(project, stack, root)
        self._postgres_bin = Path(postgres_bin).expanduser() if postgres_bin else None

    def network(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions) -> Network:
        """A certificate of the stack's CA and the loopback address."""
        resource = LocalNetwork(
            name,
            {
                "stack_folder": str(self._folder),
                "folder": str(self._service(args.service)),
                "host": args.host,
                "address": ports.LOOPBACK,
                "common_name": self._common_name,
            },
            opts,
        )
        return Network(resource, ports.LOOPBACK, str(self._folder / "ca" / "ca.crt"))

    def instance(self, name: str, args: InstanceArgs, opts: pulumi.ResourceOptions) -> Instance:
        """A PostgreSQL process."""
        folder = self._service(args.service)
        with _as_configuration("postgresVersion"):
            programs = self._postgres_bin or binaries.postgres_bin(args.version)
        resource = LocalInstance(
            name,
            {
                "folder": str(folder),
                "sockets": str(paths.socket_dir(folder)),
                "binaries": str(programs),
                "version": args.version,
                "address": ports.LOOPBACK,
                "port": args.port,
                "database": args.database,
                "parameters": dict(args.parameters),
                "administrator": args.administrator,
                "administrator_password": pulumi.Output.secret(args.administrator_password),
                "roles": [*args.roles, *args.reading_roles],
                "replication_roles": list(args.replication_roles),
                "keep_data": args.keep_data,
                "certificate": _fingerprint(args.network),
            },
            opts,
        )
        control = {
            "platform": "local",
            "binaries": str(programs),
            "data": str(folder / "data"),
            "sockets": str(paths.socket_dir(folder)),
        }
        return Instance(resource, self._endpoint(args.host, args.port, args.database), control)

    def gateway(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions) -> Gateway:
        """A PgBouncer process."""
        folder = self._service(args.service) / "gateway"
        sockets = paths.socket_dir(folder.parent)
        with _as_configuration("platform"):
            binary = binaries.pgbouncer()
        resource = LocalGateway(
            name,
            {
                "folder": str(folder),
                "sockets": str(sockets),
                "binary": str(binary),
                "address": ports.LOOPBACK,
                "port": args.port,
                "database": args.database,
                "service_role": args.service_role,
                "service_password": pulumi.Output.secret(args.service_password),
                "administrator_password": pulumi.Output.secret(args.administrator_password),
                "source": dict(args.way_to_shared),
                "source_password": pulumi.Output.secret(args.source.password),
                "settings": dict(args.pool_settings),
                "certificate": _fingerprint(args.network),
                "authority": str(self._folder / "ca" / "ca.crt"),
            },
            opts,
        )
        control = {
            "platform": "local",
            "sockets": str(sockets),
            "port": args.port,
            "administrator": {"name": ADMINISTRATOR, "password": resource.administrator_password},
            "routes": str(folder / "routes.ini"),
            "service_userlist": str(folder / "users.txt"),
        }
        return Gateway(resource, self._endpoint(args.host, args.port, args.database), control)

    def let_through(
        self, name: str, reader: Instance, network: Network, opts: pulumi.ResourceOptions
    ) -> None:
        """Nothing to make: all servers are on loopback, and pg_hba.conf admits the role."""

    def _service(self, service: str) -> Path:
        return self._folder / service

    def _endpoint(self, host: str, port: int, database: str) -> Endpoint:
        authority = str(self._folder / "ca" / "ca.crt")
        return Endpoint(
            host=host, address=ports.LOOPBACK, port=port, database=database, sslrootcert=authority
        )


@contextmanager
def _as_configuration(key: str) -> Iterator[None]:
    """A program that is missing is a problem of the configuration that asks for it."""
    try:
        yield
    except ServerError as error:
        raise ConfigurationError([Problem(key, f"{error.where} {error.seen}", error.to_do)]) from error


def _fingerprint(network: Network) -> pulumi.Output[str]:
    if not isinstance(network.resource, LocalNetwork):
        raise ServerError("is of another platform", where="network", to_do="make it by this platform")
    return network.resource.fingerprint
