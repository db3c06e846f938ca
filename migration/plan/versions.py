"""What a newer major version takes otherwise than the shared database's. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from components.contract import Service
from core.postgres_parser import parser
from migration.boundary.closure import Closure
from migration.catalog.objects import PG_CLASS, Catalog
from migration.catalog.tables import display_name
from migration.plan.judge.keywords import keyword_problems
from migration.plan.judge.paths import built_problems
from migration.plan.model import Problem, TargetFacts

_GENERATED_ALIKE = 16
"""From this version on, a child's column is generated where its parent's is, and nowhere else."""

_WIDER_TYPES = 17
"""From this version on, intervals may be infinite, and jsonpath has more methods."""


def version_problems(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts
) -> Iterator[Problem]:
    """What would be refused, or fail where it is used, because the server is newer."""
    yield from keyword_problems(service, catalog, closure, target)
    yield from _generated(service, catalog, closure, target)
    yield from _only_newer(service, catalog, closure, target)
    for key in sorted(closure.objects):
        item, routine = catalog.objects[key], catalog.routines.get(key)
        if routine is None or routine.parsed:
            continue
        if routine.language == "sql" and not _parses(routine.body):
            yield Problem(
                service.name,
                "version",
                "note",
                f"{item} does not parse by the grammar of PostgreSQL {_grammar()}: try it on the target",
            )
    yield from built_problems(service, catalog, closure, target)


def _generated(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts
) -> Iterator[Problem]:
    if not catalog.server.major < _GENERATED_ALIKE <= target.major:
        return
    for oid, column, parent, ddl in catalog.generated_apart:
        if (PG_CLASS, oid) in closure.objects:
            name = f"{catalog.objects[PG_CLASS, oid].identity}.{display_name(column)}"
            yield Problem(
                service.name,
                "version",
                "no-go",
                f"{name} is generated, and plain in its parent {parent}, which PostgreSQL"
                f" {_GENERATED_ALIKE} and newer refuse: {ddl}; in the shared database, and let a trigger"
                " compute it",
            )


def _only_newer(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts
) -> Iterator[Problem]:
    if not catalog.server.major < _WIDER_TYPES <= target.major:
        return
    tables = [
        catalog.tables[oid]
        for classid, oid in sorted(closure.objects)
        if classid == PG_CLASS and oid in catalog.tables
    ]
    columns = [
        f"{table.name}.{display_name(column.name)}"
        for table in tables
        for column in table.copied
        if table.holds_rows and column.type.startswith(("interval", "jsonpath"))
    ]
    if columns:
        more = f" and {len(columns) - 3} more" if len(columns) > 3 else ""
        yield Problem(
            service.name,
            "version",
            "note",
            f"{', '.join(columns[:3])}{more}: PostgreSQL {_WIDER_TYPES} and newer take what"
            f" {catalog.server.major} cannot read (infinite intervals, more of jsonpath); such a value,"
            " written after the cutover, would stop the way back",
        )


def _parses(body: str) -> bool:
    try:
        parser.parse_sql_json(body)
    except parser.ParseError:
        return False
    return True


def _grammar() -> int:
    return int(parser.get_postgresql_version()[0])
