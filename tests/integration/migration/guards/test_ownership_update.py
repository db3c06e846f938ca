"""Guards that an older version made become this one's, and a closed side is closed all the while."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from migration.guards.ownership import Ownership
from tests.support.clusters import Clusters, Side
from tests.support.guarded import SERVERS, Service, attempt, guarded_on, on_every_server
from tests.support.older_guards import make_older

pytestmark = pytest.mark.integration

TRUNCATE_AS_A_REPLICA = "SET LOCAL session_replication_role = replica; TRUNCATE svc.numbered"
DISABLE = "ALTER TABLE svc.things DISABLE TRIGGER USER"


@pytest.fixture
def server(request: pytest.FixtureRequest) -> tuple[Side, int]:
    found: tuple[Side, int] = getattr(request, "param", SERVERS[0])
    return found


@pytest.fixture
def service(clusters: Clusters, server: tuple[Side, int]) -> Iterator[Service]:
    with guarded_on(clusters, server) as made:
        yield made


@pytest.fixture
def older(service: Service) -> Iterator[Ownership]:
    """Its guards, closed, as the first version left them."""
    with service.database.connect() as connection, service.guards() as guards:
        guards.close(seconds=5)
        make_older(connection, "things")
        assert len(guards.status().weakened) == len(guards.status().guarded) > 0
        yield guards


@on_every_server
def test_older_guards_are_brought_up_to_date_once(service: Service, older: Ownership) -> None:
    with service.session(None) as session:
        assert attempt(session, TRUNCATE_AS_A_REPLICA) is None, "what the older ones let pass"
        assert attempt(session, DISABLE) is None
        session.execute("ROLLBACK")
        assert older.update()
        assert older.status().sound
        assert older.is_open() is False
        session.execute("BEGIN")
        for statement in (TRUNCATE_AS_A_REPLICA, DISABLE):
            assert attempt(session, statement) == "25006", statement
        session.execute("ROLLBACK")
    assert not older.update(), "nothing is left to do"
    older.close(seconds=5)


def test_nobody_writes_while_a_closed_sides_guards_are_updated(service: Service, older: Ownership) -> None:
    done, states = threading.Event(), list[str | None]()

    def write() -> None:
        with service.database.connect(application_name="the application") as connection:
            while not done.is_set():
                for statement in ("INSERT INTO svc.things VALUES (70, 'x')", "TRUNCATE svc.numbered"):
                    try:
                        connection.execute(statement)
                    except psycopg.Error as error:
                        states.append(error.sqlstate)
                    else:
                        states.append(None)

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        deadline = time.monotonic() + 30
        while len(states) < 10:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert older.update()
    finally:
        done.set()
        for writer in writers:
            writer.join()
    assert set(states) == {"25006"}


def test_an_older_refusal_of_ddl_is_brought_up_to_date_alone(service: Service) -> None:
    with service.database.connect() as connection, service.guards() as guards:
        guards.close(seconds=5)
        assert not guards.update()
        connection.execute(
            "CREATE OR REPLACE FUNCTION waqiti_migration.refuse_ddl() RETURNS event_trigger"
            " LANGUAGE plpgsql AS $refuse$ BEGIN END $refuse$"
        )
        assert guards.update()
        assert not guards.update()
    with service.session(None) as session:
        assert attempt(session, DISABLE) == "25006"


def test_an_open_side_stays_open_and_can_be_closed_afterwards(service: Service, older: Ownership) -> None:
    older.open()
    assert older.update()
    assert older.is_open() is True
    with service.session(service.application) as session:
        assert attempt(session, "INSERT INTO svc.things VALUES (71, 'x')") is None
    older.close(seconds=5)


def test_an_update_that_was_cut_off_is_finished_by_the_next_one(service: Service, older: Ownership) -> None:
    older.update()
    with service.database.connect(application_name="waqiti-migration-test") as connection:
        connection.execute("ALTER TABLE svc.marked ENABLE TRIGGER waqiti_migration_guard_truncate")
    assert older.status().weakened == ("svc.marked.waqiti_migration_guard_truncate",)
    assert older.update()
    assert older.status().sound


def test_what_somebody_disabled_or_made_is_left_for_a_person(service: Service, older: Ownership) -> None:
    with service.database.connect() as connection:
        connection.execute(
            "ALTER TABLE svc.things DISABLE TRIGGER waqiti_migration_guard_truncate;"
            "ALTER TABLE svc.marked DISABLE TRIGGER USER;"
            "ALTER TABLE svc.numbered ENABLE TRIGGER USER;"
            "CREATE TABLE svc.new (id int)"
        )
    assert older.update()
    status = older.status()
    assert [str(table) for table in status.missing] == ["svc.new"]
    assert status.weakened == (
        "svc.marked.waqiti_migration_guard",
        "svc.marked.waqiti_migration_guard_truncate",
        "svc.numbered.waqiti_migration_guard",
        "svc.numbered.waqiti_migration_guard_truncate",
        "svc.things.waqiti_migration_guard_truncate",
    )


def test_a_side_without_a_flag_gets_none(service: Service) -> None:
    with service.guards() as guards:
        guards.remove()
        assert not guards.update()
        assert guards.is_open() is None
