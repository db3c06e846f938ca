"""One look at all services: databases side by side, then gateways, archives, disks, moves and alarms."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from components.contract import Contract, Service, WatchedService
from core.errors import MigrationError
from core.sessions.connections import Database
from core.sessions.queries import queries, statements
from operations.monitoring.figures.gateways import Consoles
from operations.monitoring.figures.of_all import figures
from operations.watch.spread import Counted
from servers.errors import ServerError
from servers.pgbouncer_routes import read_routes

query = queries(__package__)
statement = statements(__package__)

APPLICATION = "waqiti-watch"
ALARMS_SECONDS = 2.0


@dataclass(frozen=True)
class Alarm:
    """One that fires."""

    name: str
    service: str
    severity: str
    summary: str


@dataclass(frozen=True)
class ServiceLook:
    """What a service is like at one moment; None where it is not known. Counters grow from look to look."""

    service: str
    problem: str | None
    """Why its database does not answer."""
    instance: Mapping[str, int]
    """Columns of `sql/instance.sql`; empty where it does not answer."""
    figures: Mapping[str, float]
    """Our exporter's, without `waqiti_`, one value each."""
    state: str | None
    """Of its move."""
    leads_to: str | None
    """`shared` or `own`."""
    statements: Counted | None = None
    """What pg_stat_statements counted; None: it is not there."""


@dataclass(frozen=True)
class Picture:
    """All services at one moment."""

    stack: str
    at: float
    """Seconds since 1970."""
    steady: float
    """Seconds of a steady clock, to take rates by."""
    services: tuple[ServiceLook, ...]
    alarms: tuple[Alarm, ...] | None
    """None: nobody watches, or who does does not answer."""
    rules: int = 0

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "stack": self.stack,
            "at": self.at,
            "services": {one.service: asdict(replace(one, statements=None)) for one in self.services},
            "alarms": None if self.alarms is None else [asdict(alarm) for alarm in self.alarms],
            "rules": self.rules,
        }


@dataclass
class Watch:
    """Sessions that are kept from one look to the next. Close it."""

    contract: Contract
    services: tuple[Service, ...]
    _sessions: dict[str, psycopg.Connection[tuple[Any, ...]]] = field(default_factory=dict)
    _counters: dict[str, sql.Composed | None] = field(default_factory=dict)
    """By service, once a session: how pg_stat_statements is asked; None: it is not there."""

    def __post_init__(self) -> None:
        self._consoles = Consoles({one.name: one.gateway_control for one in self.services})
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(self.services)))

    def close(self) -> None:
        """End the sessions."""
        self._pool.shutdown(cancel_futures=True)
        self._consoles.close()
        for session in self._sessions.values():
            session.close()

    def look(self) -> Picture:
        """One picture. Never raises for what is down."""
        watched = self.contract.monitoring
        instances = list(self._pool.map(self._instance, self.services))
        said = self._figures()
        alarms, rules = read_alarms(None if watched is None else watched.prometheus)
        return Picture(
            stack=f"{self.contract.project}-{self.contract.stack}",
            at=time.time(),
            steady=time.monotonic(),
            services=tuple(
                ServiceLook(
                    service.name,
                    problem,
                    row,
                    said[service.name][0],
                    said[service.name][1],
                    _leads_to(service),
                    counted,
                )
                for service, (row, problem, counted) in zip(self.services, instances, strict=True)
            ),
            alarms=alarms,
            rules=rules,
        )

    def _instance(self, service: Service) -> tuple[dict[str, int], str | None, Counted | None]:
        try:
            session = self._sessions.get(service.name)
            if session is None or session.closed:
                database = Database(
                    f"{service.name}'s own database",
                    "target",
                    service.instance,
                    service.monitoring,
                    plain=True,
                )
                session = self._sessions[service.name] = database.connect(
                    application_name=APPLICATION, connect_timeout=3
                )
                self._counters.pop(service.name, None)
            with session.cursor(row_factory=dict_row) as cursor:
                row = cursor.execute(query("instance")).fetchone()
            counted = self._statements(service.name, session)
        except (MigrationError, psycopg.Error) as error:
            kept = self._sessions.pop(service.name, None)
            if kept is not None:
                kept.close()
            return {}, " ".join(str(error).split()), None
        return dict(row or {}), None, counted

    def _statements(self, name: str, session: psycopg.Connection[tuple[Any, ...]]) -> Counted | None:
        """What pg_stat_statements counted so far; None where it is not there."""
        if name not in self._counters:
            home = session.execute(query("home")).fetchone()
            asked = None if home is None else sql.Identifier(home[0], "pg_stat_statements")
            self._counters[name] = None if asked is None else statement("statements").format(function=asked)
        asking = self._counters[name]
        if asking is None:
            return None
        rows = session.execute(asking).fetchall()
        return {(one[0], one[1]): (int(one[2]), float(one[3]), float(one[4])) for one in rows}

    def _figures(self) -> dict[str, tuple[dict[str, float], str | None]]:
        found: dict[str, tuple[dict[str, float], str | None]] = {
            one.name: ({}, None) for one in self.services
        }
        looked = {one.name: _watched(one) for one in self.services}
        for family in figures(looked, self._consoles, self.contract.monitoring):
            for sample in family.samples:
                values, state = found[sample.labels["service"]]
                name = sample.name.removeprefix("waqiti_")
                values[name] = max(values.get(name, sample.value), sample.value)
                if name == "move_state":
                    state = sample.labels["state"]
                found[sample.labels["service"]] = values, state
        return found


def read_alarms(prometheus: str | None) -> tuple[tuple[Alarm, ...] | None, int]:
    """What fires, the worst first, and how many rules there are; None where Prometheus does not answer."""
    if prometheus is None:
        return None, 0
    found: list[Alarm] = []
    rules = 0
    try:
        with urllib.request.urlopen(  # noqa: S310 (a stack's own, on loopback)
            f"{prometheus}/api/v1/rules?type=alert", timeout=ALARMS_SECONDS
        ) as answer:
            groups = json.load(answer)["data"]["groups"]
    except (OSError, ValueError, KeyError):
        return None, 0
    for rule in (one for group in groups for one in group["rules"]):
        rules += 1
        for alert in rule["alerts"]:
            if alert["state"] == "firing":
                labels = alert["labels"]
                summary = alert["annotations"].get("summary", "")
                found.append(Alarm(rule["name"], labels.get("service", ""), labels["severity"], summary))
    return tuple(sorted(found, key=lambda one: (one.severity, one.service, one.name))), rules


def _leads_to(service: Service) -> str | None:
    with suppress(ServerError, OSError):
        route = read_routes(Path(service.gateway_control.routes))
        return None if route is None else {"source": "shared", "target": "own"}[route.leads_to]
    return None


def _watched(service: Service) -> WatchedService:
    data = Path(service.instance_control.data)
    return WatchedService(
        instance=service.instance,
        role=service.monitoring.name,
        exporter_port=0,
        console=service.gateway_control.sockets,
        console_port=service.gateway_control.port,
        console_user=service.gateway_control.administrator.name,
        data=str(data),
        certificate=str(data.parent / "tls" / "server.crt"),
        archive=None if service.backups is None or service.backups.stored else service.backups.folder,
    )
