"""References as a restore point keeps them, so that a check of restored databases needs no shared one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.contract import Contract
from core.names import TableName
from core.points.model import SHARED, KeptReference
from core.references.keys import CrossingKey, crossing_references
from core.references.model import Home, Reference
from core.sessions.settings import LOOKING, use
from core.sessions.stack import source_database


def kept_references(contract: Contract) -> tuple[KeptReference, ...]:
    """All that the shared database knows. Raises what connecting to it raises."""
    source = source_database(contract)
    with source.connect() as connection, source.translated("reading the foreign keys that cross"):
        use(connection, LOOKING)
        found = crossing_references(connection, contract)
    return tuple(
        KeptReference(
            schema_name=one.key.table.schema,
            table=one.key.table.name,
            constraint=one.key.constraint,
            definition=one.key.definition,
            references_schema=one.key.references,
            dependent=one.dependent,
            referenced=one.referenced,
        )
        for one in found
    )


def as_references(kept: Sequence[KeptReference], homes: Mapping[str, str]) -> list[Reference]:
    """For `check_reference`; `homes` are the services' places at the point."""

    def home(service: str) -> Home:
        return "shared" if homes.get(service) == SHARED else "own"

    return [
        Reference(
            CrossingKey(
                TableName(one.schema_name, one.table), one.constraint, one.definition, one.references_schema
            ),
            one.dependent,
            one.referenced,
            (home(one.dependent), home(one.referenced)),
            enforced=False,
        )
        for one in kept
    ]
