"""Whether applications that set nothing are shown values as they are today: times, numbers, money.

initdb takes most of it from the machine and from a locale, so that two servers differ where nobody decided
anything. What the service's own objects write by it is a no-go; what only statements could is a note, because
most drivers set some of it themselves, and what is stored is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from components.contract import Service
from core.services_yaml import setting_line
from core.sessions.connections import Database
from core.sessions.queries import queries
from migration.plan.model import Plan, Problem, ServicePlan

query = queries(__package__)

_FORMATS = re.compile(r"\bto_(?:char|number|date|timestamp)\s*\(", re.IGNORECASE)
_OF_LOCALE = frozenset({"lc_monetary", "lc_numeric", "lc_time"})


@dataclass(frozen=True, slots=True)
class Different:
    """A parameter whose effect differs."""

    name: str
    shared: str
    own: str


def different_settings(shared: Database, common: str, own: Database, role: str) -> list[Different]:
    """What sessions of the role `common` of the shared database begin with otherwise than those of `role` on
    the service's own, where nobody sets it.

    Raises what connecting raises.
    """
    there, here = _read(shared, common), _read(own, role)
    return [
        Different(name, value, here[name][0])
        for name, (value, effect) in there.items()
        if name in here and here[name][1] != effect
    ]


def session_settings(database: Database, role: str) -> dict[str, str]:
    """What sessions of the role begin with, of what values are shown by: the parameters' names and values.

    Raises what connecting raises.
    """
    return {name: value for name, (value, _) in _read(database, role).items()}


def _read(database: Database, role: str) -> dict[str, tuple[str, str]]:
    plain = replace(database, plain=True)
    with (
        plain.connect() as connection,
        plain.translated("reading what its sessions begin with"),
        connection.transaction(force_rollback=True),
    ):
        # What is set for the role that reads counts for nothing, what is set for the role does.
        connection.execute(query("application_settings_role"), {"role": role})
        return {
            name: (value, effect) for name, value, effect in connection.execute(query("application_settings"))
        }


def with_settings(plan: Plan, services: Iterable[Service], found: Mapping[str, Iterable[Different]]) -> Plan:
    """The plan with a problem for each parameter that differs, by service."""
    planned = dict(plan.services)
    for service in services:
        own = planned[service.name]
        problems = tuple(
            problem
            for different in found.get(service.name, ())
            for problem in _problems(service, plan, own, different)
        )
        planned[service.name] = replace(own, problems=(*own.problems, *problems))
    return replace(plan, services=planned)


def _problems(service: Service, plan: Plan, own: ServicePlan, different: Different) -> Iterator[Problem]:
    user = next(_users(plan, own), None) if different.name in _OF_LOCALE else None
    whose = f"{user} is written by it" if user else "what applications that do not set it are shown"
    yield Problem(
        service.name,
        "setting",
        "note" if user is None else "no-go",
        f"{different.name} is {different.shared} in the shared database and {different.own} in"
        f" {service.name}'s own: {whose}; give it the same, and `pulumi up`",
        setting_line(service.name, "parameters", {different.name: different.shared}),
    )


def _users(plan: Plan, own: ServicePlan) -> Iterator[str]:
    catalog = plan.catalog
    for key in sorted(own.objects, key=lambda key: str(catalog.objects[key])):
        item, routine = catalog.objects[key], catalog.routines.get(key)
        text = item.definition if routine is None else routine.body
        if item.extension is None and text and _FORMATS.search(text):
            yield str(item)
