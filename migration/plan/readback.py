"""What PostgreSQL cannot read back, found by trying: what it prints is given to its grammar. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from components.contract import Service
from migration.boundary.closure import Closure
from migration.catalog.objects import Catalog, CatalogObject
from migration.parsing.readback import reads_back
from migration.plan.model import Problem

_PRINTED = frozenset({"view", "materialized view", "rule"})
_HOW = {
    "function": "CREATE OR REPLACE it there with a name for each of its parameters",
    "procedure": "CREATE OR REPLACE it there with a name for each of its parameters",
}


def readback_problems(service: Service, catalog: Catalog, closure: Closure) -> Iterator[Problem]:
    """The views, rules and parsed bodies that no dump brings back."""
    for key in sorted(closure.objects):
        item = catalog.objects[key]
        if item.extension is None and _is_printed(catalog, item) and not reads_back(item.definition):
            how = _HOW.get(item.kind, "write it there without what cannot be read, or drop it")
            yield Problem(
                service.name,
                "data",
                "no-go",
                f"{item} cannot be made again from what PostgreSQL prints of it ({_why(item)}): {how}, before"
                " the move",
            )


def _is_printed(catalog: Catalog, item: CatalogObject) -> bool:
    """Whether its definition is the server's own print of a parsed tree, and nobody's text."""
    routine = catalog.routines.get(item.id)
    if routine is not None:
        return routine.parsed and item.definition != ""
    return item.kind in _PRINTED and item.definition != ""


def _why(item: CatalogObject) -> str:
    if '""' in item.definition and item.kind in _HOW:
        return "several parameters without a name, which it prints alike"
    if "CYCLE" in item.definition:
        return "CYCLE ... SET ... TO a value that it prints with a cast"
    return "its grammar refuses it"
