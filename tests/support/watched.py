"""A service that is watched as by a stack, without one: instance, gateway, archive, Prometheus."""

from __future__ import annotations

import json
import os
import secrets
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from components import supervisors
from components.contract import (
    Contract,
    Endpoint,
    LocalGatewayControl,
    Login,
    MonitoringControl,
    WatchedService,
)
from components.monitoring import files
from components.monitoring.settings import MonitoringSettings
from components.platforms.pgbouncer import MONITOR
from components.service.business import make_business
from core.sessions.connections import Database
from servers import binaries, paths, ports
from servers.errors import ServerError
from servers.pgbouncer import PgBouncerServer, Route, write_routes
from tests.support import forks
from tests.support.absence import absent
from tests.support.archives import Kept, kept_service, until
from tests.support.clusters import SUPERUSER, Clusters
from tests.support.gateways import CONSOLE
from tests.support.moves import revealed

SERVICE = "user"
OWNER = "waqiti_user_owner"
BUSINESS = "SELECT avg(paid::int) FROM orders"
"""What the team of the service calls success: of the orders those that were paid."""


@dataclass
class Watched:
    """One service, all that watches it, and what Prometheus says of it."""

    kept: Kept
    gateway: PgBouncerServer
    control: MonitoringControl
    login: Login
    """The monitoring role."""

    @property
    def folder(self) -> Path:
        return Path(self.control.folder)

    @property
    def endpoint(self) -> Database:
        """The gateway, as the superuser."""
        own = self.kept.database.endpoint
        where = Endpoint(host="127.0.0.1", port=self.gateway.port, database=own.database, sslmode="disable")
        return Database("the gateway", "target", where, SUPERUSER, plain=True)

    @property
    def contract(self) -> Contract:
        """As a stack would export it."""
        found = self.kept.contract
        service = found.services[SERVICE].model_copy(
            update={
                "monitoring": self.login,
                "gateway_control": LocalGatewayControl(
                    sockets=str(self.gateway.sockets),
                    port=self.gateway.port,
                    administrator=CONSOLE,
                    routes=str(self.gateway.routes),
                    service_userlist=str(self.gateway.users),
                ),
            }
        )
        return found.model_copy(update={"monitoring": self.control, "services": {SERVICE: service}})

    @property
    def state(self) -> Path:
        """The state folder of programs that are run."""
        return self.folder.parent / "programs-state"

    def operations(self, *arguments: str) -> str:
        """What `python -m operations ...` prints."""
        file = self.folder.parent / "watched-contract.json"
        file.touch(0o600)
        file.write_text(json.dumps(revealed(self.contract.model_dump())), encoding="utf-8")
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80", "WAQITI_STATE_DIR": str(self.state)}
        words = ("operations", *arguments, "--contract", str(file))
        done = forks.run(*words, environment=environment, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def program(self, name: str) -> int | None:
        """The process id of one of the supervisor's programs."""
        said = json.loads((self.folder / "state" / "supervisor.json").read_text(encoding="utf-8"))
        pid: int | None = said["programs"][name]["pid"]
        return pid

    def ask(self, path: str, **words: str) -> Any:
        """Prometheus' HTTP API."""
        url = f"{self.control.prometheus}/api/v1/{path}?{urllib.parse.urlencode(words)}"
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 (our own, on loopback)
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """An instant query's samples."""
        found: list[dict[str, Any]] = self.ask("query", query=expression)["result"]
        return found

    def alarms(self) -> set[str]:
        """What fires now."""
        return {
            one["labels"]["alertname"] for one in self.ask("alerts")["alerts"] if one["state"] == "firing"
        }

    def metrics(self) -> set[str]:
        """The names of all that was scraped."""
        return set(self.ask("label/__name__/values"))

    def is_up(self) -> bool:
        """Whether every exporter has been read, and every rule been looked at."""
        try:
            up = {one["value"][1] for one in self.query("up")}
            return up == {"1"} and len(self.query("up")) == 2
        except OSError:
            return False


@contextmanager
def watched_service(
    clusters: Clusters, settings: MonitoringSettings, *, data: Path | None = None, policy: Any = None
) -> Iterator[Watched]:
    """The service, watched with `settings`; `data` is the disk that is looked at, if not its own."""
    for program in ("postgres_exporter", "prometheus", "promtool"):
        try:
            binaries.monitor(program)
        except ServerError as error:
            absent(str(error))
    counted = {"shared_preload_libraries": "pg_stat_statements"}
    with kept_service(clusters, SERVICE, policy, parameters=counted) as kept:
        base = kept.cluster.server.data.parent
        role, password, console = "waqiti_user_monitoring", secrets.token_hex(8), secrets.token_hex(8)
        kept.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}' IN ROLE pg_monitor CONNECTION LIMIT 5")
        kept.execute(f"ALTER ROLE {role} SET default_transaction_read_only = on")
        kept.execute("CREATE EXTENSION pg_stat_statements SCHEMA public")
        kept.execute(f"CREATE ROLE {OWNER} NOLOGIN")
        with kept.database.connect() as connection:
            made = {"query": BUSINESS, "owner": OWNER, "monitoring": role, "path": ["public"]}
            make_business(connection, made)
        gateway = _gateway(kept, base / "gateway", console)
        endpoint = kept.database.endpoint
        control = MonitoringControl(
            project="waqiti",
            stack="test",
            folder=str(base / "monitoring"),
            moves=str(base / "moves"),
            address=ports.LOOPBACK,
            own_port=ports.free_port(),
            prometheus_port=ports.free_port() if settings.prometheus else None,
            interval=settings.interval,
            services={
                SERVICE: WatchedService(
                    instance=endpoint,
                    role=role,
                    exporter_port=ports.free_port(),
                    console=str(gateway.sockets),
                    console_port=gateway.port,
                    console_user=MONITOR,
                    data=str(data or kept.cluster.server.data),
                    certificate=str(base / "tls" / "server.crt"),
                    archive=str(kept.archive.folder),
                    business=True,
                )
            },
        )
        files.write(control, {SERVICE: {"instance": password, "console": console}}, settings)
        files.start(Path(control.folder))
        watched = Watched(kept, gateway, control, Login(name=role, password=SecretStr(password)))
        try:
            if settings.prometheus:
                until(watched.is_up, "not all exporters answer", 60)
            yield watched
        finally:
            supervisors.stop(Path(control.folder))
            gateway.stop(timeout=2)


def _gateway(kept: Kept, folder: Path, console: str) -> PgBouncerServer:
    """A gateway that leads to the instance."""
    paths.make_private(folder)
    server = PgBouncerServer(binaries.pgbouncer(), folder, ports.free_port(), paths.socket_dir(folder))
    bundle = kept.database.endpoint.sslrootcert
    server.configure(
        {
            "pool_mode": "transaction",
            "admin_users": CONSOLE.name,
            "stats_users": MONITOR,
            "max_client_conn": "100",
            "default_pool_size": "60",
            "server_login_retry": "1",
            "ignore_startup_parameters": "extra_float_digits,options",
            "server_tls_sslmode": "prefer",
            **({"server_tls_ca_file": bundle} if bundle else {}),
        },
        {
            CONSOLE.name: CONSOLE.password.get_secret_value(),
            MONITOR: console,
            SUPERUSER.name: SUPERUSER.password.get_secret_value(),
        },
        ("local all all scram-sha-256", "host all all 127.0.0.1/32 scram-sha-256"),
    )
    end = kept.database.endpoint
    write_routes(
        server.routes,
        Route(end.database, "target", end.address or end.host, end.port, end.database),
    )
    server.start()
    return server
