"""What a service's own database lacks, or has otherwise, so that a schema would not fit into it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pglast import parser

from components.contract import Service
from migration.bodies import names_in
from migration.catalog_model import PG_CLASS, Catalog, CatalogObject, Extension
from migration.closure import Closure
from migration.plan_builds import build_problems
from migration.plan_model import Problem, TargetFacts

_SAFE_SEARCH_PATH = 17
"""From this version on, index builds and REFRESH run with pg_catalog alone on the search_path."""
_COLLATE = re.compile(r'\bCOLLATE (?:pg_catalog\.)?"([^"]+)"(?!\.)')
"""A collation of the server's own, as it prints expressions with an empty search_path."""
_LOGGED_PARENTS = 18
"""From this version on, a partitioned table cannot be UNLOGGED."""


def target_problems(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts
) -> Iterator[Problem]:
    """What the service's own database would refuse, or do differently."""
    yield from _server(service, catalog, target)
    for name in sorted(closure.extensions):
        yield from _extension(service, catalog.extensions[name], target)
    yield from _collations(service, catalog, closure, target)
    yield from build_problems(service, catalog, closure, target)
    yield from _syntax(service, catalog, closure, target)


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


def _collations(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts
) -> Iterator[Problem]:
    """Collations of the server's own: made at its initdb, from what its machine and build had."""
    if not target.collations:
        return
    # ICU's `unicode` is listed by any build from PostgreSQL 16 on, and refused where it is used.
    there = target.collations if target.icu else target.collations - {"unicode"}
    lacking: dict[str, str] = {}
    for need in catalog.build_needs:
        if need.what == "collation" and need.object_id in closure.objects and need.name not in there:
            lacking.setdefault(need.name, need.where)
    for key in sorted(closure.objects):
        item = catalog.objects[key]
        table = catalog.tables.get(key[1]) if key[0] == PG_CLASS else None
        for column in table.columns if table is not None else ():
            name = (column.collation or "").removeprefix("pg_catalog.").strip('"')
            if (column.collation or "").startswith("pg_catalog.") and name not in there:
                lacking.setdefault(name, f"{item.identity}.{column.name}")
        for name in _COLLATE.findall(item.definition) if item.extension is None else ():
            if name not in there:
                lacking.setdefault(name, str(item))
    for name, where in lacking.items():
        yield Problem(
            service.name, "encoding", "no-go",
            f"{where} has the collation {name}, which {service.name}'s server does not have: install the"
            " locale (or a build with ICU) there, and run pg_import_system_collations",
        )  # fmt: skip


def _syntax(service: Service, catalog: Catalog, closure: Closure, target: TargetFacts) -> Iterator[Problem]:
    """What newer versions take otherwise."""
    bare = {}
    for key in sorted(closure.objects):
        item, routine = catalog.objects[key], catalog.routines.get(key)
        table = catalog.tables.get(key[1]) if key[0] == PG_CLASS else None
        unlogged_parent = table is not None and table.kind == "partitioned" and table.unlogged
        if unlogged_parent and target.major >= _LOGGED_PARENTS:
            yield Problem(
                service.name, "version", "no-go",
                f"{item} is partitioned and unlogged, which PostgreSQL {target.major} refuses; ALTER TABLE"
                f" {item.identity} SET LOGGED in the shared database first",
            )  # fmt: skip
        if routine is None or routine.parsed:
            continue
        if routine.language == "sql" and not _parses(routine.body):
            yield Problem(
                service.name, "version", "note",
                f"{item} does not parse by the grammar of PostgreSQL {_grammar()}: try it on the target",
            )  # fmt: skip
        if routine.search_path is None:
            unqualified = {
                use.name
                for use in names_in(routine.language, routine.body, item.definition)
                if use.schema is None and use.use == "relation"
            }
            if unqualified:
                bare[key] = sorted(unqualified)[0]
    if catalog.server.major < _SAFE_SEARCH_PATH <= target.major:
        yield from _unsafe(service, catalog, closure, bare)


def _unsafe(
    service: Service, catalog: Catalog, closure: Closure, bare: dict[tuple[int, int], str]
) -> Iterator[Problem]:
    for key in sorted(closure.objects):
        item = catalog.objects[key]
        if item.kind in {"index", "rule"}:
            for dependency in catalog.outgoing.get(key, ()):
                name = bare.get(dependency.referenced)
                user = _user(catalog, item)
                if name is not None and user is not None:
                    yield Problem(
                        service.name, "version", "note",
                        f"{user} calls {catalog.objects[dependency.referenced]}, which names {name} without a"
                        f" schema: from PostgreSQL {_SAFE_SEARCH_PATH} on that fails where it is built or"
                        " refreshed; ALTER FUNCTION ... SET search_path in the shared database first",
                    )  # fmt: skip


def _user(catalog: Catalog, item: CatalogObject) -> CatalogObject | None:
    """The index, or the materialized view that the rule belongs to; None for other rules."""
    if item.kind == "index":
        return item
    whole = catalog.objects[catalog.whole(item.id)]
    return whole if whole.kind == "materialized view" else None


def _parses(body: str) -> bool:
    try:
        parser.parse_sql_json(body)
    except parser.ParseError:
        return False
    return True


def _grammar() -> int:
    return int(parser.get_postgresql_version()[0])
