"""Applications that write in replica mode: no trigger and no foreign key acts for them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from migration.catalog.objects import Catalog
from migration.plan.model import Problem

PARAMETER = "session_replication_role"


def replica_mode_problems(catalog: Catalog) -> Iterator[Problem]:
    """A no-go where sessions of the services' common role begin so: on their own databases they could not."""
    if not catalog.replica_mode:
        return
    where = " and ".join(place for place, _ in catalog.replica_mode)
    statements = "; ".join(statement for _, statement in catalog.replica_mode)
    yield Problem(
        None,
        "setting",
        "no-go",
        f"sessions of {catalog.application or 'the services'} begin with {PARAMETER} = replica, set for"
        f" {where}: no trigger and no foreign key acts for what they write, and on its own database a"
        " service's role may not set it; in the shared database first, and let its sessions begin anew:"
        f" {statements}",
    )
