"""Functions that name things without a schema, where no search_path can reach them. Pure.

What a row's checks, generated columns and bounds call is given the path of the service's sessions, in loading
and by replication (`steps.apply_path`). Left are the places where PostgreSQL itself takes the path away,
or asks before anybody can set one: there the function has to bring its own, which is a statement to paste.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from components.contract import Service
from migration.boundary.closure import Closure
from migration.catalog.held_types import held_types
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_ATTRDEF, PG_CLASS, PG_CONSTRAINT, PG_PROC, Catalog, CatalogObject
from migration.plan.bare_names import BareNames
from migration.plan.late_checks import UNCHECKED, checks_of_types, shifting
from migration.plan.model import Problem, TargetFacts
from migration.plan.view_texts import SAFE_SEARCH_PATH, with_schemas

_DOMAIN = "replication reads values of a domain without a search_path"
_BUILT = (
    f"from PostgreSQL {SAFE_SEARCH_PATH} on, indexes are built and materialized views refreshed without a"
    " search_path"
)
_PLANNED = "PostgreSQL looks into it while the table is made, when others are not there yet"
_NAMED = 5
"""Checks that are named one by one."""


def path_problems(service: Service, catalog: Catalog, closure: Closure) -> Iterator[Problem]:
    """What concerns every version: domains, expressions that are planned as a table is made, late checks."""
    names = BareNames(catalog, (service.schema_name, "public"), service.name)
    tables = [
        catalog.tables[key[1]] for key in closure.objects if key[0] == PG_CLASS and key[1] in catalog.tables
    ]
    domains = held_types(catalog, [(PG_CLASS, table.oid) for table in tables])
    early = checks_of_types(service.name, service.schema_name, closure.objects, tables, catalog)
    held: list[str] = []
    late: list[str] = []
    for key, judged in sorted(catalog.judged.items()):
        if key not in closure.objects:
            continue
        item, whole = catalog.objects[key], catalog.whole(key)
        if whole in domains:
            for routine in judged.routines:
                yield from names.no_go(catalog.objects[whole], routine, _DOMAIN)
            if judged.clock:
                yield _clock(service, catalog, whole, item)
        if key[0] == PG_CONSTRAINT:
            unlisted = judged.inherited or key in early or item.definition.endswith(UNCHECKED)
            (held if judged.contained else late).extend([] if unlisted else [item.identity])
        elif key[0] == PG_ATTRDEF or (key[0] == PG_CLASS and key[1] in catalog.tables):
            for routine in judged.routines:
                if names.is_planned(routine):
                    yield from names.no_go(catalog.objects[whole], routine, _PLANNED, "reads a table")
    if held:
        yield Problem(
            service.name,
            "data",
            "note",
            "checks of domains that arrays, row types or ranges hold are made after the rows where they read"
            " what is loaded as late, or take the domain itself; PostgreSQL validates none of these: they"
            f" stay NOT VALID and bind what is written: {_listed(held)}",
        )
    if late:
        yield Problem(
            service.name,
            "data",
            "note",
            "checks that call functions, or that the clock or a session's settings decide, are made after the"
            " rows, and stay NOT VALID where a row violates them, which `start` says:"
            f" {_listed(late)}",
        )
    off = [catalog.objects[key].identity for key in sorted(shifting(closure.objects, catalog))]
    if off:
        yield Problem(
            service.name,
            "data",
            "note",
            "checks that the clock, a session or other rows decide are not on the side that follows (the"
            " service's own database up to the cutover, the shared one from then on), where they might refuse"
            " what they let in; each side gets them back as it is opened, valid where no row violates them:"
            f" {_listed(off)}",
        )


def _listed(checks: list[str]) -> str:
    more = f" and {len(checks) - _NAMED} more" if len(checks) > _NAMED else ""
    return f"{', '.join(checks[:_NAMED])}{more}"


def built_problems(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts
) -> Iterator[Problem]:
    """What a server of 17 or newer builds, analyzes and refreshes without a search_path."""
    if target.major < SAFE_SEARCH_PATH:
        return
    names = BareNames(catalog, (service.schema_name, "public"), service.name)
    for key in sorted(closure.objects):
        item = catalog.objects[key]
        if item.kind in {"index", "statistics"}:
            judged = catalog.judged.get(key)
            routines = judged.routines if judged is not None else ()
        elif item.kind == "materialized view":
            routines = tuple(sorted(_called_by_view(catalog, key)))
            if with_schemas(item.definition, names.path, catalog.by_name) != item.definition:
                yield Problem(
                    service.name,
                    "version",
                    "note",
                    f"{item} hands a text to a function that runs it, and names tables in it with no schema:"
                    f" {_BUILT}, so that on the service's own database the text names their schema",
                )
        else:
            continue
        for routine in routines:
            yield from names.no_go(item, routine, _BUILT)


def _clock(service: Service, catalog: Catalog, domain: ObjectId, check: CatalogObject) -> Problem:
    item = catalog.objects[domain]
    on = sql.Identifier(item.schema or "", item.name).as_string(None)
    name = sql.Identifier(check.name).as_string(None)
    return Problem(
        service.name,
        "data",
        "no-go",
        f"check {check.identity} of a domain asks the clock or the session: replication reads old values of"
        " it once more, and would stop at them; a check of the columns may take its place; in the shared"
        " database first:"
        f" ALTER DOMAIN {on} DROP CONSTRAINT {name}",
    )


def _called_by_view(catalog: Catalog, view: ObjectId) -> set[ObjectId]:
    """The functions that a view calls, it and the views that it reads."""
    queue, seen, called = [view], {view}, set()
    while queue:
        item = queue.pop()
        for unit in (item, *catalog.parts.get(item, ())):
            for dependency in catalog.outgoing.get(unit, ()):
                needed = dependency.referenced
                if needed[0] == PG_PROC:
                    called.add(needed)
                elif catalog.objects[needed].kind == "view" and needed not in seen:
                    seen.add(needed)
                    queue.append(needed)
    return called
