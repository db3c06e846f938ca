"""Checks of domains that columns hold in arrays, row types or ranges: they are made with the domain.

PostgreSQL validates no check of such a domain, so that one made after the rows would stay NOT VALID whatever
the rows are. What its functions read has to be there first: the tables that hold the domain are loaded last.
Where that order does not help (what is read is loaded as late, or only refreshed then, or a function takes
the domain itself), the check is made after the rows all the same, and binds what is written.
docs/decisions/0069-paths.md. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set

from migration.catalog.held_types import held_types
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_CLASS, PG_CONSTRAINT, PG_PROC, Catalog
from migration.catalog.tables import Table
from migration.plan.bare_names import BareNames


def made_with_type(
    names: BareNames, objects: Set[ObjectId], relations: Sequence[Table], last: Set[int]
) -> dict[ObjectId, frozenset[int]]:
    """Such checks among a service's objects, and the OIDs of what they read.

    `relations` are the service's tables, `last` the OIDs of those that are loaded last anyway.
    """
    catalog = names.catalog
    found = {}
    for key, judged in catalog.judged.items():
        if judged.contained and key[0] == PG_CONSTRAINT and key in objects:
            routines, read = _reached(names, judged.routines)
            if catalog.whole(key) not in held_types(catalog, routines):
                found[key] = read
    reading = {key: read for key, read in found.items() if read}
    if reading:
        first = {table.oid for table in relations if table.kind != "foreign"} - last
        first -= holders(relations, catalog, reading)
        for key, read in reading.items():
            if not read <= first:
                del found[key]
    return found


def holders(relations: Sequence[Table], catalog: Catalog, checks: Iterable[ObjectId]) -> frozenset[int]:
    """OIDs of the tables that hold the checks' domains."""
    domains = {catalog.whole(key) for key in checks}
    if not domains:
        return frozenset()
    return frozenset(
        table.oid
        for table in relations
        if not domains.isdisjoint(held_types(catalog, [(PG_CLASS, table.oid)]))
    )


def _reached(names: BareNames, routines: Iterable[ObjectId]) -> tuple[set[ObjectId], frozenset[int]]:
    """Functions that are called, and OIDs of relations that hold what they read, directly or not.

    With a view come what it reads, with a table its partitions and children.
    """
    catalog = names.catalog
    below: defaultdict[ObjectId, list[ObjectId]] = defaultdict(list)
    for dependency in catalog.dependencies:
        child, parent = dependency.dependent, dependency.referenced
        if child[0] == parent[0] == PG_CLASS and child[1] in catalog.tables and parent[1] in catalog.tables:
            below[parent].append(child)
    queue = list(routines)
    seen = set(queue)
    while queue:
        item = queue.pop()
        units = (item, *catalog.parts.get(item, ())) if catalog.objects[item].kind == "view" else (item,)
        needed = []
        if item[0] == PG_CLASS and item[1] in catalog.tables:
            needed = list(below.get(item, ()))
        elif item[0] == PG_PROC or len(units) > 1:
            needed = [d.referenced for unit in units for d in catalog.outgoing.get(unit, ())]
            needed += [named.id for named in names.named(item)]
        for one in needed:
            if one[0] in {PG_CLASS, PG_PROC} and one not in seen:
                seen.add(one)
                queue.append(one)
    held = {"table", "materialized view", "foreign table"}
    read = {
        oid for classid, oid in seen if classid == PG_CLASS and catalog.objects[classid, oid].kind in held
    }
    return {key for key in seen if key[0] == PG_PROC}, frozenset(read)
