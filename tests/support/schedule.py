"""In which order test files run where several run side by side, and which never do: the long ones first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

LONG = (
    "test_company",
    "test_online_cli",
    "test_demo_script",
    "test_cases",
    "test_team",
    "test_drift",
    "test_switch_faults",
    "test_run_faults",
    "test_references_life",
    "test_carried_changes",
    "test_clients",
    "test_start_faults",
    "test_files_faults",
    "test_bring",
    "test_rename",
    "test_monitoring_alarms",
    "test_report",
    "test_load",
    "test_slo",
    "test_run_online",
    "test_fidelity_kinds",
    "test_stack_up",
    "test_preview",
    "test_connection_faults",
    "test_references_move",
    "test_local_platform_instance",
    "test_rollback_quick",
    "test_rights_row_security",
    "test_online",
    "test_replication",
    "test_rollback_values",
    "test_generated_schemas_17_to_17",
    "test_preview_workflow",
    "test_run",
    "test_backup_restore",
    "test_plan_locale",
    "test_copy_faults",
    "test_demo_workload",
    "test_following_faults",
    "test_together_faults",
    "test_restore_points",
    "test_boundary_edges",
    "test_gates_sessions",
    "test_restore_points_eight",
    "test_verification",
    "test_consistency",
    "test_copy_values",
    "test_bad_input",
    "test_older_stack",
    "test_references_verb",
    "test_local_platform_gateway",
    "test_hand_over",
    "test_monitoring_stack",
    "test_silence_faults",
    "test_drift_moved",
    "test_two_operators",
    "test_demo_invariants",
    "test_rights_commands",
    "test_remedies",
    "test_stack_data",
    "test_references_refill",
    "test_plan_edges",
    "test_references_types",
    "test_runtime_queries",
    "test_backup_check",
    "test_copy_throttle",
    "test_backup_faults",
    "test_regression_schema",
    "test_references_disk_faults",
    "test_backup_synchronous",
    "test_older_guards",
    "test_schema_create",
    "test_normal_forms",
    "test_peers_schemas",
    "test_gateway",
    "test_rights_generated",
    "test_parameters",
    "test_generated_schemas_15_to_18",
    "test_generated_schemas_17_to_18",
    "test_generated_schemas",
    "test_switch_disk_faults",
    "test_object_kinds_left",
)
"""Files of half a minute and more, the longest first; the order of the others matters little."""
TIERS = ("acceptance", "integration", "unit")
ENGINE = "tests/acceptance/test_docker_"
"""Files that have a Docker Engine, of which there is one at a time: no worker waits for another's."""


def by_cost(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The same tests: those of an engine, those of long files, then tier by tier. Files stay whole."""
    return sorted(items, key=lambda item: rank(item.nodeid.partition("::")[0]))


def rank(file: str) -> tuple[int, int, str]:
    """What a file is sorted by."""
    if file.startswith(ENGINE):
        return 0, 0, file
    name = PurePosixPath(file).stem
    if name in LONG:
        return 1, LONG.index(name), file
    return 2, next((i for i, tier in enumerate(TIERS) if f"/{tier}/" in file), len(TIERS)), file


class FilesInOrder(LoadFileScheduling):  # type: ignore[misc]
    """A file at a time for each worker, in the order of collection; all that have an engine are one file."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return ENGINE if file.startswith(ENGINE) else file
