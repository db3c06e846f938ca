"""One look at the counters, with sessions that are kept from one to the next. What is down is left out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import psycopg
from psycopg import sql

from components.contract import Contract, Service
from core.errors import AuthenticationFailed, MigrationError
from core.gateway.console import Console
from core.sessions.connections import Database
from core.sessions.queries import queries, statements
from core.sessions.session import Connection
from core.sessions.stack import source_database
from migration.sampling.kept import Counters, Recent, Sample, Statements

query, statement = queries(__package__), statements(__package__)

SECONDS = 2.0
"""So long may one answer take."""
APPLICATION = "waqiti-migration-samples"


class Looks:
    """Close it. Not for several threads at once."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._services = tuple(contract.services.values())
        self._consoles: dict[str, Console] = {}
        self._sessions: dict[str, tuple[Connection, sql.Composed]] = {}
        self._without: set[str] = set()
        """Where pg_stat_statements is not to be had."""
        self._seen: set[str] = set()

    def close(self) -> None:
        """End the sessions."""
        for console in self._consoles.values():
            with suppress(psycopg.Error):
                console.__exit__(None, None, None)
        for session, _ in self._sessions.values():
            session.close()
        self._consoles, self._sessions = {}, {}

    def take(self, *, statements: bool, go_on: Callable[[], bool] = lambda: True) -> Sample:
        """Look now; at pg_stat_statements as well where `statements`, as long as `go_on` says so."""
        at = time.time()
        gateways, recent = {}, {}
        for service in self._services:
            counted = self._gateway(service) if go_on() else None
            if counted is not None:
                gateways[service.name] = counted[0]
                if service.name not in self._seen:
                    self._seen.add(service.name)
                    recent[service.name] = counted[1]
        own, shared = {}, None
        if statements:
            shared = self._statements("", source_database(self._contract), self._shared_roles())
            for service in self._services:
                found = (
                    self._statements(service.name, _watched(service), _roles(service)) if go_on() else None
                )
                if found is not None:
                    own[service.name] = found
        return Sample(at, gateways, recent, own, shared)

    def _gateway(self, service: Service) -> tuple[Counters, Recent] | None:
        name = service.name
        try:
            if name not in self._consoles:
                self._consoles[name] = Console(service.gateway_control, f"the gateway of {name}")
            shown = self._consoles[name].show("stats", SECONDS)
        except (MigrationError, psycopg.Error, OSError):
            console = self._consoles.pop(name, None)
            if console is not None:
                with suppress(psycopg.Error):
                    console.__exit__(None, None, None)
            return None
        rows = [row for row in shown if row["database"] == service.endpoint.database]

        def total(column: str) -> int:
            return sum(int(row[column]) for row in rows)

        counted = Counters(
            total("total_xact_count"),
            total("total_query_count"),
            total("total_xact_time"),
            total("total_wait_time"),
        )
        each = [int(row["avg_xact_time"]) / 1000 for row in rows if int(row["avg_xact_count"])]
        return counted, Recent(float(total("avg_xact_count")), sum(each) / len(each) if each else 0.0)

    def _statements(self, name: str, database: Database, roles: Sequence[str]) -> Statements | None:
        if name in self._without:
            return None
        try:
            if name not in self._sessions:
                self._open(name, database)
            if name in self._without:
                return None
            session, asked = self._sessions[name]
            row = session.execute(asked, {"roles": list(roles)}).fetchone()
        except (MigrationError, psycopg.Error) as error:
            kept = self._sessions.pop(name, None)
            if kept is not None:
                kept[0].close()
            if isinstance(error, AuthenticationFailed) or not isinstance(
                error, MigrationError | psycopg.OperationalError
            ):
                self._without.add(name)
            return None
        return None if row is None else Statements(int(row[0]), round(float(row[1]), 1))

    def _open(self, name: str, database: Database) -> None:
        session = database.connect(
            application_name=APPLICATION,
            connect_timeout=3,
            settings={"statement_timeout": f"{SECONDS:g}s"},
            looked_after=False,
        )
        try:
            row = session.execute(query("extension")).fetchone()
        except BaseException:
            session.close()
            raise
        if row is None:
            session.close()
            self._without.add(name)
            return
        self._sessions[name] = session, statement("statements").format(schema=sql.Identifier(row[0]))

    def _shared_roles(self) -> list[str]:
        own = [name for service in self._services for name in service.shared_logins]
        return [self._contract.source.application.name, *own]


def _watched(service: Service) -> Database:
    return Database(f"{service.name}'s own database", "target", service.instance, service.monitoring)


def _roles(service: Service) -> list[str]:
    return [service.service.name, service.login.name, *service.previous]
