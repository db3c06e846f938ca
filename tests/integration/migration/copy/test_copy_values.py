"""Every value that a column can hold arrives as it was, by every way that a table can take."""

from __future__ import annotations

import threading

import pytest
from psycopg import sql

from core.progress.interface import Silent
from core.sessions.connections import Database
from migration.copy.tables import CopySizes, copy_tables
from tests.support import copies
from tests.support.versions import every_version_pair

pytestmark = pytest.mark.integration

WAYS = {
    "through this process": CopySizes(in_process=2**40),
    "some in one transaction": CopySizes(in_process=2**40, together=50),
    "from client to client": CopySizes(in_process=-1),
    "in ranges of pages": CopySizes(in_process=-1, smallest_piece=8192, smallest_crew=1),
}


@pytest.fixture
def two_ends(source_database: Database, target_database: Database) -> tuple[Database, Database]:
    with source_database.connect() as connection:
        copies.create(connection)
    with target_database.connect() as connection:
        copies.create_empty(connection)
    return source_database, target_database


def copy(ends: tuple[Database, Database], sizes: CopySizes | None = None) -> dict[str, int]:
    """Copy all and return the rows each table had."""
    source, target = ends
    tasks = copies.tasks_of(source, target, copies.SCHEMA)
    # Few workers load many tables in one transaction.
    workers = 1 if sizes is not None and sizes.together > 1 else 6
    with copies.exported_snapshot(source) as snapshot:
        copied = copy_tables(
            source, tasks, snapshot, workers=workers, progress=Silent(), stop=threading.Event(), sizes=sizes
        )
    return {table.table.name: table.rows for table in copied}


def assert_equal(ends: tuple[Database, Database]) -> None:
    source, target = ends
    for task in copies.tasks_of(source, target, copies.SCHEMA):
        if task.table.holds_rows:
            expected = copies.rows_of(source, task.table.name)
            assert copies.rows_of(target, task.table.name) == expected, task.name


@every_version_pair
@pytest.mark.parametrize("way", WAYS)
def test_every_value_arrives_by_every_way_on_every_pair_of_versions(
    two_ends: tuple[Database, Database], way: str
) -> None:
    rows = copy(two_ends, WAYS[way])
    assert_equal(two_ends)
    assert rows["plain"] == 515
    assert rows["no_columns"] == 2
    assert rows["parent"] == 200
    assert rows["nothing_inside"] == 0


def test_tables_that_are_loaded_together_are_emptied_first(two_ends: tuple[Database, Database]) -> None:
    together = WAYS["some in one transaction"]
    assert copy(two_ends, together) == copy(two_ends, together)
    assert_equal(two_ends)


def set_defaults(database: Database, settings: dict[str, str]) -> None:
    with database.connect() as connection:
        for name, value in settings.items():
            connection.execute(
                sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                    sql.Identifier(database.endpoint.database), sql.Identifier(name), sql.Literal(value)
                )
            )


def test_settings_of_the_two_databases_do_not_change_a_value(two_ends: tuple[Database, Database]) -> None:
    source, target = two_ends
    odd = {
        "intervalstyle": "sql_standard",
        "extra_float_digits": "-5",
        "bytea_output": "escape",
        "default_transaction_isolation": "serializable",
        "statement_timeout": "30s",
    }
    set_defaults(source, odd | {"timezone": "America/New_York", "datestyle": "SQL, DMY"})
    set_defaults(target, odd | {"timezone": "Asia/Kathmandu", "datestyle": "German"})
    copy(two_ends)
    assert_equal(two_ends)


def test_documents_of_xml_arrive(two_ends: tuple[Database, Database]) -> None:
    """Apart, because not every build of PostgreSQL has XML."""
    table = sql.Identifier(copies.SCHEMA, "documents")
    for database in two_ends:
        with database.connect() as connection:
            connection.execute(sql.SQL("CREATE TABLE {} (x xml)").format(table))
    with two_ends[0].connect() as connection:
        connection.execute(
            sql.SQL("SET xmloption = document; INSERT INTO {} VALUES ('<a b=\"c\">&amp;</a>')").format(table)
        )
        connection.execute(sql.SQL("SET xmloption = content; INSERT INTO {} VALUES ('a<b/>')").format(table))
    copy(two_ends)
    assert_equal(two_ends)


def test_tables_that_hold_types_with_oids_of_their_own_travel_as_text(
    two_ends: tuple[Database, Database],
) -> None:
    tasks = copies.tasks_of(*two_ends, copies.SCHEMA)
    text = {task.table.name.name for task in tasks if not task.table.binary}
    assert text >= {"composites", "pointers", "user_types"}
    assert "plain" not in text or {
        c.name for t in tasks if t.table.name.name == "plain" for c in t.table.copied
    }
