"""Two databases of one server, each with a service of the same name: what is the server's is told apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg import sql

from core.sessions.connections import Database
from migration.replicate.flow import Flow
from migration.replicate.login import drop_login, make_login
from migration.replicate.slots import drop_slots
from tests.support.clusters import Cluster
from tests.support.replicas import reachable, replicated

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

NAME = "waqiti_bank_forward"


@pytest.fixture
def another(source_cluster: Cluster) -> Iterator[Database]:
    """Another database of the source's server."""
    database = source_cluster.new_database()
    yield database
    source_cluster.drop_database(database)


@pytest.fixture
def another_target(target_cluster: Cluster) -> Iterator[Database]:
    database = target_cluster.new_database()
    yield database
    target_cluster.drop_database(database)


def slots(database: Database) -> list[str]:
    with database.connect() as connection:
        rows = connection.execute(
            "SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database() ORDER BY 1"
        )
        return [row[0] for row in rows]


def test_a_start_in_one_database_leaves_the_others_replication_alone(
    source_database: Database, target_database: Database, another: Database, another_target: Database
) -> None:
    with replicated(source_database, target_database) as (first, _):
        with replicated(another, another_target) as (second, _):
            first.prove(seconds=30)
            second.prove(seconds=30)
            assert (len(slots(source_database)), len(slots(another))) == (1, 1)
            second.drop()
        first.prove(seconds=30)
        assert slots(another) == []
        first.drop()
    assert slots(source_database) == []


def test_an_older_programs_slot_goes_on_and_is_dropped_in_its_database(
    source_database: Database, target_database: Database, another: Database
) -> None:
    with replicated(source_database, target_database) as (flow, tables):
        flow.stop()
        (slot,) = slots(source_database)
        with source_database.connect() as there, target_database.connect() as here:
            there.execute("SELECT pg_copy_logical_replication_slot(%s, %s)", [slot, NAME])
            there.execute("SELECT pg_drop_replication_slot(%s)", [slot])
            here.execute(
                sql.SQL("ALTER SUBSCRIPTION {name} SET (slot_name = {name})").format(
                    name=sql.Identifier(NAME)
                )
            )
        assert flow.subscribe(tables, enabled=True) is None
        flow.prove(seconds=30)
        assert flow.lag().active
        with another.connect() as connection:
            drop_slots(connection, NAME)
        assert slots(source_database) == [NAME], "another database's slot is not this one's to drop"
        flow.drop()
    assert slots(source_database) == []


def test_an_older_programs_subscription_takes_the_slot_made_for_it(
    source_database: Database, target_database: Database
) -> None:
    with replicated(source_database, target_database) as (flow, _):
        flow.stop()
        flow.drop_slot()
        with target_database.connect() as here:
            here.execute(
                sql.SQL("ALTER SUBSCRIPTION {name} SET (slot_name = {name})").format(
                    name=sql.Identifier(NAME)
                )
            )
        flow.make_slot()
        flow.start()
        flow.prove(seconds=30)
        flow.drop()


def test_an_older_login_goes_with_its_own_database_only(source_database: Database, another: Database) -> None:
    with source_database.connect() as one, another.connect() as two:
        one.execute(sql.SQL("CREATE ROLE {} LOGIN REPLICATION").format(sql.Identifier(NAME)))
        for connection in (one, two):
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                    sql.Identifier(connection.info.dbname), sql.Identifier(NAME)
                )
            )
        names = {make_login(connection, NAME).name for connection in (one, two)}
        assert len(names) == 2, "each database's login is its own"
        roles = "SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s)"
        drop_login(one, NAME)
        assert one.execute(roles, [[NAME]]).fetchone() == (1,), "the other database's move needs it"
        drop_login(two, NAME)
        assert one.execute(roles, [[NAME, *names]]).fetchone() == (0,)


def test_a_flow_is_not_taken_for_that_of_another_database(
    source_database: Database, target_database: Database, another: Database, another_target: Database
) -> None:
    with (
        replicated(source_database, target_database) as (first, _),
        Flow("bank", "forward", reachable(another, another_target), another_target) as second,
    ):
        assert second.lag_of_slot() is None
        first.drop()
