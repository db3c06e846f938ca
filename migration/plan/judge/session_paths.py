"""The search_path of sessions: of the services today, through their gateways, and of this program. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from psycopg import sql

from components.contract import Service
from migration.boundary.closure import Closure
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_PROC, Catalog, CatalogObject
from migration.plan.bare_names import BareNames
from migration.plan.model import Problem

_WRITES = re.compile(r"\b(insert\s+into|update|delete\s+from|merge\s+into)\b", re.IGNORECASE)
_WHILE_CLOSED = re.compile(
    r"\b((CREATE|ALTER|DROP) (SUBSCRIPTION|PUBLICATION|TABLE|TRIGGER|FUNCTION|SCHEMA)|GRANT|REVOKE)\b"
)
"""DDL of the migration's own on a side whose tables are closed."""


def event_trigger_problems(catalog: Catalog, claimed: frozenset[str]) -> Iterator[Problem]:
    """Event triggers that write to a service's table, and fire for what this program does while it is closed.

    Whether they fail otherwise is tried (`plan.event_trigger_probe`). `claimed`: all services' schemas.
    """
    # A name that is found on no path yet is told of, too: with its remedy, the function would write there.
    names = BareNames(catalog, (*(catalog.application_path or ("public",)), *sorted(claimed)), None)
    for key, item in sorted(catalog.objects.items()):
        tags = item.definition
        if (
            item.kind == "event trigger"
            and item.extension is None
            and (not tags or _WHILE_CLOSED.search(tags))
        ):
            for dependency in catalog.outgoing.get(key, ()):
                if dependency.referenced[0] == PG_PROC:
                    yield from _writes(names, item, dependency.referenced, claimed)


def _writes(
    names: BareNames, trigger: CatalogObject, routine: ObjectId, claimed: frozenset[str]
) -> Iterator[Problem]:
    known = names.catalog.routines.get(routine)
    if known is None or _WRITES.search(known.body) is None:
        return
    for table in names.tables(routine):
        if table.schema in claimed:
            disable = sql.SQL("ALTER EVENT TRIGGER {} DISABLE").format(sql.Identifier(trigger.name))
            yield Problem(
                None,
                "data",
                "no-go",
                f"{trigger} writes to {table}, which a service's move closes, and would make it fail; let it"
                f" write to a schema of nobody's, or in the shared database first: {disable.as_string(None)}",
            )
            return


def session_path_problems(
    service: Service, catalog: Catalog, closure: Closure, claimed: frozenset[str]
) -> Iterator[Problem]:
    """Schemas that the common role finds names in today, and a service's sessions will not.

    `claimed` are the schemas of all services: what is named in another's is judged as what crosses.
    """
    path = (service.schema_name, "public")
    beyond = [
        one
        for one in catalog.application_path
        if one not in {*path, *claimed, "pg_catalog"} and one in catalog.schemas
    ]
    if not beyond:
        return
    why = (
        f"the service's sessions find names in {', '.join(path)}, through its endpoint as on its own database"
    )
    names = BareNames(catalog, path, service.name)
    whole = BareNames(
        catalog, [one for one in catalog.application_path if one not in claimed - {*path}], service.name
    )
    for key in sorted(closure.objects):
        name = names.named_beyond(key, beyond) if key[0] == PG_PROC else None
        if name is not None:
            yield from whole.no_go(None, key, why, f"names {name} without a schema")
    yield Problem(
        service.name,
        "setting",
        "note",
        f"the services' common role finds names in {', '.join(beyond)}, too, by its search_path: {why};"
        " statements of its applications have to name that schema",
    )
