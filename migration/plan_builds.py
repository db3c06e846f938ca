"""What a schema needs and the build of a service's own server leaves out: ICU, lz4, libxml. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from components.contract import Service
from migration.catalog_model import PG_CLASS, Catalog
from migration.closure import Closure
from migration.plan_model import Problem, TargetFacts

_ICU = re.compile(r"\(provider = icu, ")
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
    for key in sorted(closure.objects):
        item = catalog.objects[key]
        if item.extension is not None:
            continue
        if item.kind == "collation" and not target.icu and _ICU.search(item.definition):
            yield Problem(
                service.name, "encoding", "no-go",
                f"{item} is of ICU, and {service.name}'s server is built without it: use a build that has it",
            )  # fmt: skip
        table = catalog.tables.get(key[1]) if key[0] == PG_CLASS else None
        for column in table.columns if table is not None else ():
            where = f"{item.identity}.{column.name}"
            known = target.compressions
            if column.compression and known and column.compression not in known:
                yield Problem(
                    service.name, "setting", "no-go",
                    f"{where} is compressed with {column.compression}, and {service.name}'s server is built"
                    " without it: use a build that has it, or ALTER TABLE ... SET COMPRESSION pglz in the"
                    " shared database first",
                )  # fmt: skip
            if column.type in _XML_TYPES and not target.xml:
                yield Problem(
                    service.name, "setting", "no-go",
                    f"{where} is of type xml, and {service.name}'s server is built without libxml, so that it"
                    " takes no such value: use a build that has it",
                )  # fmt: skip
        routine = catalog.routines.get(key)
        text = f"{item.definition}\n{routine.body}" if routine is not None else item.definition
        if not target.xml and _XML_CODE.search(text):
            yield Problem(
                service.name, "setting", "note",
                f"{item} makes or reads XML, and {service.name}'s server is built without libxml: it"
                " will fail where it is used; use a build that has it",
            )  # fmt: skip
