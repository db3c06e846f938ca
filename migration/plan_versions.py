"""What a newer major version takes otherwise than the shared database's. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pglast import parser

from components.contract import Service
from migration.bodies import names_in
from migration.catalog_model import PG_CLASS, Catalog, CatalogObject
from migration.closure import Closure
from migration.plan_model import Problem, TargetFacts

_SAFE_SEARCH_PATH = 17
"""From this version on, index builds and REFRESH run with pg_catalog alone on the search_path."""
_LOGGED_PARENTS = 18
"""From this version on, a partitioned table cannot be UNLOGGED."""


def version_problems(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts
) -> Iterator[Problem]:
    """What would be refused, or fail where it is used, because the server is newer."""
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
