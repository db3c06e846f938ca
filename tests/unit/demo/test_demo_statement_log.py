"""Latencies and outcomes of the workload's statements."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.workload.statement_log import CONNECTION, OK, Statement, StatementLog, percentile, read_log

pytestmark = pytest.mark.unit


def log_of(*outcomes: str, path: Path | None = None) -> StatementLog:
    log = StatementLog(path)
    for number, outcome in enumerate(outcomes):
        log.record(Statement(1000.0 + number, "wallet", "update wallet", float(number + 1), outcome))
    return log


def test_a_serialization_failure_that_is_retried_is_no_failed_statement() -> None:
    figures = log_of(OK, "40001", "40P01").figures()["wallet"]
    assert (figures.failed, figures.retried) == (0, 2)


@pytest.mark.parametrize("outcome", [CONNECTION, "57014", "25006", "P0001"])
def test_anything_else_than_a_retry_is_a_failed_statement(outcome: str) -> None:
    assert log_of(OK, outcome).figures()["wallet"].failed == 1


def test_the_log_can_be_read_back_between_two_times(tmp_path: Path) -> None:
    log_of(OK, "57014", OK, path=tmp_path / "s.csv").close()
    found = list(read_log(tmp_path / "s.csv", since=1001.0, until=1002.0))
    assert found == [Statement(1001.0, "wallet", "update wallet", 2.0, "57014")]


def test_a_log_whose_last_line_was_cut_off_is_read_up_to_it(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    log_of(OK, OK, path=path).close()
    path.write_text(path.read_text(encoding="utf-8") + "1003.0,wal", encoding="utf-8")
    assert len(list(read_log(path))) == 2


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.001, 1))
def test_at_least_the_share_of_values_is_at_or_below_their_percentile(
    values: list[float], share: float
) -> None:
    ordered = sorted(values)
    reached = percentile(ordered, share)
    assert sum(value <= reached for value in ordered) >= share * len(ordered) - 1e-9


def test_the_last_percentile_is_the_slowest_statement() -> None:
    assert percentile([1.0, 2.0, 9.0], 1.0) == 9.0
