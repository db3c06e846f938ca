"""A schema with everything whose way through COPY is not obvious, and an independent comparison."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import sql

from core.sessions.connections import Database
from core.sessions.session import Connection
from migration.catalog.read import read_catalog
from migration.catalog.tables import TableName
from migration.copy.tables import CopyTask

SCHEMA = "Copy's Schema"
_SCRIPT = Path(__file__).with_suffix(".sql")


def create(connection: Connection) -> None:
    """The schema with its rows."""
    connection.execute(_SCRIPT.read_bytes())
    connection.execute("RESET search_path")


def create_empty(connection: Connection) -> None:
    """The same tables, empty, in a database where types and tables have other OIDs."""
    connection.execute("CREATE TYPE shifts_the_oids AS ENUM ('a', 'b', 'c', 'd', 'e', 'f', 'g')")
    create(connection)
    tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = %s::regnamespace",
        ['"' + SCHEMA + '"'],
    ).fetchall()
    for (name,) in tables:
        connection.execute(sql.SQL("TRUNCATE ONLY {}").format(sql.Identifier(SCHEMA, name)))


@contextmanager
def exported_snapshot(source: Database) -> Iterator[str]:
    """A snapshot of the source, kept open."""
    with source.connect(autocommit=False) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        yield row[0]


def tasks_of(source: Database, target: Database, *schemas: str, service: str = "copied") -> list[CopyTask]:
    """A task for each table of these schemas."""
    with source.connect() as connection:
        tables = read_catalog(connection).tables.values()
    return [CopyTask(service, table, target) for table in tables if table.name.schema in schemas]


def rows_of(database: Database, table: TableName) -> list[str]:
    """Each row of the table itself as text under fixed settings, sorted."""
    with database.connect() as connection:
        connection.execute(
            "SET search_path = ''; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD';"
            " SET intervalstyle = 'postgres'; SET extra_float_digits = 3; SET lc_monetary = 'C'"
        )
        rows = connection.execute(
            sql.SQL("SELECT entire_row::text FROM ONLY {} entire_row").format(table.identifier())
        ).fetchall()
    return sorted(row[0] for row in rows)
