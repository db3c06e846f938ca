"""The test fixtures themselves: real servers of each version, apart from each other, over TLS."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.sessions.connections import Database
from servers import postmaster
from tests.support.clusters import Clusters
from tests.support.folders import remove_leftovers
from tests.support.versions import every_version_pair
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

LEFT = """
import os, signal, subprocess, sys
from tests.support.clusters import Clusters
from tests.support.folders import own_folder
folder = own_folder()
program = [sys.executable, "-c", "import time; time.sleep(600)", f"{folder}/contract.json"]
program = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(folder, Clusters(folder).get("source", 17).server.pid(), program.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@every_version_pair
def test_both_sides_are_real_servers_of_the_asked_versions(
    source_database: Database, target_database: Database, versions: tuple[int, int]
) -> None:
    found = []
    for database in (source_database, target_database):
        with database.connect() as connection:
            found.append(connection.info.server_version // 10000)
    assert tuple(found) == versions


def test_a_database_with_a_live_subscription_and_its_slot_can_be_dropped(
    clusters: Clusters, source_database: Database
) -> None:
    target = clusters.get("target", 17)
    database = target.new_database()
    with source_database.connect() as source, database.connect() as connection:
        source.execute("CREATE TABLE t (id int PRIMARY KEY)")
        source.execute("CREATE PUBLICATION p FOR TABLE t")
        connection.execute("CREATE TABLE t (id int PRIMARY KEY)")
        connection.execute(f"CREATE SUBSCRIPTION s CONNECTION '{source_database.conninfo()}' PUBLICATION p")
    target.drop_database(database)
    with target.database().connect() as connection:
        left = connection.execute(
            "SELECT count(*) FROM pg_database WHERE datname = %s", [database.endpoint.database]
        ).fetchone()
    assert left == (0,)


def test_a_template_is_built_once_and_cloned(clusters: Clusters) -> None:
    cluster = clusters.get("source", 15)
    built = []

    def build(connection: object) -> None:
        built.append(connection)

    assert cluster.template("once", build) == cluster.template("once", build)
    assert len(built) == 1


def test_what_a_killed_session_left_is_ended_and_removed_by_the_next() -> None:
    killed = subprocess.run(
        [sys.executable, "-c", LEFT], capture_output=True, text=True, check=False, timeout=120
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    folder, *pids = killed.stdout.split()
    assert [postmaster.alive(int(pid)) for pid in pids] == [True, True]
    remove_leftovers()
    wait_until(lambda: not any(postmaster.alive(int(pid)) for pid in pids))
    assert not Path(folder).exists()
