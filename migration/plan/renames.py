"""What of the shared database would forbid a schema's new name later, at `finish`. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from components.contract import Service
from migration.catalog.identity import ObjectId
from migration.catalog.objects import Catalog
from migration.parsing.mentions import texts_naming
from migration.plan.model import Problem

HOW = "write these names without their schema, or the function with BEGIN ATOMIC"


def plan_problems(
    service: Service, catalog: Catalog, objects: Collection[ObjectId], readers: Sequence[str]
) -> Iterator[Problem]:
    """What of the shared database would forbid the rename at `finish`; said before anything moves.

    `readers` are the services that keep a replica of it.
    """
    if service.own_schema is None:
        return
    what = f"`ownSchema: {service.own_schema}` of {service.name}"
    for use in texts_naming(catalog, service.schema_name, sorted(objects)):
        if use.certain:
            text = f"{use} names the schema in text, which {what} would break: {HOW}"
            yield Problem(service.name, "rename", "no-go", text)
        else:
            text = f"{use} may name the schema in text, which {what} would break: `finish` will ask again"
            yield Problem(service.name, "rename", "note", text)
    if readers:
        yield Problem(
            service.name,
            "rename",
            "no-go",
            f"{', '.join(readers)} would keep a replica of {service.name} by its schema's name, which {what}"
            " would break: leave `ownSchema` out, or drop these references",
        )
