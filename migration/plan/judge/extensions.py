"""Whether a service's own database has, or can get, the extensions that its objects need. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from components.contract import Service
from core.services_yaml import setting_line
from migration.boundary.closure import Closure
from migration.catalog.objects import PG_CLASS, Catalog, CatalogObject, Extension
from migration.catalog.tables import display_name
from migration.plan.model import Problem, TargetFacts

_STACKS = frozenset({"plpgsql", "pg_stat_statements", "pgaudit"})
"""What the stack makes whatever services.yaml says."""
_RANDOM = re.compile(r"(?:\w+\.)?uuid_generate_v(?:4|1|1mc)\(\)")
_NAMED = 5


def extension_problems(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts
) -> Iterator[Problem]:
    """Extensions that are missing, elsewhere, or too old."""
    needed = catalog.with_required(closure.extensions)
    by_superuser = [
        extension.name
        for extension in needed
        if extension.name not in target.installed and target.available.get(extension.name) is False
    ]
    for extension in needed:
        name = extension.name
        if name in target.installed:
            if target.installed[name] != extension.schema:
                yield _elsewhere(service, extension, target)
        elif name not in target.available:
            yield _without_files(service, catalog, closure, name)
        elif name in by_superuser:
            yield Problem(
                service.name,
                "extension",
                "no-go",
                f"extension {name} is needed in {service.name}'s database, by"
                f" {_users(catalog, closure, name)}, and only a superuser can create it; the stack does, at"
                " `pulumi up`",
                extensions_line(service, target, by_superuser),
            )
        there = target.versions.get(name)
        if there is not None and _numbers(there) < _numbers(extension.version):
            yield Problem(
                service.name,
                "extension",
                "no-go",
                f"extension {name} is at {extension.version} in the shared database, and {service.name}'s"
                f" server has {there}: install its newer files there, and ALTER EXTENSION"
                f" {display_name(name)} UPDATE",
            )


def extensions_line(service: Service, target: TargetFacts, more: Iterable[str]) -> str:
    """The line for services.yaml that has what is installed now, and `more`."""
    names = sorted({*target.installed, *more} - _STACKS)
    return setting_line(service.name, "extensions", names)


def _elsewhere(service: Service, extension: Extension, target: TargetFacts) -> Problem:
    name, schema, there = extension.name, extension.schema, target.installed[extension.name]
    if target.available.get(name):
        others = sorted({*target.installed} - {name} - _STACKS)
        return Problem(
            service.name,
            "extension",
            "no-go",
            f"extension {name} is in schema {there} of {service.name}'s database but in {schema} of the"
            f" shared one; take {name} out of `extensions`, and `pulumi up`: the move makes it in {schema}",
            setting_line(service.name, "extensions", others),
        )
    own = display_name(schema)
    return Problem(
        service.name,
        "extension",
        "no-go",
        f"extension {name} is in schema {there} of {service.name}'s database but in {schema} of the"
        f" shared one; as a superuser of its own server: CREATE SCHEMA IF NOT EXISTS {own}; ALTER EXTENSION"
        f" {display_name(name)} SET SCHEMA {own}",
    )


def _without_files(service: Service, catalog: Catalog, closure: Closure, name: str) -> Problem:
    """No line for services.yaml would help: `pulumi up` would fail by it."""
    users = _users(catalog, closure, name)
    cure = (
        "install them where that server runs (Debian: `apt-get install postgresql-contrib`), or take an image"
        " or a build that has them"
    )
    statements = list(_defaults(catalog, closure)) if name == "uuid-ossp" else []
    if statements:
        cure += (
            "; or do without it, in the shared database: "
            + " ".join(statements)
            + " (random UUIDs, which every PostgreSQL makes by itself)"
        )
    return Problem(
        service.name,
        "extension",
        "no-go",
        f"extension {name} is needed, by {users}, and {service.name}'s server does not have its files:"
        f" {cure}",
    )


def _defaults(catalog: Catalog, closure: Closure) -> Iterator[str]:
    """Statements after which no default asks for a UUID of the extension's."""
    for key in sorted(closure.objects):
        item = catalog.objects[key]
        if item.kind == "default" and item.parent is not None and _RANDOM.fullmatch(item.definition):
            table = catalog.objects[item.parent].identity
            yield (
                f"ALTER TABLE {table} ALTER COLUMN {display_name(item.name)} SET DEFAULT gen_random_uuid();"
            )


def _users(catalog: Catalog, closure: Closure, extension: str) -> str:
    found = list(dict.fromkeys(users_of(catalog, closure, extension)))
    named = ", ".join(found[:_NAMED]) + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")
    return named or "another extension"


def users_of(catalog: Catalog, closure: Closure, extension: str) -> Iterator[str]:
    """The service's objects that need the extension, each with what of it; bodies by their text."""
    members = {item.name for item in catalog.objects.values() if item.extension == extension}
    words = re.compile(rf"\b({'|'.join(map(re.escape, sorted(members)))})\b") if members else None
    for key in sorted(closure.objects, key=lambda key: str(catalog.objects[key])):
        shown = _shown(catalog, catalog.objects[key])
        needed = (catalog.objects[d.referenced] for d in catalog.outgoing.get(key, ()))
        names = sorted({item.name for item in needed if extension in (item.extension, item.name)})
        routine = catalog.routines.get(key)
        if not names and routine is not None and not routine.parsed and words is not None:
            names = sorted(set(words.findall(routine.body)))
        if names:
            yield f"{shown} ({', '.join(names[:3])})"


def _shown(catalog: Catalog, item: CatalogObject) -> CatalogObject:
    if item.parent is not None and item.kind in {"rule", "type"} and item.parent[0] == PG_CLASS:
        return catalog.objects[item.parent]
    return item


def _numbers(version: str) -> tuple[int, ...]:
    """A version's numbers, for comparing; what is no number does not count."""
    return tuple(int(part) for part in re.findall(r"\d+", version))
