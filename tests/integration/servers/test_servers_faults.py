"""The faults that other tests inflict are real: cut, hung and slow connections, dead servers, full disks."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from core.errors import ConnectionLost, MigrationError
from core.sessions.connections import Database
from servers import postgres
from servers.errors import ServerError
from tests.support.clusters import Clusters
from tests.support.disks import fill_up, small_disk
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


def test_a_proxied_connection_works_until_it_is_cut(source_database: Database) -> None:
    with Proxy.to(source_database) as proxy:
        connection = proxy.seen_through(source_database).connect()
        assert connection.execute("SELECT 1").fetchone() == (1,)
        proxy.cut()
        with pytest.raises((psycopg.OperationalError, ConnectionLost)):
            connection.execute("SELECT 1")
        with pytest.raises((psycopg.OperationalError, MigrationError)):
            proxy.seen_through(source_database).connect()
        proxy.heal()
        with proxy.seen_through(source_database).connect() as again:
            assert again.execute("SELECT 2").fetchone() == (2,)


def test_a_hung_connection_answers_only_after_it_is_healed(source_database: Database) -> None:
    with Proxy.to(source_database) as proxy, proxy.seen_through(source_database).connect() as connection:
        proxy.hang()
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(lambda: connection.execute("SELECT 2").fetchone())
            with pytest.raises(TimeoutError):
                answer.result(0.3)
            proxy.heal()
            assert answer.result(10) == (2,)


def test_a_connection_is_cut_in_the_middle_of_a_copy(source_database: Database) -> None:
    with Proxy.to(source_database) as proxy:
        connection = proxy.seen_through(source_database).connect()
        proxy.cut_after(300_000)
        query = "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 100000)) TO STDOUT"
        with pytest.raises(psycopg.OperationalError), connection.cursor().copy(query) as copy:
            for _ in copy:
                pass
        connection.close()


def test_a_killed_server_starts_again_with_what_was_committed(clusters: Clusters) -> None:
    with clusters.private("source", 15) as cluster:
        with cluster.database().connect() as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS id")
        cluster.server.kill()
        assert not cluster.server.is_running()
        cluster.server.start()
        with cluster.database().connect() as connection:
            assert connection.execute("SELECT id FROM kept").fetchone() == (1,)


def test_leftovers_of_a_killed_postmaster_do_not_keep_its_server_down(
    clusters: Clusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "ORPHANS_END", 0.3)
    with clusters.private("source", 15) as cluster, cluster.database().connect() as connection:
        pid = cluster.server.pid()
        assert pid is not None
        # It neither notices that its postmaster is gone nor heeds a request to end.
        os.kill(connection.info.backend_pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not cluster.server.is_running())
        cluster.server.start(30)
        with cluster.database().connect() as again:
            assert again.execute("SELECT 1").fetchone() == (1,)


def test_a_full_disk_is_named_when_a_server_cannot_be_made_on_it(clusters: Clusters) -> None:
    with (
        small_disk(20) as disk,
        pytest.raises(ServerError, match="the disk is full"),
        clusters.private("target", 17, folder=disk),
    ):
        pass


def test_a_full_disk_stops_a_copy(clusters: Clusters) -> None:
    with (
        small_disk(120) as disk,
        clusters.private("target", 17, {"max_wal_size": "32MB"}, disk) as cluster,
        cluster.database().connect() as connection,
    ):
        ballast = fill_up(disk)
        with pytest.raises((psycopg.Error, MigrationError)):
            connection.execute("CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 100000)")
        ballast.unlink()
