"""Views that select from themselves, at once or through each other: nothing can read them. Pure.

`CREATE OR REPLACE VIEW` makes them; PostgreSQL sees the circle only when one is read. A dump brings a view
that names itself as what cannot be created.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from psycopg import sql

from components.contract import Service
from migration.boundary.closure import Closure
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_REWRITE, Catalog
from migration.plan.model import Problem

_RULE = "_RETURN"


def circle_problems(service: Service, catalog: Catalog, closure: Closure) -> Iterator[Problem]:
    """One no-go for all of a service's."""
    found = [catalog.objects[key] for key in in_circles(catalog, closure.objects)]
    if not found:
        return
    names = sql.SQL(", ").join(sql.Identifier(view.schema or "", view.name) for view in found)
    listed = ", ".join(view.identity for view in found)
    one = (
        "view {} selects from itself"
        if len(found) == 1
        else "the views {} select from each other in a circle"
    )
    yield Problem(
        service.name,
        "data",
        "no-go",
        f"{one.format(listed)}, so that nothing can be read from there and no dump brings it back:"
        f" DROP VIEW {names.as_string(None)} in the shared database, before the move",
    )


def in_circles(catalog: Catalog, objects: Collection[ObjectId]) -> Sequence[ObjectId]:
    """The views that are in a circle, or between two."""
    reads: dict[ObjectId, set[ObjectId]] = {}
    for key in objects:
        if key[0] == PG_REWRITE and catalog.objects[key].name == _RULE:
            view = catalog.whole(key)
            needs = {catalog.whole(d.referenced) for d in catalog.outgoing.get(key, ())}
            # Every rule needs its own view; what it reads of itself are columns.
            own = {view} if (view, view[1]) in catalog.columns_read else set()
            reads[view] = needs - {view} | own
    left = set(reads)
    while True:
        read = {needed for view in left for needed in reads[view]}
        kept = {view for view in left if view in read and reads[view] & left}
        if kept == left:
            return sorted(left)
        left = kept
