"""Whether a schema's new name, given by `finish`, is still the one that services.yaml has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg

from components.contract import Service
from core.sessions.queries import queries
from core.sessions.stack import target_database
from migration.journal.journal import StepRecord

query = queries(__package__)

RENAME_STEP = "rename the schema"
"""Its name in the journal."""


def lost_name(service: Service, records: Sequence[StepRecord]) -> str | None:
    """What to say when a service's schema was renamed and services.yaml does not have that name any more.

    `records` are the journal's, of the service's newest move. None where all is well, also where a person has
    renamed it accordingly. Where it is not sure, its own database is asked; raises what connecting raises.
    """
    wanted = service.own_schema or service.schema_name
    renames = [record for record in records if record.step == RENAME_STEP]
    names = [record.figures["renamed_to"] for record in renames if record.figures.get("renamed_to")]
    cut_off = any(record.outcome is None for record in renames)
    if (not names or names[-1] == wanted) and not (cut_off and service.own_schema is None):
        return None
    target = target_database(service)
    with closing(target.connect()) as connection, target.translated("looking for its schema"):
        there = schemas_in_use(connection, [wanted])
    if there.get(wanted):
        return None
    says = f"`ownSchema: {service.own_schema}`" if service.own_schema else "no `ownSchema` any more"
    back = f"`ownSchema: {names[-1]}`" if names else "the `ownSchema` that it had"
    return (
        f"{service.name}'s schema was renamed in its own database by `finish`, and services.yaml has {says}: "
        f"its clients would search {wanted}, which is not there; put {back} back, then `pulumi up`"
    )


def schemas_in_use(connection: psycopg.Connection[Any], names: Sequence[str]) -> dict[str, bool]:
    """Which of these schemas there are, each with whether anything is in it."""
    return dict(connection.execute(query("schema_names"), {"names": list(names)}).fetchall())
