"""Indexes and keys of tables whose rows come as files: made while the tables are empty, in an instant.

What is made is noted as done, so that the build of all that comes after the rows leaves it out.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace

from components.contract import Contract
from core.progress.interface import Progress
from core.sessions.connections import Database
from migration.copy.throttle import Unthrottled
from migration.plan.model import Plan
from migration.schema.build import Phase, Task
from migration.schema.create import make_builder, service_script
from migration.schema.dump import SchemaDump
from migration.schema.phases import CONSTRAINTS, INDEXES, KEYS, VALIDITY, make_phases


def build_ahead(
    contract: Contract,
    plan: Plan,
    name: str,
    dump: SchemaDump,
    target: Database,
    *,
    tables: frozenset[int],
    workers: int,
    progress: Progress,
    stop: threading.Event,
) -> None:
    """Make indexes and keys of these tables alone (OIDs on the source). Raises as `build_indexes` does."""
    script = service_script(contract, plan, name, dump)
    phases = make_phases(script.after, plan.services[name], plan.catalog)
    builder = make_builder(
        contract.services[name],
        target,
        workers=workers,
        progress=progress,
        stop=stop,
        throttle=Unthrottled(),
    )
    builder.run(ahead_of_rows(phases, tables))


def ahead_of_rows(phases: Iterable[Phase], tables: frozenset[int]) -> tuple[Phase, ...]:
    """What of the phases needs nothing but these tables."""

    def of_these(task: Task) -> bool:
        locks = task.shares | task.excludes
        return bool(locks) and locks <= tables

    by_name = {phase.name: phase for phase in phases}
    validations = tuple(filter(of_these, by_name[VALIDITY].tasks))
    keys = {task.statement.object_id for task in validations}
    added = tuple(task for task in by_name[KEYS].tasks if task.statement.object_id in keys)
    made = [
        replace(by_name[name], tasks=tuple(filter(of_these, by_name[name].tasks)))
        for name in (INDEXES, CONSTRAINTS)
    ]
    return (*made, replace(by_name[KEYS], tasks=added), replace(by_name[VALIDITY], tasks=validations))
