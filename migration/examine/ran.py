"""What applications ran in the shared database that a service's own role may not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from components.contract import Service
from core.services_yaml import crossing_item
from migration.boundary.closure import STATEMENT
from migration.boundary.rights import refused
from migration.catalog.objects import Catalog
from migration.parsing.body_acts import Act, acts_of_statement
from migration.plan.judge.replica_mode import PARAMETER
from migration.plan.model import Plan, Problem
from migration.traffic.queries import RanStatement

REPLICA_MODE = f"SET {PARAMETER}"
_SHOWN = 120
"""Characters of a statement."""
_LASTING = "it makes or changes what lasts, which on its own database is done with the migration tool's login"
_REASONS = {
    "maintain": "before PostgreSQL 17 nobody but an owner may: move to 17, or let a SECURITY DEFINER function"
    " of the shared database do it and call that",
    "owner": _LASTING + "; or let a SECURITY DEFINER function of the shared database do it and call that",
    "creation": _LASTING,
    "server": "nobody but a superuser may",
    "role": "that role is not there",
    "large object": "what is copied is the owner's; see docs/boundaries.md",
}


def ran_problems(
    services: Iterable[Service], catalog: Catalog, plan: Plan, statements: Iterable[RanStatement]
) -> Iterator[Problem]:
    """A note for each kind of such a statement that the common role ran, to the service it is about."""
    told: set[tuple[str, str]] = set()
    # A log need not say whose a statement is.
    ran = [one for one in statements if one.role in {catalog.application, None}]
    for statement in sorted(ran, key=lambda one: -one.calls):
        for act in acts_of_statement(statement.text):
            for service in services:
                objects = (
                    plan.services[service.name].objects if service.name in plan.services else frozenset()
                )
                named = any(catalog.objects[key].name == name for key in objects for _, name in act.names)
                named = named or any(schema == service.schema_name for schema, _ in act.names)
                if (service.name, act.command) in told or not (
                    named or act.needs in {"server", "role", "large object"}
                ):
                    continue
                if refused(service, catalog, objects, act):
                    told.add((service.name, act.command))
                    yield _problem(service, statement, act)


def _problem(service: Service, statement: RanStatement, act: Act) -> Problem:
    text = " ".join(statement.text.split())
    said = (
        f"{act.command} was run {statement.calls} times by {statement.role or 'somebody'}, which"
        f" {service.service.name} may not: {_REASONS[act.needs]} ({statement.source}: {text[:_SHOWN]})"
    )
    identity = f"{STATEMENT}{act.command}"
    if act.command != REPLICA_MODE or any(
        rule.action == "ignore" and fnmatchcase(identity, rule.match) for rule in service.crossing
    ):
        return Problem(service.name, "rights", "note", said)
    return Problem(
        service.name,
        "rights",
        "no-go",
        f"{said}; no trigger and no foreign key acts for what is written so: let the services do without it"
        " (DISABLE TRIGGER in a SECURITY DEFINER function), then SELECT pg_stat_statements_reset() in the"
        " shared database; or, where it was a person's doing, allow it",
        f"services: {service.name}: crossing: {crossing_item(identity, 'ignore')}",
    )
