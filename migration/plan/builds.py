"""What the build of a service's own server lacks: collations, ICU, locales, lz4, libxml. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from components.contract import Service
from migration.boundary.closure import Closure
from migration.catalog.objects import PG_CLASS, BuildNeed, Catalog
from migration.plan.model import Problem, TargetFacts

_ICU = re.compile(r"\(provider = icu, ")
_COLLATE = re.compile(r'\bCOLLATE (?:pg_catalog\.)?"([^"]+)"(?!\.)')
"""A collation of the server's own, as it prints expressions with an empty search_path."""
_XML_TYPES = frozenset({"xml", "xml[]"})
_XML_CODE = re.compile(
    r"\b(xmlparse|xmlelement|xmlforest|xmlpi|xmlroot|xmltable|xmlagg|xmlcomment|xmlconcat|xpath|xpath_exists"
    r"|query_to_xml|table_to_xml|schema_to_xml|cursor_to_xml|database_to_xml)\s*\(|::xml\b",
    re.IGNORECASE,
)
"""Functions that raise "unsupported XML feature" in a server without libxml (PostgreSQL's xml.c)."""


def build_problems(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts
) -> Iterator[Problem]:
    """What would be refused when a table is made or filled, or fail when it is used."""
    yield from _collations(service, catalog, closure, target)
    for need in catalog.build_needs:
        if need.object_id in closure.objects and catalog.objects[need.object_id].extension is None:
            yield from _unmet(service, catalog, need, target)
    for key in sorted(closure.objects):
        item = catalog.objects[key]
        if item.extension is not None:
            continue
        if item.kind == "collation" and not target.icu and _ICU.search(item.definition):
            yield Problem(
                service.name,
                "encoding",
                "no-go",
                f"{item} is of ICU, and {service.name}'s server is built without it: use a build that has it",
            )
        routine = catalog.routines.get(key)
        text = f"{item.definition}\n{routine.body}" if routine is not None else item.definition
        if not target.xml and _XML_CODE.search(text):
            yield Problem(
                service.name,
                "build",
                "note",
                f"{item} makes or reads XML, and {service.name}'s server is built without libxml: it"
                " will fail where it is used; use a build that has it",
            )


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
            service.name,
            "encoding",
            "no-go",
            f"{where} has the collation {name}, which {service.name}'s server does not have: install the"
            " locale (or a build with ICU) there, and run pg_import_system_collations",
        )


def _unmet(service: Service, catalog: Catalog, need: BuildNeed, target: TargetFacts) -> Iterator[Problem]:
    if need.what == "compression" and target.compressions and need.name not in target.compressions:
        yield Problem(
            service.name,
            "build",
            "no-go",
            f"{need.where} is compressed with {need.name}, and {service.name}'s server is built"
            f" without it: use a build that has it, or `ALTER TABLE {_uncompressed(catalog, need)}` in the"
            " shared database first",
        )
    if need.what == "xml" and not target.xml:
        of = "" if need.name in _XML_TYPES else ", which holds xml"
        yield Problem(
            service.name,
            "build",
            "no-go",
            f"{need.where} is of type {need.name}{of}, and {service.name}'s server is built without libxml,"
            " so that it takes no such value: use a build that has it",
        )
    if need.what == "locale" and target.locales and _spelled(need.name) not in target.locales:
        yield Problem(
            service.name,
            "encoding",
            "no-go",
            f"collation {need.where} is of the locale {need.name}, which {service.name}'s server does not"
            " know: install it on that machine, and run pg_import_system_collations",
        )


def _uncompressed(catalog: Catalog, need: BuildNeed) -> str:
    """What changes a column's compression; a table's columns are called `<table>.<column>`."""
    table = catalog.objects[need.object_id].identity
    return f"{table} ALTER COLUMN {need.where.removeprefix(f'{table}.')} SET COMPRESSION pglz"


def _spelled(locale: str) -> str:
    """One spelling for all of a locale's: `de_DE.UTF-8` and `de_DE.utf8` are the same."""
    name, dot, encoding = locale.partition(".")
    return name + dot + encoding.lower().replace("-", "")


def spelled_locales(names: Iterable[str]) -> frozenset[str]:
    """Locales for `TargetFacts.locales`, with those that every C library has."""
    return frozenset({"C", "POSIX", *map(_spelled, names)})
