"""Who is logged in with a login that is to go: at the gateway, and past it at the instance."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from components.contract import Contract, Service
from core.gateway.console import Console
from core.sessions.connections import Database
from core.sessions.queries import queries

query = queries(__package__)


@dataclass(frozen=True)
class User:
    """Sessions of one application under one login."""

    where: str
    """`gateway` or `instance`."""
    login: str
    application: str
    address: str
    sessions: int
    since: datetime
    """When the oldest of them logged in."""

    def __str__(self) -> str:
        count = "1 session" if self.sessions == 1 else f"{self.sessions} sessions"
        return (
            f"{self.application or 'unnamed'} at {self.address} ({self.login}, {count} at the {self.where}"
            f" since {self.since:%Y-%m-%d %H:%M:%S} UTC)"
        )

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {**vars(self), "since": self.since.isoformat()}


def users(contract: Contract, service: Service, logins: Iterable[str] | None = None) -> list[User]:
    """Who uses `logins`, without any: those that a rotation has still to end; the oldest first.

    Raises GatewayFailed, and what connecting to the instance raises.
    """
    asked = list(service.previous if logins is None else logins)
    if not asked:
        return []
    with Console(service.gateway_control, f"the gateway of {service.name}") as console:
        clients = console.show("clients")
        pids = [int(row["remote_pid"]) for row in console.show("servers")]
    found: dict[tuple[str, str, str], list[datetime]] = {}
    for row in clients:
        if row["user"] in asked:
            key = (row["user"], row.get("application_name", ""), row["addr"])
            found.setdefault(key, []).append(_time(row["connect_time"]))
    at_gateway = [
        User("gateway", login, application, address, len(times), min(times))
        for (login, application, address), times in found.items()
    ]
    own = Database(f"{service.name}'s own database", "target", service.instance, service.monitoring)
    with closing(own.connect()) as connection, own.translated("asking who is logged in"):
        rows = connection.execute(query("using"), {"logins": asked, "gateway": pids}).fetchall()
    directly = [User("instance", row[0], row[1], row[2], int(row[3]), row[4].astimezone(UTC)) for row in rows]
    return sorted([*at_gateway, *directly], key=lambda one: one.since)


def _time(text: str) -> datetime:
    """PgBouncer's, of its own machine's zone: `2026-11-29 22:41:47 UTC`."""
    local = datetime.strptime(text[:19], "%Y-%m-%d %H:%M:%S")
    return local.replace(tzinfo=UTC) if text.endswith("UTC") else local.astimezone(UTC)
