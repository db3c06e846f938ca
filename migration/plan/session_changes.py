"""What applications will notice in their sessions on the other side of a switch: each setting, old and new.

Both sides are asked as the applications' own logins, so that what `ALTER ROLE` and `ALTER DATABASE` give them
counts, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from components.contract import Contract, Login, Service
from core.errors import AuthenticationFailed, SourceUnreachable, TargetUnreachable
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.stack import source_database, target_database
from migration.plan.model import Plan, Problem

query = queries(__package__)

LIMITS = frozenset({
    "default_transaction_isolation", "default_transaction_read_only", "default_transaction_deferrable",
    "statement_timeout", "lock_timeout", "transaction_timeout", "idle_in_transaction_session_timeout",
    "idle_session_timeout",
})  # fmt: skip
"""Those that decide which statements fail, and that a stack takes over by a step of its own."""


@dataclass(frozen=True, slots=True)
class Change:
    """A setting whose value is another one on the other side."""

    name: str
    shared: str
    own: str

    def __str__(self) -> str:
        return f"{self.name} {self.shared} -> {self.own}"

    def the_other_way(self) -> Change:
        """As a rollback changes it."""
        return Change(self.name, self.own, self.shared)


def session_changes(contract: Contract, service: Service) -> list[Change]:
    """What a cutover of the service changes in its sessions, by name. Raises what connecting raises."""
    there = _read(source_database(contract), service.shared or contract.source.application)
    here = _read(target_database(service), service.login)
    return [
        Change(name, value, here[name]) for name, value in there.items() if here.get(name, value) != value
    ]


def advice(service: Service, changes: Iterable[Change]) -> str:
    """What to do about them; nothing where there is nothing to do."""
    if service.takes_over and any(change.name in LIMITS for change in changes):
        return (
            f"limits are better taken over after the cutover: take {service.name} out of the stack's"
            " takenOver, `pulumi up`, cut over, and put it back once the service runs well"
        )
    return "see that the service's applications are ready for it (docs/applications.md)"


def with_session_changes(plan: Plan, services: Iterable[Service], found: Mapping[str, list[Change]]) -> Plan:
    """The plan with a note for each service whose sessions change."""
    planned = dict(plan.services)
    for service in services:
        changes = found[service.name]
        if changes:
            text = (
                f"a cutover changes in {service.name}'s sessions: {'; '.join(map(str, changes))};"
                f" {advice(service, changes)}"
            )
            own = planned[service.name]
            note = Problem(service.name, "setting", "note", text, "")
            planned[service.name] = replace(own, problems=(*own.problems, note))
    return replace(plan, services=planned)


def _read(database: Database, login: Login) -> dict[str, str]:
    as_application = replace(database, login=login, plain=True)
    try:
        connection = as_application.connect()
    except (AuthenticationFailed, SourceUnreachable, TargetUnreachable):
        # Only its gateway may log in as that: what holds for every session is better than nothing.
        connection = replace(database, plain=True).connect()
    with connection, database.translated("reading what its sessions begin with"):
        return {str(name): str(value) for name, value in connection.execute(query("session_changes"))}
