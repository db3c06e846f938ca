"""What no trigger of a table sees: DDL that takes guards off, sessions under way, servers, flags."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from core.errors import WrongState
from migration.catalog.read import read_catalog
from tests.support.clusters import Clusters, Side
from tests.support.guarded import SERVERS, Service, attempt, guarded_on, on_every_server

pytestmark = pytest.mark.integration

DISABLED = "ALTER TABLE svc.things DISABLE TRIGGER"

WAYS_ROUND = {
    "disable all triggers of the user": f"{DISABLED} USER",
    "disable the guard": f"{DISABLED} waqiti_migration_guard",
    "disable the guard against truncates": f"{DISABLED} waqiti_migration_guard_truncate",
    "enable the guard as usual": "ALTER TABLE svc.things ENABLE TRIGGER waqiti_migration_guard",
    "enable the guard for replicas": "ALTER TABLE svc.things ENABLE REPLICA TRIGGER waqiti_migration_guard",
    "put something else in its place": "CREATE OR REPLACE TRIGGER waqiti_migration_guard"
    " BEFORE INSERT OR UPDATE OR DELETE ON svc.things FOR EACH STATEMENT EXECUTE FUNCTION other.nothing()",
    "drop the guard": "DROP TRIGGER waqiti_migration_guard ON svc.things",
    "drop a table": "DROP TABLE svc.numbered",
    "drop a table that others refer to": "DROP TABLE svc.things CASCADE",
    "drop a partition": "DROP TABLE svc.parted_low",
    "drop all that a role owns": "DROP OWNED BY CURRENT_USER CASCADE",
    "make a table": "CREATE TABLE svc.new (id int)",
    "make a table of a query": "CREATE TABLE svc.new AS SELECT 1 AS one",
    "select into a table": "SELECT 1 AS one INTO svc.new",
    "make a partition": "CREATE TABLE svc.top PARTITION OF svc.parted FOR VALUES FROM (1000) TO (2000)",
    "make a partition elsewhere": "CREATE TABLE other.top PARTITION OF svc.parted"
    " FOR VALUES FROM (1000) TO (2000)",
    "make a child elsewhere": "CREATE TABLE other.child () INHERITS (svc.things)",
}
SUPERUSERS_WAYS_ROUND = {
    "disable all triggers": f"{DISABLED} ALL",
    "drop the schema": "DROP SCHEMA svc CASCADE",
    "attach a partition": "ALTER TABLE svc.parted ATTACH PARTITION other.apart"
    " FOR VALUES FROM (1000) TO (2000)",
    "let a table inherit": "ALTER TABLE other.apart INHERIT svc.things",
    "bring a table along": "ALTER TABLE other.apart SET SCHEMA svc",
    "drop the guards' function": "DROP FUNCTION waqiti_migration.guard_things CASCADE",
}

PASSES = {
    "locking rows": "SELECT * FROM svc.things FOR UPDATE",
    "locking a table": "LOCK TABLE svc.things IN EXCLUSIVE MODE",
    "numbers of a sequence": "SELECT nextval('svc.numbered_id_seq')",
    "setting a sequence": "SELECT setval('svc.numbered_id_seq', 40)",
    "a large object": "SELECT lo_put(4711, 0, 'x')",
    "temporary tables": "CREATE TEMPORARY TABLE basket (id int); INSERT INTO basket VALUES (1)",
    "another schema's tables": "INSERT INTO other.apart VALUES (1, 'x')",
}
OWNERS_PASSES = {
    "refreshing what is derived": "REFRESH MATERIALIZED VIEW svc.summed",
    "a column with a default": "ALTER TABLE svc.things ADD COLUMN more int DEFAULT 7",
    "a column of another type": "ALTER TABLE svc.numbered ALTER v TYPE varchar(10) USING left(v, 10)",
    "an index": "CREATE INDEX ON svc.things (v)",
    "a view": "CREATE VIEW svc.another AS SELECT id FROM svc.things",
    "analyzing": "ANALYZE svc.things",
    "a table of another schema": "CREATE TABLE other.new (id int)",
}
"""docs/decisions/0050-ways-round-the-guards.md says of each why."""


@pytest.fixture
def server(request: pytest.FixtureRequest) -> tuple[Side, int]:
    found: tuple[Side, int] = getattr(request, "param", SERVERS[0])
    return found


@pytest.fixture
def service(clusters: Clusters, server: tuple[Side, int]) -> Iterator[Service]:
    with guarded_on(clusters, server) as made:
        yield made


def ways_round(role: str | None) -> dict[str, str]:
    """Those of an owner, or of a superuser (who owns too much to drop all of it)."""
    if role is not None:
        return WAYS_ROUND
    return {**WAYS_ROUND, **SUPERUSERS_WAYS_ROUND, "drop all that a role owns": "DROP TABLE svc.children"}


@on_every_server
@pytest.mark.parametrize("mode", ["origin", "replica"])
def test_no_ddl_leaves_a_closed_table_without_its_guards(service: Service, mode: str) -> None:
    found = {}
    for role in (service.owner, None):
        if role is not None and mode == "replica":
            continue
        with service.session(role) as session, service.guards() as guards:
            session.execute("CLOSE open_before")
            if role is None:
                session.execute(f"SET LOCAL session_replication_role = {mode}")
            for way, statement in ways_round(role).items():
                if (state := attempt(session, statement)) is not None:
                    found["while open", way] = state
            guards.close(seconds=5)
            for way, statement in ways_round(role).items():
                if (state := attempt(session, statement)) != "25006":
                    found[role or "superuser", way] = str(state)
            guards.open()
    assert found == {}


@on_every_server
def test_what_writes_no_row_of_the_service_passes_on_purpose(service: Service) -> None:
    refused = {}
    with service.guards() as guards:
        guards.close(seconds=5)
        for role in service.roles:
            passing = PASSES if role == service.application else PASSES | OWNERS_PASSES
            with service.session(role) as session:
                for way, statement in passing.items():
                    if way == "a large object" and role is not None:
                        statement = "SELECT lo_create(0)"  # noqa: PLW2901
                    if (state := attempt(session, statement)) is not None:
                        refused[role or "superuser", way] = state
    assert refused == {}


def test_a_guard_disabled_while_the_side_was_open_prevents_the_closing(service: Service) -> None:
    with service.session(service.owner) as session, service.guards() as guards:
        session.execute(f"{DISABLED} waqiti_migration_guard")
        committing = threading.Timer(0.3, session.commit)
        committing.start()
        # Not to be seen before it is committed: the closing waits for it.
        with pytest.raises(WrongState, match=r"svc\.things has no guards"):
            guards.close(seconds=5)
        committing.join()
        assert guards.is_open() is True
        guards.restore()
        guards.close(seconds=5)


def test_a_table_made_while_the_side_was_open_keeps_it_from_being_closed(service: Service) -> None:
    with service.session(service.owner) as session, service.guards() as guards:
        session.execute("CREATE TABLE other.top PARTITION OF svc.parted FOR VALUES FROM (1000) TO (2000)")
        session.commit()
        with pytest.raises(WrongState, match=r"other\.top has no guards"):
            guards.close(seconds=5)
        assert guards.is_open() is True


def test_somebody_elses_subscription_keeps_the_side_from_being_closed(service: Service) -> None:
    with service.database.connect() as connection, service.guards() as guards:
        connection.execute(
            "CREATE SUBSCRIPTION theirs CONNECTION 'dbname=nowhere' PUBLICATION p"
            " WITH (connect = false, slot_name = NONE)"
        )
        row = connection.execute("SELECT oid FROM pg_subscription WHERE subname = 'theirs'").fetchone()
        assert row is not None
        try:
            connection.execute(
                "INSERT INTO pg_subscription_rel VALUES (%s, 'svc.things'::regclass, 'r', NULL)", row
            )
            guards.close(seconds=5)
            guards.open()
            connection.execute("UPDATE pg_subscription SET subenabled = true WHERE oid = %s", row)
            with pytest.raises(WrongState, match=r"svc\.things is fed by the subscription theirs"):
                guards.close(seconds=5)
        finally:
            connection.execute("UPDATE pg_subscription SET subenabled = false WHERE oid = %s", row)
            connection.execute("DROP SUBSCRIPTION theirs")


@on_every_server
def test_what_a_transaction_left_for_its_commit_is_refused_then(service: Service) -> None:
    with service.database.connect() as connection:
        connection.execute(
            "CREATE CONSTRAINT TRIGGER later AFTER INSERT ON other.apart DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION other.on_parent()"
        )
    with service.session(service.application) as session, service.guards() as guards:
        session.execute("INSERT INTO other.apart VALUES (30, 'x')")
        guards.close(seconds=5)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            session.execute("COMMIT")


@on_every_server
def test_closing_waits_for_a_copy_that_is_under_way(service: Service) -> None:
    with service.session(service.application) as session, service.guards() as guards:
        with session.cursor().copy("COPY svc.things FROM STDIN") as copy:
            copy.write_row((40, "first"))
            closed = threading.Thread(target=guards.close, args=[10.0])
            with service.guards() as looking:
                deadline = time.monotonic() + 10
                while not looking.writers():
                    assert time.monotonic() < deadline
                closed.start()
                while looking.is_open():
                    assert time.monotonic() < deadline
            assert closed.is_alive()
            copy.write_row((41, "second"))
        session.commit()
        closed.join()
        assert guards.is_open() is False
        session.execute("BEGIN")
        assert attempt(session, "COPY svc.things FROM STDIN") == "25006"


@on_every_server
def test_a_way_through_another_session_of_the_server_is_refused_too(service: Service) -> None:
    endpoint = service.database.endpoint
    password = service.database.login.password.get_secret_value()
    options = (
        f"host '{endpoint.address or endpoint.host}', port '{endpoint.port}', dbname '{endpoint.database}'"
    )
    with service.database.connect() as connection, service.guards() as guards:
        connection.execute(
            "CREATE EXTENSION dblink; CREATE EXTENSION postgres_fdw;"
            f"CREATE SERVER back FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({options});"
            "CREATE USER MAPPING FOR CURRENT_USER SERVER back"
            f" OPTIONS (user '{service.database.login.name}', password '{password}');"
            "CREATE FOREIGN TABLE other.far (id int, v text) SERVER back"
            " OPTIONS (schema_name 'svc', table_name 'things');".encode()
        )
        try:
            ways = {
                "a foreign table": "INSERT INTO other.far VALUES (50, 'x')",
                "dblink": "SELECT dblink_exec('back', 'INSERT INTO svc.things VALUES (51, ''x'')')",
            }
            for opened in (True, False):
                if not opened:
                    guards.close(seconds=5)
                for statement in ways.values():
                    with connection.transaction(force_rollback=True):
                        if opened:
                            connection.execute(statement.encode())
                        else:
                            with (
                                pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
                                connection.transaction(),
                            ):
                                connection.execute(statement.encode())
        finally:
            connection.execute("DROP EXTENSION dblink, postgres_fdw CASCADE")


@on_every_server
def test_mistakes_with_the_flag_close_and_never_open(service: Service) -> None:
    flag = "waqiti_migration.open_things"
    with service.database.connect() as connection, service.guards() as guards:
        connection.execute(f"SELECT nextval('{flag}')".encode())
        assert guards.is_open() is False
        with pytest.raises(psycopg.errors.SequenceGeneratorLimitExceeded):
            connection.execute(f"SELECT nextval('{flag}')".encode())
        for statement in (f"ALTER SEQUENCE {flag} RESTART", "DISCARD SEQUENCES", "RESET ALL"):
            connection.execute(statement.encode())
            assert guards.is_open() is False
        for role in (service.application, service.owner):
            connection.execute(f"SET SESSION AUTHORIZATION {role}")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT setval('{flag}', 1)".encode())
            connection.execute("RESET SESSION AUTHORIZATION")


def test_a_role_made_after_the_closing_gets_in_no_better(service: Service) -> None:
    new = f"{service.application}_new"
    with service.database.connect() as connection, service.guards() as guards:
        guards.close(seconds=5)
        connection.execute(f"CREATE ROLE {new} SUPERUSER")
        try:
            with service.session(new) as session:
                assert attempt(session, "INSERT INTO svc.things VALUES (60, 'x')") == "25006"
                assert attempt(session, f"{DISABLED} ALL") == "25006"
        finally:
            connection.execute(f"DROP ROLE {new}")


def test_without_a_superuser_nothing_is_refused_but_every_closing_notices(service: Service) -> None:
    with service.database.connect() as connection, service.guards() as guards:
        connection.execute(
            "DROP EVENT TRIGGER waqiti_migration_guard_ddl; DROP EVENT TRIGGER waqiti_migration_guard_drop"
        )
        guards.close(seconds=5)
        with service.session(service.owner) as session:
            session.execute(f"{DISABLED} USER")
            session.commit()
        assert not guards.status().sound
        with pytest.raises(WrongState, match="has no guards"):
            guards.close(seconds=5)


def test_the_last_guards_take_the_event_triggers_with_them(service: Service) -> None:
    count = "SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE 'waqiti%'"
    with service.database.connect() as connection, service.guards() as guards:
        assert connection.execute(count).fetchone() == (2,)
        guards.remove()
        guards.remove()
        assert connection.execute(count).fetchone() == (0,)


def test_the_plan_of_another_service_says_nothing_of_our_event_triggers(service: Service) -> None:
    with service.database.connect() as connection:
        kinds = {item.kind for item in read_catalog(connection).objects.values()}
    assert "trigger" in kinds
    assert "event trigger" not in kinds
