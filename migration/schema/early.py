"""Builds the indexes of large tables as soon as their rows are there, while the others are still copied.

A copy and these builds are one pool: each piece and each index takes a turn, the largest that waits first,
and builds no more than half of them while the copy goes on.
What is built is noted as done, so that the build of all that comes after the rows leaves it out. Expressions
that call a function with a body of its own wait for that: it may read tables whose rows are not there yet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from components.contract import Contract
from core.sessions.connections import Database
from migration.catalog.tables import TableName
from migration.copy.task import CopiedTable
from migration.copy.throttle import Throttle
from migration.copy.turns import Turns
from migration.plan.model import Plan, ServicePlan
from migration.schema.build import Board, Builder, Task
from migration.schema.create import make_builder, service_script
from migration.schema.dump import SchemaDump
from migration.schema.phases import INDEXES, make_phases

LARGE_BYTES = 64 << 20
"""Smaller tables are copied and indexed in a moment: nobody has to begin early."""


@dataclass(frozen=True)
class Early:
    """What a copy tells to have indexes built beside it."""

    turns: Turns
    """For the copy: they share them."""
    tables: int
    """How many tables' indexes are built beside the copy."""
    copied: Callable[[CopiedTable], None]
    """The rows of a table are there. Raises what a build beside the copy has raised."""


@contextmanager
def early_builds(
    contract: Contract,
    plan: Plan,
    name: str,
    dump: Callable[[], SchemaDump],
    target: Database,
    *,
    workers: int,
    stop: threading.Event,
    throttle: Throttle,
    large: int | None = None,
) -> Iterator[Early]:
    """Around the copy of the service `name`: leaving it waits until its large tables' indexes are built.

    Large are those of `large` bytes, LARGE_BYTES by default; without any, `dump` is not asked for. Where the
    context is left by an exception, builds are cancelled, and have ended when this raises it. Raises what
    `build_indexes` raises.
    """
    own = plan.services[name]
    turns = Turns(max(workers, 1))
    least = LARGE_BYTES if large is None else large
    wanted = {table.oid: table.name for table in own.tables if table.holds_rows and table.bytes >= least}
    tasks = _tasks(contract, plan, own, dump(), wanted) if wanted else ()
    if not tasks:
        yield Early(turns, 0, lambda _: None)
        return
    builder = make_builder(
        contract.services[name], target, workers=workers, progress=None, stop=stop, throttle=throttle
    )
    builder.turns = turns
    left = [task for task in tasks if task.statement.fingerprint not in builder.done]
    with _beside(builder, left, wanted) as copied:
        yield Early(turns, len(wanted), copied)


def _tasks(
    contract: Contract, plan: Plan, own: ServicePlan, dump: SchemaDump, wanted: dict[int, TableName]
) -> tuple[Task, ...]:
    """Those of the indexes that need nothing but one of these tables' rows, the largest first."""
    script = service_script(contract, plan, own.service, dump)
    (indexes,) = (phase for phase in make_phases(script.after, own, plan.catalog) if phase.name == INDEXES)
    fit = [
        task
        for task in indexes.tasks
        if task.shares | task.excludes <= wanted.keys() and not task.statement.under_path
    ]
    return tuple(sorted(fit, key=lambda task: -task.cost))


@contextmanager
def _beside(
    builder: Builder, tasks: Sequence[Task], wanted: dict[int, TableName]
) -> Iterator[Callable[[CopiedTable], None]]:
    oids = {name: oid for oid, name in wanted.items()}
    board = Board(tasks, ready=())
    workers = max(1, min(builder.workers, len(tasks)))
    with builder.working(board, workers, sum(task.cost for task in tasks) / workers) as crew:

        def copied(table: CopiedTable) -> None:
            crew.check()
            if table.table in oids:
                board.ready(oids[table.table])

        yield copied
        builder.turns.copied()
        board.all_ready()
        crew.end()
