"""Tables whose columns would stand in another order on a service's own database. Pure.

CREATE TABLE ... INHERITS puts the inherited columns first, as pg_dump does; a column that a parent got after
its child was made stands behind the child's own. `SELECT *` and INSERT without a list of columns go by the
order.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from components.contract import Service
from core.services_yaml import crossing_item
from migration.boundary.closure import STATEMENT, Closure
from migration.catalog.objects import PG_CLASS, Catalog
from migration.catalog.tables import display_name
from migration.plan.model import Problem


def column_order_problems(service: Service, catalog: Catalog, closure: Closure) -> Iterator[Problem]:
    """A no-go for each such table, but where a rule says that no statement goes by the order."""
    for oid, (here, made) in catalog.column_orders.items():
        if (PG_CLASS, oid) not in closure.objects or oid not in catalog.tables:
            continue
        name = catalog.tables[oid].name
        identity = f"{STATEMENT}columns of {name} by their order"
        if any(rule.action == "ignore" and fnmatchcase(identity, rule.match) for rule in service.crossing):
            continue
        listed = (", ".join(map(display_name, columns)) for columns in (here, made))
        yield Problem(
            service.name,
            "data",
            "no-go",
            f"columns of table {name} stand as ({next(listed)}), and would as ({next(listed)}) on the"
            " service's own database, because a parent of it got some after it was made: SELECT * and INSERT"
            " without a list of columns would mean others; let its statements name them, then say so",
            f"services: {service.name}: crossing: {crossing_item(identity, 'ignore')}",
        )
