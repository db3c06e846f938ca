"""Once a side is closed there is no way in, whatever the role, the statement, the age of the transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from migration.connections import Database
from migration.errors import StepTimeout
from migration.ownership import Ownership
from tests.support.clusters import Clusters
from tests.support.versions import every_version_pair

pytestmark = pytest.mark.integration

SETUP = """
CREATE SCHEMA svc;
CREATE SCHEMA other;
CREATE TABLE other.parents (id int PRIMARY KEY);
CREATE TABLE svc.things (id int PRIMARY KEY, v text);
CREATE TABLE svc.marked AS SELECT 1 AS id;
CREATE TABLE svc.children (
    id int PRIMARY KEY,
    parent int REFERENCES other.parents ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE svc.parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE svc.parted_low PARTITION OF svc.parted FOR VALUES FROM (MINVALUE) TO (100);
CREATE TABLE svc.parted_high PARTITION OF svc.parted FOR VALUES FROM (100) TO (MAXVALUE);
CREATE VIEW svc.shown AS SELECT id, v FROM svc.things;
CREATE VIEW other.written AS SELECT id FROM svc.things;
CREATE RULE written AS ON INSERT TO other.written DO INSTEAD INSERT INTO svc.things VALUES (NEW.id, 'rule');
CREATE FUNCTION svc.put(int) RETURNS void LANGUAGE sql SECURITY DEFINER AS
    'INSERT INTO svc.things VALUES ($1, ''function'')';
CREATE FUNCTION other.on_parent() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO svc.things VALUES (NEW.id, ''trigger''); RETURN NEW; END';
CREATE TRIGGER into_things AFTER INSERT ON other.parents FOR EACH ROW EXECUTE FUNCTION other.on_parent();
INSERT INTO svc.things SELECT g, 'v' FROM generate_series(1, 10) g;
INSERT INTO svc.parted SELECT g, 'v' FROM generate_series(1, 200) g;
ALTER TABLE other.parents DISABLE TRIGGER into_things;
INSERT INTO other.parents SELECT g FROM generate_series(1, 10) g;
ALTER TABLE other.parents ENABLE TRIGGER into_things;
INSERT INTO svc.children SELECT g, g FROM generate_series(1, 10) g;
"""

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
    "writable CTE": "WITH gone AS (DELETE FROM svc.things RETURNING id) SELECT count(*) FROM gone",
    "function": "SELECT svc.put(16)",
    "DO block": "DO 'BEGIN PERFORM svc.put(17); END'",
    "deleted by a cascade": "DELETE FROM other.parents WHERE id = 3",
    "updated by a cascade": "UPDATE other.parents SET id = 33 WHERE id = 4",
    "prepared statement": "EXECUTE prepared_before",
    "cursor update": "UPDATE svc.marked SET id = 0 WHERE CURRENT OF open_before",
}

LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")


@dataclass(frozen=True)
class Service:
    database: Database
    application: str
    owner: str

    def session(self, role: str | None, level: str = "READ COMMITTED") -> psycopg.Connection[Any]:
        """A session of the role, in a transaction that has its snapshot and a cursor."""
        connection = self.database.connect(autocommit=True, application_name="the application")
        if role is not None:
            connection.execute(f"SET SESSION AUTHORIZATION {role}")
        connection.execute("SET lock_timeout = '5s'")
        connection.execute("PREPARE prepared_before AS INSERT INTO svc.things VALUES (18, 'prepared')")
        connection.execute(f"BEGIN ISOLATION LEVEL {level}")
        connection.execute("DECLARE open_before CURSOR FOR SELECT id FROM svc.marked")
        connection.execute("FETCH open_before")
        return connection


@pytest.fixture
def service(source_database: Database) -> Iterator[Service]:
    name = source_database.endpoint.database
    made = Service(source_database, f"{name}_app", f"{name}_owner")
    with source_database.connect() as connection:
        connection.execute(SETUP)
        connection.execute(f"CREATE ROLE {made.application}; CREATE ROLE {made.owner}")
        for kind, names in (
            ("TABLE", "things marked children parted parted_low parted_high"),
            ("VIEW", "shown"),
        ):
            for each in names.split():
                connection.execute(f"ALTER {kind} svc.{each} OWNER TO {made.owner}")
        connection.execute(f"GRANT USAGE ON SCHEMA svc, other TO {made.application}, {made.owner}")
        connection.execute(
            f"GRANT ALL ON ALL TABLES IN SCHEMA svc, other TO {made.application}, {made.owner}"
        )
        connection.execute(f"ALTER FUNCTION svc.put OWNER TO {made.owner}")
    with Ownership(source_database, "things", "svc") as ownership:
        ownership.install(open=True)
    yield made
    with source_database.connect() as connection:
        for role in (made.application, made.owner):
            connection.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


def attempt(connection: psycopg.Connection[Any], statement: str) -> str | None:
    """Try a statement and undo it; its SQLSTATE if it failed."""
    connection.execute("SAVEPOINT attempt")
    try:
        if statement.startswith("COPY"):
            with connection.cursor().copy(statement.encode()) as copy:
                copy.write_row((999, "copied"))
        else:
            connection.execute(statement.encode())
    except psycopg.Error as error:
        connection.execute("ROLLBACK TO SAVEPOINT attempt")
        return error.sqlstate
    connection.execute("ROLLBACK TO SAVEPOINT attempt")
    return None


@every_version_pair
def test_no_way_in_for_any_role_in_a_transaction_begun_before_the_closing(service: Service) -> None:
    got_in = {}
    with Ownership(service.database, "things", "svc") as ownership:
        for role in (service.application, service.owner, None):
            for level in LEVELS:
                with service.session(role, level) as session:
                    ownership.close(seconds=5)
                    for way, statement in WAYS.items():
                        if (state := attempt(session, statement)) != "25006":
                            got_in[role or "superuser", level, way] = state
                ownership.open()
    assert got_in == {}


def test_every_way_in_is_one_while_the_side_is_open(service: Service) -> None:
    for role in (service.application, service.owner, None):
        with service.session(role) as session:
            refused = {way: state for way, text in WAYS.items() if (state := attempt(session, text))}
            assert refused == {}, f"the list of ways is right for {role}"


def test_loading_with_triggers_switched_off_for_the_session_is_refused_too(service: Service) -> None:
    with service.session(None) as session, Ownership(service.database, "things", "svc") as ownership:
        ownership.close(seconds=5)
        session.execute("SET LOCAL session_replication_role = replica")
        assert attempt(session, WAYS["insert"]) == "25006"
        assert attempt(session, WAYS["copy"]) == "25006"


def test_reading_goes_on_while_the_side_is_closed(service: Service) -> None:
    with (
        service.session(service.application) as session,
        Ownership(service.database, "things", "svc") as ownership,
    ):
        ownership.close(seconds=5)
        assert attempt(session, "SELECT * FROM svc.things FOR UPDATE") is None
        assert attempt(session, "SELECT count(*) FROM svc.parted") is None


def test_closing_waits_for_a_writer_that_had_passed_the_guard(service: Service) -> None:
    with (
        service.session(service.application) as session,
        Ownership(service.database, "things", "svc") as ownership,
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
        Ownership(service.database, "things", "svc") as ownership,
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
        with Ownership(service.database, "things", "svc") as ownership, pytest.raises(StepTimeout):
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
