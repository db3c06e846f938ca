"""What only the statements of a service's applications name, and its own database would lack. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from components.contract import Service
from migration.plan.judge.extensions import extensions_line
from migration.plan.model import Plan, Problem, TargetFacts
from migration.traffic.needs import Need

_OVER = "; where none does any more, SELECT pg_stat_statements_reset() in the shared database"


def with_applications(
    plan: Plan, services: Iterable[Service], found: Iterable[Need], targets: Mapping[str, TargetFacts]
) -> Plan:
    """The plan with a no-go for a service whose statements name what it lacks, and a note for each where
    nothing tells whose they are."""
    needs, planned = list(found), dict(plan.services)
    for service in services:
        problems = tuple(application_problems(service, needs, targets[service.name]))
        own = planned[service.name]
        planned[service.name] = replace(own, problems=(*own.problems, *problems))
    return replace(plan, services=planned)


def application_problems(service: Service, found: Iterable[Need], target: TargetFacts) -> Iterator[Problem]:
    """One for each thing that the service's own database lacks."""
    for need in found:
        if need.service not in {None, service.name} or need.item.extension in target.installed:
            continue
        if any(
            rule.action == "ignore" and fnmatchcase(need.identity, rule.match) for rule in service.crossing
        ):
            continue
        certain = need.service is not None
        whose = f"of {service.name}" if certain else "of nobody can tell which service"
        text, line = _remedy(service, need, target)
        yield Problem(
            service.name,
            "extension" if need.item.extension else "boundary",
            "no-go" if certain else "note",
            f"{need.said}, {whose}, and {service.name}'s own database would not have it: {text}{_OVER}",
            line,
        )


def _remedy(service: Service, need: Need, target: TargetFacts) -> tuple[str, str]:
    extension = need.item.extension
    if extension is None:
        return (
            "have it go along (`action: ignore` leaves it behind)",
            f"services: {service.name}: crossing: {need.line}",
        )
    if extension not in target.available:
        return (
            "its server does not have that extension's files: install them where it runs (Debian: `apt-get"
            " install postgresql-contrib`), or take an image or a build that has them",
            "",
        )
    return "add it and `pulumi up`", extensions_line(service, target, [extension])
