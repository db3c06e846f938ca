"""DDL in a moving schema is noticed with its statement; what is ours or elsewhere is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from core.errors import SchemaChanged
from core.sessions.connections import Database
from migration.guards.changes import Watch, require_unchanged, schema_changes, unwatch, watch
from migration.guards.ownership import Ownership

pytestmark = pytest.mark.integration

SETUP = """
CREATE SCHEMA moving;
CREATE SCHEMA staying;
CREATE TABLE moving.t (id int PRIMARY KEY, v text);
CREATE TABLE staying.t (id int PRIMARY KEY);
CREATE TYPE moving.mood AS ENUM ('calm');
CREATE FUNCTION moving.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE MATERIALIZED VIEW moving.m AS SELECT 1 AS one;
"""

STATEMENTS = {
    "CREATE TABLE": "CREATE TABLE moving.new (id int)",
    "CREATE TABLE AS": "CREATE TABLE moving.new AS SELECT 1 AS one",
    "ALTER TABLE": "ALTER TABLE moving.t ADD COLUMN more int",
    "DROP TABLE": "DROP TABLE moving.t",
    "CREATE INDEX": "CREATE INDEX ON moving.t (v)",
    "ALTER TYPE": "ALTER TYPE moving.mood ADD VALUE 'cross'",
    "CREATE FUNCTION": "CREATE OR REPLACE FUNCTION moving.f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
    "DROP SCHEMA": "DROP SCHEMA moving CASCADE",
    "CREATE TRIGGER": "CREATE TRIGGER x BEFORE UPDATE ON moving.t FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE POLICY": "CREATE POLICY p ON moving.t USING (true)",
    "DROP POLICY": "CREATE POLICY p ON moving.t; DROP POLICY p ON moving.t",
    "COMMENT": "COMMENT ON TABLE moving.t IS 'hello'",
    "GRANT": "GRANT SELECT ON moving.t TO PUBLIC",
    "ALTER SEQUENCE": "CREATE SEQUENCE moving.s; ALTER SEQUENCE moving.s INCREMENT 5",
}


@pytest.fixture
def connection(source_database: Database) -> Iterator[psycopg.Connection[Any]]:
    with source_database.connect(application_name="a migration tool of the team") as made:
        made.execute(SETUP)
        yield made


@pytest.fixture
def began(connection: psycopg.Connection[Any]) -> Watch:
    return watch(connection, "moving", "moving")


@pytest.mark.parametrize("versions", [(15, 17), (17, 17)], indirect=True, ids=["15", "17"])
@pytest.mark.parametrize("command", STATEMENTS)
def test_ddl_is_noticed_with_its_statement(
    connection: psycopg.Connection[Any], began: Watch, command: str
) -> None:
    connection.execute(STATEMENTS[command].encode())
    with pytest.raises(SchemaChanged, match=command) as raised:
        require_unchanged(connection, began)
    assert STATEMENTS[command][:30] in str(raised.value)


def test_ddl_elsewhere_and_temporary_tables_and_refreshes_are_not(
    connection: psycopg.Connection[Any], began: Watch
) -> None:
    connection.execute("ALTER TABLE staying.t ADD COLUMN more int")
    connection.execute("CREATE TEMPORARY TABLE moving_not (id int); DROP TABLE moving_not")
    connection.execute("REFRESH MATERIALIZED VIEW moving.m")
    connection.execute("VACUUM moving.t")
    connection.execute("ANALYZE moving.t")
    require_unchanged(connection, began)


def test_what_was_rolled_back_did_not_happen(connection: psycopg.Connection[Any], began: Watch) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute("DROP TABLE moving.t")
    require_unchanged(connection, began)


def test_our_own_guards_are_no_change(
    connection: psycopg.Connection[Any], began: Watch, source_database: Database
) -> None:
    with Ownership(source_database, "moving", "moving") as ownership:
        ownership.install(open=True)
        require_unchanged(connection, began)
        ownership.remove()
    require_unchanged(connection, began)


def test_the_fingerprint_notices_a_change_made_with_event_triggers_off(
    connection: psycopg.Connection[Any], began: Watch
) -> None:
    connection.execute("ALTER EVENT TRIGGER waqiti_migration_ddl DISABLE")
    connection.execute("ALTER TABLE moving.t ALTER COLUMN v SET DEFAULT 'x'")
    assert schema_changes(connection, began) == []
    with pytest.raises(SchemaChanged, match="not noted"):
        require_unchanged(connection, began)


def test_a_later_watch_does_not_count_what_was_before(
    connection: psycopg.Connection[Any], began: Watch
) -> None:
    connection.execute("ALTER TABLE moving.t ADD COLUMN more int")
    again = watch(connection, "moving", "moving")
    require_unchanged(connection, again)
    assert len(schema_changes(connection, began)) == 1


def test_the_last_schema_takes_the_event_triggers_with_it(
    connection: psycopg.Connection[Any], began: Watch
) -> None:
    watch(connection, "staying", "staying")
    count = "SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE 'waqiti%'"
    unwatch(connection, "moving")
    assert connection.execute(count).fetchone() == (2,)
    unwatch(connection, "staying")
    unwatch(connection, "staying")
    assert connection.execute(count).fetchone() == (0,)
