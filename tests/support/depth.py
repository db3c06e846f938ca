"""Depth that need not run each time: of some files' many faults a part runs, another one each day."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date
from pathlib import PurePosixPath

import pytest

PARTS = {
    "test_run_faults": 8,
    "test_start_faults": 8,
    "test_switch_faults": 8,
    "test_resume_faults": 8,
    "test_connection_faults": 8,
    "test_following_faults": 8,
    "test_silence_faults": 8,
    "test_files_faults": 4,
    "test_together_faults": 4,
    "test_switch_disk_faults": 3,
    "test_references_disk_faults": 3,
    "test_parameters": 3,
    "test_fidelity_kinds": 6,
    "test_schema_differences": 3,
    "test_boundary_edges": 4,
    "test_cases": 6,
    "test_object_kinds_left": 2,
    "test_ownership_ways_round": 2,
    "test_ownership_schema_changes": 2,
    "test_remedies": 2,
}
"""Files of which each parametrized test runs on one day of so many."""
ALONE = {
    "test_online_cli": 3,
    "test_references_life": 2,
    "test_references_move": 2,
    "test_rename": 2,
    "test_carried_changes": 2,
    "test_rollback_quick": 2,
    "test_online": 2,
    "test_rights_row_security": 2,
    "test_copy_faults": 2,
    "test_replication": 2,
    "test_consistency": 2,
    "test_hand_over": 2,
    "test_gateway": 2,
    "test_plan_locale": 2,
    "test_plan_edges": 2,
    "test_demo_workload": 2,
}
"""The same of every test: none of these files' stands on what another left, each has its world to itself."""
TURNS = (
    (
        "test_docker_stack",
        "test_docker_blast_radius",
        "test_docker_stack",
        "test_docker_bad_input",
        "test_docker_stack",
        "test_docker_demo",
        "test_docker_stack",
        "test_docker_archives",
    ),
    ("test_drift_moved", "test_preview_workflow"),
    ("test_stack_data", "test_older_stack"),
    (
        "test_generated_schemas",
        "test_generated_schemas_15_to_18",
        "test_generated_schemas_17_to_17",
        "test_generated_schemas_17_to_18",
    ),
)
"""Files that take long and stand for much the same, or for other versions: one of each group runs a day, one
that stands there more than once more often."""
DAY = "WAQITI_TEST_DAY"
"""The day of a session, as its first process saw it: all workers choose by the same one."""


def today() -> date:
    """The session's day."""
    return date.fromisoformat(os.environ.setdefault(DAY, date.today().isoformat()))


def is_wanted(whole: bool) -> bool:
    """Whether a session leaves anything out: one of whole folders, unless all faults were asked for."""
    return whole and not os.environ.get("WAQITI_ALL_FAULTS")


def is_wholly(every: int) -> bool:
    """Whether a test does all that it can: on one day of so many, and where all faults were asked for."""
    return bool(os.environ.get("WAQITI_ALL_FAULTS")) or today().toordinal() % every == 0


def split(items: Iterable[pytest.Item], day: date) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """What runs on that day, and what is left to others; order is kept."""
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    seen: dict[str, int] = {}
    for item in items:
        file = item.nodeid.partition("::")[0]
        name = PurePosixPath(file).stem
        if any(name in group and group[day.toordinal() % len(group)] != name for group in TURNS):
            left.append(item)
            continue
        parts = ALONE.get(name) or PARTS.get(name, 1)
        number = seen.get(file, 0)
        if name in ALONE or hasattr(item, "callspec"):
            seen[file] = number + 1
            (kept if (number + day.toordinal()) % parts == 0 else left).append(item)
        else:
            kept.append(item)
    return kept, left
