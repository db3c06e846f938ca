"""Moves a generated schema with its rows, and demands that all of it arrived."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings

from core.progress.interface import Silent
from migration.copy.sequences import move_sequences
from migration.copy.tables import CopyTask, copy_tables
from migration.fidelity.compare import compare_schemas
from migration.schema.create import build_indexes, create_schema
from migration.steps.context import exported_snapshot
from migration.verify.compare import compare
from migration.verify.objects import compare_sequences
from tests.support.clusters import Clusters
from tests.support.moving import Split, split
from tests.support.schema_generator import RULES, Generated

EXPLORE = "WAQITI_EXPLORE"
"""Set: other schemas at every run. Not set: the same ones, so that CI fails only for what was changed."""


def thorough(examples: int) -> settings:
    """Hypothesis' settings for moves: servers on a busy machine keep no deadline.

    All examples with WAQITI_ALL_FAULTS, else three eighths of them: no tests cost more.
    """
    return settings(
        max_examples=examples if "WAQITI_ALL_FAULTS" in os.environ else max(1, examples * 3 // 8),
        deadline=None,
        derandomize=EXPLORE not in os.environ,
        database=None,
        print_blob=True,
        report_multiple_bugs=False,
        # Making a failing schema smaller takes minutes: for the person who looks into it.
        phases=[phase for phase in Phase if phase is not Phase.shrink or "CI" not in os.environ],
        suppress_health_check=list(HealthCheck),
    )


def move_and_compare(clusters: Clusters, versions: tuple[int, int], schema: Generated) -> None:
    """Plan, create, copy, build, and compare rows, sequences and schemas, owners and privileges included."""
    there, here = clusters.get("source", versions[0]), clusters.get("target", versions[1])
    source = there.new_database()
    try:
        with source.connect() as connection:
            for statement in schema.statements:
                connection.execute(statement.encode())
        rules = dict.fromkeys(schema.services, RULES)
        with (
            tempfile.TemporaryDirectory() as folder,
            split(source, here, rules, Path(folder)) as made,
        ):
            found = move(made, schema.services)
    finally:
        there.drop_database(source)
    assert found == [], "\n".join(found)


def move(made: Split, services: Sequence[str]) -> list[str]:
    """Move services with their rows; returns what differs afterwards by the project's own comparison."""
    plan = made.plan()
    plan.check()
    dump = made.dump(services[0])
    for name in services:
        create_schema(made.contract, plan, name, dump, made.targets[name])
    tasks = [
        CopyTask(name, table, made.targets[name]) for name in services for table in plan.services[name].tables
    ]
    with exported_snapshot(made.source) as snapshot:
        copy_tables(made.source, tasks, snapshot, workers=2, progress=Silent(), stop=threading.Event())
    found = []
    for name in services:
        own, target = plan.services[name], made.targets[name]
        build_indexes(made.contract, plan, name, dump, target, workers=1)
        move_sequences(made.source, target, own.sequences)
        rows = compare(
            made.source,
            target,
            own.tables,
            source_snapshot=None,
            target_snapshot=None,
            workers=1,
            progress=Silent(),
            stop=threading.Event(),
        )
        found += [
            f"{name}: {table.table} differs: {table.structure or table.differences[:2]}"
            for table in rows.tables
            if not table.equal
        ]
        found += [f"{name}: {problem}" for problem in compare_sequences(made.source, target, own.sequences)]
        differences = compare_schemas(made.source, target, plan, name, made.contract)
        found += [f"{name}: {difference}" for difference in differences]
    return found
