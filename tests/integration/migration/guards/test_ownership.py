"""Guards are installed, checked, repaired and removed, any number of times, next to live traffic."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from core.errors import StepTimeout, WrongState
from core.sessions.connections import Database
from core.sessions.locks import Patience
from migration.catalog.tables import TableName
from migration.guards.ownership import Ownership

pytestmark = pytest.mark.integration

SETUP = """
CREATE SCHEMA "The Service";
CREATE TABLE "The Service".things (id int PRIMARY KEY);
CREATE TABLE "The Service"."Parted" (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE "The Service".leaf PARTITION OF "The Service"."Parted" DEFAULT;
CREATE VIEW "The Service".shown AS SELECT 1 AS one;
"""


@pytest.fixture
def ownership(source_database: Database) -> Iterator[Ownership]:
    with source_database.connect() as connection:
        connection.execute(SETUP)
    with Ownership(source_database, "the-service", "The Service") as made:
        yield made


def test_a_side_can_be_born_closed(ownership: Ownership, source_database: Database) -> None:
    assert ownership.install(open=False) == 3
    with source_database.connect() as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute('INSERT INTO "The Service".things VALUES (1)')


def test_installing_again_keeps_the_flag_and_guards_only_what_is_new(
    ownership: Ownership, source_database: Database
) -> None:
    ownership.install(open=False)
    with source_database.connect() as connection:
        connection.execute('CREATE TABLE "The Service".late ()')
    assert ownership.status().missing == (TableName("The Service", "late"),)
    assert ownership.install(open=True) == 1
    assert ownership.is_open() is False
    assert ownership.status().sound


def test_a_disabled_guard_is_noticed_and_enabled_again(
    ownership: Ownership, source_database: Database
) -> None:
    ownership.install(open=False)
    with source_database.connect() as connection:
        connection.execute('ALTER TABLE "The Service".things DISABLE TRIGGER ALL')
        status = ownership.status()
        assert not status.sound
        assert status.weakened == (
            '"The Service".things.waqiti_migration_guard',
            '"The Service".things.waqiti_migration_guard_truncate',
        )
        ownership.restore()
        assert ownership.status().sound
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute('TRUNCATE "The Service".things')


def test_removing_leaves_nothing_and_can_be_done_twice(
    ownership: Ownership, source_database: Database
) -> None:
    ownership.install(open=False)
    ownership.remove()
    ownership.remove()
    assert ownership.is_open() is None
    with source_database.connect() as connection:
        connection.execute('INSERT INTO "The Service".things VALUES (1)')


def test_opening_and_closing_can_be_done_twice(ownership: Ownership) -> None:
    ownership.install(open=True)
    ownership.close(seconds=1)
    ownership.close(seconds=1)
    assert ownership.is_open() is False
    ownership.open()
    ownership.open()
    assert ownership.is_open() is True


def test_without_guards_nothing_can_be_closed(ownership: Ownership) -> None:
    with pytest.raises(WrongState, match="no guards for the-service"):
        ownership.close(seconds=1)


def test_installing_gives_up_on_a_table_that_stays_locked(
    ownership: Ownership, source_database: Database
) -> None:
    with source_database.connect(autocommit=False) as writer:
        writer.execute('INSERT INTO "The Service".things VALUES (1)')
        with pytest.raises(StepTimeout, match=r'could not guard "The Service"\.things'):
            ownership.install(open=True, patience=Patience(seconds=0.3))


def test_two_services_of_one_database_have_flags_of_their_own(
    ownership: Ownership, source_database: Database
) -> None:
    with source_database.connect() as connection:
        connection.execute("CREATE SCHEMA second; CREATE TABLE second.t (id int)")
        with Ownership(source_database, "second", "second") as second:
            ownership.install(open=True)
            second.install(open=True)
            ownership.close(seconds=1)
            connection.execute("INSERT INTO second.t VALUES (1)")
            assert second.status().guarded == (TableName("second", "t"),)


def test_a_closing_outlives_a_crash_of_the_server(ownership: Ownership) -> None:
    ownership.install(open=True)
    with ownership.database.connect() as connection:
        before = connection.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
        ownership.close(seconds=1)
        after = connection.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
    assert before is not None
    assert after is not None
    assert after[0] > before[0], "the flag's change is in the WAL and flushed when close returns"


def test_guards_installed_anew_work_in_sessions_that_knew_the_old_ones(
    ownership: Ownership, source_database: Database
) -> None:
    ownership.install(open=True)
    with source_database.connect() as connection:
        connection.execute('INSERT INTO "The Service".things VALUES (1)')
        ownership.remove()
        ownership.install(open=True)
        connection.execute('INSERT INTO "The Service".things VALUES (2)')
        ownership.close(seconds=1)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute('INSERT INTO "The Service".things VALUES (3)')


def test_what_lies_in_the_search_path_of_a_role_does_not_fool_the_guard(
    ownership: Ownership, source_database: Database
) -> None:
    ownership.install(open=False)
    with source_database.connect() as connection:
        connection.execute("CREATE SCHEMA trap")
        connection.execute(
            "CREATE FUNCTION trap.yes(bigint, int) RETURNS boolean LANGUAGE sql AS 'SELECT true';"
            "CREATE OPERATOR trap.= (LEFTARG = bigint, RIGHTARG = int, FUNCTION = trap.yes);"
            "CREATE FUNCTION trap.pg_sequence_last_value(regclass) RETURNS bigint LANGUAGE sql"
            " AS 'SELECT 1::bigint'"
        )
        connection.execute("SET search_path = trap, pg_catalog")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute('INSERT INTO "The Service".things VALUES (1)')
