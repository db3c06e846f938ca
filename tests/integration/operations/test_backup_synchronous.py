"""Commits that wait for the archive: what is lost with the server, and what happens when nobody receives."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from migration.report.backups import backup_problems
from operations.backup.state import read_state
from tests.support.archives import Kept, kept_service, until
from tests.support.clusters import Clusters

pytestmark = pytest.mark.integration

LIMIT = 2.0


@pytest.fixture(scope="module")
def kept(clusters: Clusters) -> Iterator[Kept]:
    with kept_service(clusters, "wallet", {"synchronous": True, "synchronousLimit": "2s"}) as made:
        made.wait_for_first_backup()
        made.execute("CREATE TABLE told (id bigint PRIMARY KEY)")
        yield made


def wait_for_it(kept: Kept) -> None:
    def so() -> bool:
        state = read_state(kept.archive)
        return state.synchronous.in_force and state.receiver.pid is not None

    until(so, "commits do not wait for the archive")


@contextmanager
def standing_still(kept: Kept) -> Iterator[int]:
    """The receiver lives, but does not come on, as before a disk that hangs."""
    pid = read_state(kept.archive).receiver.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)


def seconds_of_a_commit(kept: Kept, number: int) -> float:
    begun = time.monotonic()
    kept.execute("INSERT INTO told VALUES (%s)", number)
    return time.monotonic() - begun


def problems(kept: Kept) -> list[str]:
    return backup_problems(kept.contract.services["wallet"].backups)


def test_the_receiver_is_a_synchronous_standby_of_the_server(kept: Kept) -> None:
    wait_for_it(kept)
    assert kept.execute("SELECT application_name, sync_state FROM pg_stat_replication") == [
        ("barman_receive_wal", "sync")
    ]
    assert problems(kept) == []


def test_no_answered_commit_is_lost_with_the_server(kept: Kept) -> None:
    wait_for_it(kept)
    told: list[int] = []
    over = threading.Event()

    def commit(number: int) -> None:
        try:
            with kept.database.connect() as connection:
                while not over.is_set():
                    connection.execute("INSERT INTO told VALUES (%s)", [number])
                    told.append(number)
                    number += 3
        except psycopg.OperationalError:
            pass

    threads = [threading.Thread(target=commit, args=(100_000 + i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    until(lambda: len(told) > 100, "nothing is committed")
    kept.cluster.server.kill()
    over.set()
    for thread in threads:
        thread.join()
    try:
        done = kept.json("restore", "wallet")
        assert done["state"] == "restored"
        there = restored_ids(kept)
        assert [number for number in told if number not in there] == []
    finally:
        kept.operations("restore", "wallet", "--give-up", check=False)
        kept.cluster.server.start()


def restored_ids(kept: Kept) -> set[int]:
    from operations.restore.beside import beside

    service = kept.contract.services["wallet"]
    with beside(service).database(service.instance.database).connect() as connection:
        return {int(row[0]) for row in connection.execute("SELECT id FROM told")}


def test_without_a_receiver_commits_go_on_after_the_limit(kept: Kept) -> None:
    wait_for_it(kept)
    with standing_still(kept):
        assert LIMIT - 1.0 < seconds_of_a_commit(kept, 1) < LIMIT + 8.0
        until(lambda: not read_state(kept.archive).synchronous.in_force, "the state does not say so")
        (said,) = problems(kept)
        assert "commits do NOT wait for the archive" in said
        assert seconds_of_a_commit(kept, 2) < 1.0, "nobody waits a second time"
        found = kept.operations("backups", "check", "wallet", "--json", check=False).stdout
        assert '"synchronous"' in found
    wait_for_it(kept)
    assert problems(kept) == []


def test_a_supervisor_that_ends_leaves_no_commit_waiting(kept: Kept) -> None:
    wait_for_it(kept)
    kept.stop_supervisor()
    try:
        assert seconds_of_a_commit(kept, 3) < 1.0
        assert kept.execute("SHOW synchronous_standby_names") == [("",)]
    finally:
        kept.start_supervisor()
    wait_for_it(kept)
