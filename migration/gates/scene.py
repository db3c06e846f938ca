"""What a check of a gate looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from components.contract import Contract, Service
from core.errors import MigrationError
from core.gateway.console import Console
from core.gateway.gateway import Gateway
from core.sessions.connections import Database
from core.sessions.session import Connection
from migration.catalog.tables import Table
from migration.gates.model import Gate, GateLimits, Stage
from migration.journal.journal import Move
from migration.plan.model import Plan, ServicePlan
from migration.replicate.flow import Direction, Flow


@dataclass
class Scene:
    """One service before one stage, with a session on each side."""

    contract: Contract
    service: Service
    plan: Plan
    stage: Stage
    limits: GateLimits
    move: Move | None
    source: Database
    target: Database
    there: Connection
    """On the shared database."""
    here: Connection
    """On the service's own."""

    @property
    def name(self) -> str:
        """The service."""
        return self.service.name

    @property
    def own(self) -> ServicePlan:
        """Its part of the plan."""
        return self.plan.services[self.name]

    @property
    def writable(self) -> tuple[Database, Connection]:
        """The side that serves now, before the stage."""
        return (self.target, self.here) if self.stage == "rollback" else (self.source, self.there)

    @property
    def tables(self) -> list[Table]:
        """Tables whose rows move."""
        return [table for table in self.own.relations if table.holds_rows]

    @cached_property
    def gateway(self) -> Gateway:
        """The service's gateway."""
        return Gateway(self.service, self.contract.source)

    @cached_property
    def gateway_pids(self) -> list[int]:
        """Server processes that work for the gateway's clients. Raises GatewayFailed."""
        return sorted(_server_pids(self.service))

    @cached_property
    def other_gateways_pids(self) -> set[int]:
        """Those of the other services' gateways, as far as these answer."""
        found: set[int] = set()
        for service in self.contract.services.values():
            if service.name != self.name:
                with suppress(MigrationError):
                    found |= _server_pids(service)
        return found

    @property
    def flow_direction(self) -> Direction:
        """Of the replication that runs now."""
        return "back" if self.stage == "rollback" else "forward"

    def flow(self) -> Flow:
        """The replication that runs now; the caller closes it."""
        ends = (self.target, self.source) if self.flow_direction == "back" else (self.source, self.target)
        return Flow(self.name, self.flow_direction, *ends)


def _server_pids(service: Service) -> set[int]:
    with Console(service.gateway_control, f"the gateway of {service.name}") as console:
        rows = console.show("servers")
    return {int(row["remote_pid"]) for row in rows if row["database"] == service.endpoint.database}


@dataclass(frozen=True)
class Check:
    """One check, and the stages it is for."""

    name: str
    run: Callable[[Scene], Iterable[Gate]]
    stages: frozenset[Stage] = frozenset({"start", "cutover", "rollback"})


def check(name: str, *stages: Stage) -> Callable[[Callable[[Scene], Iterable[Gate]]], Check]:
    """Name a function that yields gates, and say before which stages it counts; none named: all."""

    def named(run: Callable[[Scene], Iterable[Gate]]) -> Check:
        return Check(name, run, frozenset(stages)) if stages else Check(name, run)

    return named
