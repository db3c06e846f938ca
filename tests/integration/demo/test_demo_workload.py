"""The workload keeps the invariants, also when its sessions are cut in the middle."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.sessions.connections import Database
from demo.workload.business_journal import read_journal
from demo.workload.invariants import check_invariants
from demo.workload.run import Workload
from demo.workload.statement_log import read_log
from tests.support.clusters import Clusters
from tests.support.demo_database import demo_contract, demo_database
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def shared(clusters: Clusters) -> Iterator[Database]:
    with demo_database(clusters.get("source", 17)) as database:
        yield database


def test_a_workload_does_every_kind_of_transaction_and_no_statement_fails(
    shared: Database, tmp_path: Path
) -> None:
    summary = Workload(demo_contract(shared), tmp_path, rate=60, workers=4, seed=1).run(5)
    assert summary.failures == []
    assert min(summary.done.values()) > 0


def test_the_invariants_hold_while_a_workload_is_running(shared: Database, tmp_path: Path) -> None:
    contract = demo_contract(shared)
    workload = Workload(contract, tmp_path, rate=None, workers=4)
    workload.start()
    try:
        found = [check_invariants(contract, workload.journal) for _ in range(5)]
    finally:
        workload.stop()
    assert found == [[]] * 5


def test_transactions_start_when_they_are_due(shared: Database, tmp_path: Path) -> None:
    summary = Workload(demo_contract(shared), tmp_path, rate=20, workers=4).run(4)
    assert 60 <= summary.transactions <= 82


def test_statements_are_logged_with_service_latency_and_outcome(shared: Database, tmp_path: Path) -> None:
    summary = Workload(demo_contract(shared), tmp_path, rate=20, workers=2).run(2)
    logged = list(read_log(tmp_path / "statements.csv"))
    assert len(logged) == sum(figures.statements for figures in summary.services.values())


def test_nothing_is_doubled_or_lost_when_sessions_are_cut(shared: Database, tmp_path: Path) -> None:
    contract = demo_contract(shared)
    with Proxy.to(shared) as proxy:
        through = demo_contract(proxy.seen_through(shared))
        workload = Workload(through, tmp_path, rate=80, workers=6)
        workload.start()
        for _ in range(8):
            time.sleep(0.5)
            proxy.cut_once()
        summary = workload.stop()
    assert summary.failed_statements > 0, "the cuts must have been felt"
    assert summary.unfinished == 0
    assert check_invariants(contract, workload.journal) == []


def test_what_a_killed_workload_left_unfinished_is_finished_by_the_next(
    shared: Database, tmp_path: Path
) -> None:
    contract = demo_contract(shared)
    with Proxy.to(shared) as proxy:
        workload = Workload(demo_contract(proxy.seen_through(shared)), tmp_path, rate=80, workers=4)
        workload.start()
        wait_until(lambda: workload.transactions() > 3)
        proxy.cut()  # for good: nobody repeats what was under way
        wait_until(lambda: bool(read_journal(workload.journal).unfinished))
        stopping = threading.Thread(target=workload.stop)
        stopping.start()
        stopping.join(60)
    assert read_journal(workload.journal).unfinished
    Workload(contract, tmp_path, rate=20, workers=4).run(2)
    assert not read_journal(workload.journal).unfinished
    assert check_invariants(contract, workload.journal) == []
