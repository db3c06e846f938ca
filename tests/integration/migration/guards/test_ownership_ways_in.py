"""Once a side is closed there is no way in, whatever the role, the statement, the age of the transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from core.errors import StepTimeout
from migration.guards.ownership import Ownership
from tests.support.clusters import Clusters, Side
from tests.support.guarded import SERVERS, SETUP, Service, attempt, guarded_on, on_every_server

pytestmark = pytest.mark.integration

WAYS = {
    "insert": "INSERT INTO svc.things VALUES (11, 'new')",
    "insert of no row": "INSERT INTO svc.things SELECT 12, 'none' WHERE false",
    "upsert": "INSERT INTO svc.things VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v = excluded.v",
    "insert that may do nothing": "INSERT INTO svc.things VALUES (1, 'x') ON CONFLICT DO NOTHING",
    "update": "UPDATE svc.things SET v = 'x' WHERE id = 1",
    "delete": "DELETE FROM svc.things WHERE id = 1",
    "truncate": "TRUNCATE svc.things",
    "truncate of a partitioned table": "TRUNCATE svc.parted",
    "truncate cascading from another service": "TRUNCATE other.parents CASCADE",
    "merge": "MERGE INTO svc.things t USING (SELECT 1 AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE",
    "merge that inserts": "MERGE INTO svc.things t USING (SELECT 77 AS id) s ON t.id = s.id"
    " WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'm')",
    "copy": "COPY svc.things FROM STDIN",
    "copy into a partitioned table": "COPY svc.parted FROM STDIN",
    "insert through the partitioned table": "INSERT INTO svc.parted VALUES (300, 'x')",
    "insert into a partition": "INSERT INTO svc.parted_high VALUES (301, 'x')",
    "update that moves between partitions": "UPDATE svc.parted SET id = 500 WHERE id = 1",
    "delete from a partition": "DELETE FROM svc.parted_low",
    "view": "INSERT INTO svc.shown VALUES (13, 'view')",
    "rule in another schema": "INSERT INTO other.written VALUES (14)",
    "trigger of another service": "INSERT INTO other.parents VALUES (15)",
    "rule that does it, too": "INSERT INTO other.notes VALUES (19)",
    "view that checks the invoker": "UPDATE other.invoked SET v = 'x' WHERE id = 2",
    "view with an INSTEAD OF trigger": "INSERT INTO other.instead VALUES (20)",
    "insert into a child": "INSERT INTO svc.more_things VALUES (21, 'x')",
    "update of a child through its parent": "UPDATE svc.things SET v = 'x' WHERE id = 100000",
    "default values of an identity": "INSERT INTO svc.numbered DEFAULT VALUES",
    "truncate of a partition": "TRUNCATE svc.parted_low",
    "truncate of the parent alone": "TRUNCATE ONLY svc.things",
    "copy into a partition": "COPY svc.parted_high FROM STDIN (FORMAT text, NULL '')",
    "writable CTE": "WITH gone AS (DELETE FROM svc.things RETURNING id) SELECT count(*) FROM gone",
    "function": "SELECT svc.put(16)",
    "DO block": "DO 'BEGIN PERFORM svc.put(17); END'",
    "procedure that makes its statement": "CALL other.put(22)",
    "set to NULL by a cascade": "DELETE FROM other.parents WHERE id = 6",
    "set to its default by a cascade": "DELETE FROM other.parents WHERE id = 7",
    "set to NULL by an update": "UPDATE other.parents SET id = 66 WHERE id = 6",
    "deleted by a cascade": "DELETE FROM other.parents WHERE id = 3",
    "updated by a cascade": "UPDATE other.parents SET id = 33 WHERE id = 4",
    "prepared statement": "EXECUTE prepared_before",
    "cursor update": "UPDATE svc.marked SET id = 0 WHERE CURRENT OF open_before",
}
OWNERS_WAYS = {"truncate that restarts an identity": "TRUNCATE svc.numbered RESTART IDENTITY"}

LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")


@pytest.fixture
def server(request: pytest.FixtureRequest) -> tuple[Side, int]:
    found: tuple[Side, int] = getattr(request, "param", SERVERS[0])
    return found


@pytest.fixture
def service(clusters: Clusters, server: tuple[Side, int]) -> Iterator[Service]:
    with guarded_on(clusters, server) as made:
        yield made


def ways_of(service: Service, role: str | None) -> dict[str, str]:
    """What this role might do."""
    return WAYS if role == service.application else WAYS | OWNERS_WAYS


@on_every_server
def test_no_way_in_for_any_role_in_a_transaction_begun_before_the_closing(service: Service) -> None:
    got_in = {}
    with service.guards() as ownership:
        for role in service.roles:
            for level in LEVELS:
                with service.session(role, level) as session:
                    ownership.close(seconds=5)
                    for way, statement in ways_of(service, role).items():
                        if (state := attempt(session, statement)) != "25006":
                            got_in[role or "superuser", level, way] = state
                ownership.open()
    assert got_in == {}


def test_every_way_in_is_one_while_the_side_is_open(service: Service) -> None:
    for role in service.roles:
        with service.session(role) as session:
            refused = {
                way: state
                for way, text in ways_of(service, role).items()
                if (state := attempt(session, text))
            }
            assert refused == {}, f"the list of ways is right for {role}"


@on_every_server
def test_loading_with_triggers_switched_off_for_the_session_is_refused_too(service: Service) -> None:
    with service.session(None) as session, service.guards() as ownership:
        ownership.close(seconds=5)
        session.execute("SET LOCAL session_replication_role = replica")
        ways = WAYS | OWNERS_WAYS
        # In replica mode neither foreign keys nor ordinary triggers and rules act.
        idle = {way for way in ways if "cascade" in way and "truncate" not in way} | {
            "set to NULL by an update",
            "trigger of another service",
            "rule that does it, too",
            "view with an INSTEAD OF trigger",
        }
        got_in = {
            way: state
            for way, statement in ways.items()
            if way not in idle and (state := attempt(session, statement)) != "25006"
        }
    assert got_in == {}


def test_closing_waits_for_a_writer_that_had_passed_the_guard(service: Service) -> None:
    with (
        service.session(service.application) as session,
        service.guards() as ownership,
    ):
        session.execute(WAYS["insert through the partitioned table"])
        timer = threading.Timer(0.3, session.commit)
        timer.start()
        closing = ownership.close(seconds=5)
        timer.join()
        assert closing.waited_for == 1
        assert closing.milliseconds >= 290
        assert ownership.is_open() is False


def test_a_writer_that_does_not_end_opens_the_side_again_and_is_named(service: Service) -> None:
    with (
        service.session(service.application) as session,
        service.guards() as ownership,
    ):
        session.execute(WAYS["update"])
        with pytest.raises(StepTimeout, match=rf"pid {session.info.backend_pid} .*the application"):
            ownership.close(seconds=0.2)
        assert ownership.is_open() is True


def test_a_session_that_waits_for_a_row_is_seen_as_a_writer(service: Service) -> None:
    with service.session(None) as first, service.session(service.application) as second:
        first.execute("SELECT FROM svc.things WHERE id = 1 FOR UPDATE")
        waiting = threading.Thread(target=second.execute, args=[WAYS["update"]])
        waiting.start()
        with service.guards() as ownership, pytest.raises(StepTimeout):
            ownership.close(seconds=0.3)
        first.rollback()
        waiting.join()
        second.rollback()


def test_a_prepared_transaction_keeps_the_closing_from_succeeding(clusters: Clusters) -> None:
    with clusters.private("source", 15, {"max_prepared_transactions": "2"}) as cluster:
        database = cluster.new_database()
        with database.connect() as connection, Ownership(database, "things", "svc") as ownership:
            connection.execute(SETUP)
            ownership.install(open=True)
            connection.execute("BEGIN; INSERT INTO svc.things VALUES (50, 'x'); PREPARE TRANSACTION 'p'")
            with pytest.raises(StepTimeout, match="prepared transaction"):
                ownership.close(seconds=0.2)
            connection.execute("COMMIT PREPARED 'p'")
            assert ownership.close(seconds=5).waited_for == 0
