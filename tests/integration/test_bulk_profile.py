"""The bulk profile loads without safety, leaves with all of it, and is never trusted after a crash."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from components.contract import LocalInstanceControl
from migration.bulk_profile import MARKER, PARAMETERS, bulk_profile, is_loading, require_trustworthy
from migration.connections import Database
from migration.errors import TargetNotEmpty, WrongState
from tests.support.clusters import Cluster, Clusters

pytestmark = pytest.mark.integration

REAL = {"fsync": "on", "wal_level": "logical", "full_page_writes": "on"}


def control_of(cluster: Cluster) -> LocalInstanceControl:
    server = cluster.server
    return LocalInstanceControl(
        binaries=str(server.binaries), data=str(server.data), sockets=str(server.sockets)
    )


def settings_of(database: Database) -> dict[str, str]:
    with database.connect() as connection:
        rows = connection.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY (%s)", [[*PARAMETERS]]
        ).fetchall()
    return dict(rows)


def load(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS loaded AS SELECT generate_series(1, 50000) AS k")


def count(database: Database) -> int:
    with database.connect() as connection:
        row = connection.execute("SELECT count(*) FROM loaded").fetchone()
    assert row is not None
    return int(row[0])


def test_the_profile_is_in_force_inside_and_the_real_settings_are_back_behind(clusters: Clusters) -> None:
    with clusters.private("target", 17, REAL) as cluster:
        control, database = control_of(cluster), cluster.database()
        before = settings_of(database)
        with bulk_profile(control):
            assert settings_of(database) == PARAMETERS
            assert is_loading(control)
            load(database)
        assert settings_of(database) == before
        assert not is_loading(control)
        assert count(database) == 50000


def test_a_failure_inside_brings_the_real_settings_back(clusters: Clusters) -> None:
    with clusters.private("target", 17, REAL) as cluster:
        control, database = control_of(cluster), cluster.database()
        with pytest.raises(psycopg.errors.SyntaxError), bulk_profile(control), database.connect() as session:
            session.execute("this is no SQL")
        assert settings_of(database)["fsync"] == "on"
        assert not is_loading(control)


@pytest.mark.parametrize("died", ["the run", "the run and its server"])
def test_what_a_killed_run_left_is_put_right_by_the_next(clusters: Clusters, died: str) -> None:
    with clusters.private("target", 17, REAL) as cluster:
        control, database = control_of(cluster), cluster.database()
        entered = bulk_profile(control)
        entered.__enter__()
        load(database)
        if died == "the run and its server":
            cluster.server.kill()
        require_trustworthy(control)
        assert settings_of(database)["fsync"] == "on"
        assert not is_loading(control)
        assert count(database) == 50000
        entered.__exit__(None, None, None)


def test_an_instance_that_was_loading_when_the_machine_went_down_is_refused(clusters: Clusters) -> None:
    with clusters.private("target", 17, REAL) as cluster:
        control = control_of(cluster)
        Path(control.data, MARKER).write_text("another boot\n", encoding="utf-8")
        with pytest.raises(TargetNotEmpty, match="machine went down"):
            require_trustworthy(control)
        with pytest.raises(TargetNotEmpty), bulk_profile(control):
            pytest.fail("it was entered")


def test_a_server_that_cannot_run_like_that_gets_its_real_settings_back(clusters: Clusters) -> None:
    with clusters.private("target", 17, REAL) as cluster:
        control, database = control_of(cluster), cluster.database()
        with database.connect() as connection:
            connection.execute("SELECT pg_create_logical_replication_slot('kept', 'pgoutput')")
        with pytest.raises(WrongState, match="slot"), bulk_profile(control):
            pytest.fail("it was entered")
        assert settings_of(database)["wal_level"] == "logical"
        assert not is_loading(control)
