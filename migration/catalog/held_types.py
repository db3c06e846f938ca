"""Types that values of columns are, or hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_TYPE, Catalog


def held_types(catalog: Catalog, tables: Iterable[ObjectId]) -> set[ObjectId]:
    """Types that values of the tables' columns are, or hold: elements, attributes, bounds, bases.

    A table's row type is its table, as an array type is its element's type: they are parts of those.
    """
    queue = list(tables)
    seen = set(queue)
    while queue:
        item = queue.pop()
        for unit in (item, *catalog.parts.get(item, ())):
            for dependency in catalog.outgoing.get(unit, ()):
                needed = catalog.whole(dependency.referenced)
                if dependency.referenced[0] == PG_TYPE and needed not in seen:
                    seen.add(needed)
                    queue.append(needed)
    return {key for key in seen if key[0] == PG_TYPE}
