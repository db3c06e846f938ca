"""A gateway: whether it answers, is paused, who waits; from PgBouncer's console, whose user may only look.

Columns: https://www.pgbouncer.org/usage.html#show-commands. The session is kept from one look to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psycopg
from pydantic import SecretStr

from components.contract import LocalGatewayControl, Login, MonitoringControl, WatchedService, ddl_database
from core.errors import MigrationError
from core.gateway.console import Console, Row
from operations.monitoring.figures.gauges import Families

_TIMEOUT = 2.0
_SHOWN = ("databases", "pools", "stats", "lists", "state")
_COUNTED = {
    "total_xact_count": ("waqiti_gateway_transactions_total", "Transactions that went through", 1.0),
    "total_query_count": ("waqiti_gateway_statements_total", "Statements that went through", 1.0),
    "total_xact_time": (
        "waqiti_gateway_transaction_seconds_total",
        "Time of transactions on the server",
        1e-6,
    ),
    "total_query_time": ("waqiti_gateway_statement_seconds_total", "Time of statements on the server", 1e-6),
    "total_wait_time": (
        "waqiti_gateway_wait_seconds_total",
        "Time that clients waited for a connection",
        1e-6,
    ),
    "total_received": ("waqiti_gateway_received_bytes_total", "Bytes from clients", 1.0),
    "total_sent": ("waqiti_gateway_sent_bytes_total", "Bytes to clients", 1.0),
}


class Consoles:
    """A session with each gateway's console, opened again where it was lost."""

    def __init__(self, controls: Mapping[str, LocalGatewayControl]) -> None:
        """By service: how its console is reached. Nothing is opened yet."""
        self._controls = controls
        self._open: dict[str, tuple[Console, int]] = {}

    def rows(self, name: str) -> dict[str, list[Row]] | None:
        """What its console shows; None where it does not answer."""
        for _again in range(2):
            try:
                console, clients = self._open.get(name) or self._connect(name)
                shown = {what: console.show(what, _TIMEOUT) for what in _SHOWN}
            except (MigrationError, psycopg.Error, OSError):
                self._forget(name)
                continue
            shown["config"] = [{"key": "max_client_conn", "value": str(clients)}]
            return shown
        return None

    def close(self) -> None:
        """End the sessions."""
        for name in list(self._open):
            self._forget(name)

    def _connect(self, name: str) -> tuple[Console, int]:
        console = Console(self._controls[name], f"the gateway of {name}")
        config = {row["key"]: row["value"] for row in console.show("config", _TIMEOUT)}
        self._open[name] = console, int(config["max_client_conn"])
        return self._open[name]

    def _forget(self, name: str) -> None:
        if name in self._open:
            with suppress(psycopg.Error):
                self._open.pop(name)[0].__exit__(None, None, None)


def looking(control: MonitoringControl) -> dict[str, LocalGatewayControl]:
    """The consoles, as who may only look. Raises OSError."""
    return {
        name: LocalGatewayControl(
            sockets=watched.console,
            port=watched.console_port,
            administrator=Login(
                name=watched.console_user,
                password=SecretStr((Path(control.folder) / name / "console").read_text(encoding="utf-8")),
            ),
            routes="",
            service_userlist="",
        )
        for name, watched in control.services.items()
    }


def add(families: Families, name: str, watched: WatchedService, consoles: Consoles) -> None:
    """Its figures."""
    labels = {"service": name}
    shown = consoles.rows(name)
    families.gauge("waqiti_gateway_up", "Whether its console answers", shown is not None, labels)
    if shown is None:
        return
    database = watched.instance.database
    ours = (database, ddl_database(database))
    # PAUSE without a database's name pauses all, and is no database's own state.
    paused = any(row["paused"] == "1" for row in shown["databases"] if row["name"] == database) or any(
        row["key"] == "paused" and row["value"] == "yes" for row in shown["state"]
    )
    families.gauge("waqiti_gateway_paused", "Whether its clients are made to wait", paused, labels)
    pools = [row for row in shown["pools"] if row["database"] in ours]
    for key, what, help in (
        ("cl_active", "waqiti_gateway_clients_served", "Clients that have, or want, no connection"),
        ("cl_waiting", "waqiti_gateway_clients_waiting", "Clients that wait for a connection"),
        ("sv_active", "waqiti_gateway_connections_used", "Connections to the database that a client has"),
        ("sv_idle", "waqiti_gateway_connections_idle", "Connections to the database that nobody has"),
    ):
        families.gauge(what, help, sum(int(row[key]) for row in pools), labels)
    waits = [int(row["maxwait"]) + int(row["maxwait_us"]) / 1e6 for row in pools]
    families.gauge(
        "waqiti_gateway_longest_wait_seconds",
        "How long the client that waits longest has waited",
        max(waits, default=0.0),
        labels,
    )
    lists = {row["list"]: row["items"] for row in shown["lists"]}
    clients = int(lists["used_clients"]) + int(lists.get("login_clients", 0))
    families.gauge("waqiti_gateway_clients", "Clients that are connected", clients, labels)
    most = float(shown["config"][0]["value"])
    families.gauge("waqiti_gateway_max_clients", "Clients that are admitted at most", most, labels)
    for row in shown["stats"]:
        if row["database"] == database:
            for key, (what, help, scale) in _COUNTED.items():
                families.counter(what, help, int(row[key]) * scale, labels)
