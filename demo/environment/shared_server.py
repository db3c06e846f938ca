"""The demo's shared PostgreSQL server: TLS, logical WAL, on loopback and where others find it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from pydantic import SecretStr

from components.contract import Endpoint, Login
from demo.connecting import conninfo
from demo.database import APPLICATION_ROLE, DATABASE, SharedDatabase, build_database
from demo.environment import cluster
from demo.environment.docker_host import LINK_ADDRESS, SUBNET
from demo.environment.home import Home, Options
from servers import binaries, paths
from servers.certificates import Authority
from servers.postgres import PostgresServer

HOST = "postgres-shared"
ADMINISTRATOR = "postgres"
PARAMETERS = {
    "wal_level": "logical",
    "shared_preload_libraries": "pg_stat_statements",
    "max_connections": "400",
    "max_replication_slots": "40",
    "max_wal_senders": "40",
    "max_worker_processes": "40",
    "max_logical_replication_workers": "24",
    "max_sync_workers_per_subscription": "2",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_completion_target": "0.9",
    "password_encryption": "scram-sha-256",
    "wal_receiver_timeout": "20s",
    "wal_retrieve_retry_interval": "500ms",
    "ssl": "on",
    "ssl_min_protocol_version": "TLSv1.2",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_lock_waits": "on",
}
"""What a company's one big server might have, as far as a move needs it."""


@dataclass(frozen=True)
class SharedServer:
    """The server and who may log in."""

    server: PostgresServer
    endpoint: Endpoint
    administrator: Login
    application: Login
    addresses: tuple[str, ...]
    """Where it listens."""
    clients: tuple[str, ...]
    """Networks that it is reached from."""


def shared_server(home: Home, options: Options, passwords: dict[str, str]) -> SharedServer:
    """Name the server of a demo; `passwords` are those of the environment file.

    Raises ServerError when there is no PostgreSQL of the version asked for.
    """
    addresses, clients = _beside_loopback(home, options)
    server = PostgresServer(
        binaries.postgres_bin(options.source_version),
        home.source / "data",
        options.source_port,
        paths.socket_dir(home.source),
        home.source / "log" / "server.log",
    )
    endpoint = Endpoint(
        host=HOST,
        address=server.address,
        port=options.source_port,
        database=DATABASE,
        sslmode="verify-full",
        sslrootcert=str(home.source / "tls" / "ca.crt"),
    )
    return SharedServer(
        server,
        endpoint,
        Login(name=ADMINISTRATOR, password=SecretStr(passwords["SOURCE_DB_ADMIN_PASSWORD"])),
        Login(name=APPLICATION_ROLE, password=SecretStr(passwords["SOURCE_DB_PASSWORD"])),
        (server.address, *addresses),
        (f"{server.address}/32", *clients),
    )


def _beside_loopback(home: Home, options: Options) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Where it listens for those on other networks, and which networks those are."""
    if options.platform == "docker":
        return (LINK_ADDRESS,), (SUBNET,)
    there = cluster.known(home)
    return ((), ()) if there is None else ((there.address,), there.clients)


def start_server(home: Home, shared: SharedServer) -> None:
    """Make the server if it is not there yet, and start it unless it runs. Raises ServerError."""
    make_server(home, shared)
    shared.server.start()


def make_server(home: Home, shared: SharedServer) -> None:
    """Make the server and its certificates unless they are there, and configure it. Raises ServerError."""
    server = shared.server
    if server.version() is None:
        server.initialise(
            shared.administrator.name, shared.administrator.password.get_secret_value(), sync=False
        )
        home.source.chmod(0o711)  # clients read the CA's certificate in there
    authority = home.source / "tls"
    if not (authority / "ca.crt").exists():
        Authority.create(authority, "waqiti demo, shared database")
    certificate = home.source / "data" / "tls"
    if not (certificate / "server.crt").exists():
        Authority.load(authority).issue(certificate, names=[HOST], addresses=shared.addresses)
    own = {
        # The address at which containers find it comes with the stack; pg_hba.conf admits nobody else.
        "listen_addresses": "*" if LINK_ADDRESS in shared.addresses else ",".join(shared.addresses),
        "ssl_cert_file": str(certificate / "server.crt"),
        "ssl_key_file": str(certificate / "server.key"),
    }
    hba = ["local all all peer map=waqiti"]
    for network in shared.clients:
        hba += [f"hostssl {what} all {network} scram-sha-256" for what in ("all", "replication")]
    server.configure({**PARAMETERS, **own}, hba)


def fill(shared: SharedServer, scale: float, report: Callable[[str, float], None]) -> SharedDatabase:
    """Make the shared database on the running server. Raises psycopg.Error."""
    made = build_database(
        shared.endpoint, shared.administrator, shared.application, scale=scale, report=report
    )
    target = conninfo(shared.endpoint, shared.administrator)
    with psycopg.connect(target, autocommit=True) as connection:
        # What made the database is not what its services run.
        connection.execute("SELECT public.pg_stat_statements_reset()")
    return made
