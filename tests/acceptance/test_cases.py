"""Inputs that once failed move with every value, or are refused by name with a remedy that helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.case_files import Case, every_case
from tests.support.case_runs import run_case
from tests.support.clusters import Clusters

pytestmark = pytest.mark.acceptance


@pytest.mark.parametrize("case", every_case(), ids=lambda case: case.name)
def test_a_case_moves_both_ways_or_is_refused(case: Case, clusters: Clusters, tmp_path: Path) -> None:
    run_case(case, clusters, tmp_path)
