"""Whether a schema fits into a service's own database: its version, encoding, locale and extensions. Pure.

What the server's build lacks is in `migration.plan_builds`, what its version takes otherwise in
`migration.plan_versions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from components.contract import Service
from migration.catalog_model import Catalog, Extension
from migration.closure import Closure
from migration.plan_builds import build_problems
from migration.plan_model import Problem, TargetFacts
from migration.plan_versions import version_problems


def target_problems(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts
) -> Iterator[Problem]:
    """What the service's own database would refuse, or do differently."""
    yield from _server(service, catalog, target)
    for name in sorted(closure.extensions):
        yield from _extension(service, catalog.extensions[name], target)
    yield from build_problems(service, catalog, closure, target)
    yield from version_problems(service, catalog, closure, target)


def _server(service: Service, catalog: Catalog, target: TargetFacts) -> Iterator[Problem]:
    source = catalog.server
    if target.major < source.major:
        yield Problem(
            service.name, "version", "no-go",
            f"{service.name}'s database runs PostgreSQL {target.major}, older than the shared one's"
            f" {source.major}; give it `version: {source.major}` or newer",
        )  # fmt: skip
    if target.encoding != source.encoding:
        yield Problem(
            service.name, "encoding", "no-go" if target.encoding != "UTF8" else "note",
            f"encoding {source.encoding} in the shared database, {target.encoding} in {service.name}'s own:"
            " text is converted",
        )  # fmt: skip
    if (target.collate, target.ctype) != (source.collate, source.ctype):
        yield Problem(
            service.name, "encoding", "note",
            f"locale {source.collate} in the shared database, {target.collate} in {service.name}'s own:"
            " text without COLLATE sorts differently, indexes are built anew",
        )  # fmt: skip


def _extension(service: Service, extension: Extension, target: TargetFacts) -> Iterator[Problem]:
    name, schema = extension.name, extension.schema
    line = f"services: {service.name}: extensions: [{name}]"
    if name in target.installed:
        if target.installed[name] != schema:
            yield Problem(
                service.name, "extension", "no-go",
                f"extension {name} is in schema {target.installed[name]} of {service.name}'s database but in"
                f" {schema} of the shared one; ALTER EXTENSION {name} SET SCHEMA on either side",
            )  # fmt: skip
    elif name not in target.available:
        yield Problem(
            service.name, "extension", "no-go",
            f"extension {name} is needed, and {service.name}'s server does not have its files; install them",
            line,
        )  # fmt: skip
    elif not target.available[name]:
        yield Problem(
            service.name, "extension", "no-go",
            f"extension {name} is needed in {service.name}'s database, and only a superuser can create it",
            line,
        )  # fmt: skip
    there = target.versions.get(name)
    if there is not None and _numbers(there) < _numbers(extension.version):
        yield Problem(
            service.name, "extension", "no-go",
            f"extension {name} is at {extension.version} in the shared database, and {service.name}'s server"
            f" has {there}: install its newer files there, and ALTER EXTENSION {name} UPDATE",
        )  # fmt: skip


def _numbers(version: str) -> tuple[int, ...]:
    """A version's numbers, for comparing; what is no number does not count."""
    return tuple(int(part) for part in re.findall(r"\d+", version))
