"""Fills a replica, at the very position from which its subscription then goes on, in one transaction.

A replica that is read meanwhile never looks empty, and what is filled is compared with what it is copied from
before anybody sees it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from components.contract import Contract, Service
from components.replication_roles import server_wide
from core.rows.digest import choose, prepare
from core.sessions.connections import Database
from core.sessions.session import Connection
from core.sessions.stack import target_database
from migration.catalog.tables import TableName
from migration.references.check import require_equal
from migration.references.model import Link
from migration.schema.replica_tables import GUARD
from migration.schema.target import ddl_session

APPLICATION = "waqiti-migration-references"


def fill(contract: Contract, link: Link, seconds: float) -> int:
    """Make the slot, and replace the rows by those of its snapshot; returns their number."""
    publisher = link.publishing(contract)
    with _exported_slot(publisher, link.name, seconds) as snapshot:
        return _fill(publisher, contract.services[link.dependent], link, snapshot)


@contextmanager
def _exported_slot(publisher: Database, name: str, seconds: float) -> Iterator[str]:
    """Make the slot and yield the snapshot that it begins after."""
    command = sql.SQL("CREATE_REPLICATION_SLOT {} LOGICAL pgoutput (SNAPSHOT 'export')")
    slot = server_wide(name, publisher.endpoint.database)
    with publisher.connect(replication=True, application_name="waqiti-migration-slot") as connection:
        # statement_timeout does not apply to replication commands.
        watchdog = threading.Timer(seconds, connection.cancel_safe)
        watchdog.start()
        try:
            with publisher.translated(f"making the slot {slot}, which old transactions delay"):
                row = connection.execute(command.format(sql.Identifier(slot))).fetchone()
        finally:
            watchdog.cancel()
        if row is None:
            raise AssertionError("CREATE_REPLICATION_SLOT returns a row")
        yield str(row[2])


def _fill(publisher: Database, service: Service, link: Link, snapshot: str) -> int:
    """Replace the replicas' rows by those of the snapshot, all in one transaction."""
    target = target_database(service)
    rows = 0
    with (
        publisher.connect(application_name=APPLICATION) as reading,
        ddl_session(target) as writing,
        publisher.translated(f"reading what {link.dependent} needs of {link.referenced}"),
        target.translated(f"filling the replicas of {link.referenced}"),
        reading.transaction(),
        writing.transaction(),
    ):
        reading.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        reading.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        for connection in (reading, writing):
            prepare(connection)
        writing.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(service.owner)))
        digest = choose(reading, writing)
        for table, columns in link.tables:
            rows += _refill(reading, writing, table, columns)
            # Before anybody can read it.
            require_equal(reading, writing, table, columns, digest)
    return rows


def _refill(reading: Connection, writing: Connection, table: TableName, columns: tuple[str, ...]) -> int:
    names = {"table": table.identifier(), "columns": column_list(columns), "guard": sql.Identifier(GUARD)}
    writing.execute(sql.SQL("ALTER TABLE {table} DISABLE TRIGGER {guard}").format(**names))
    writing.execute(sql.SQL("DELETE FROM {table}").format(**names))
    source = sql.SQL("COPY (SELECT {columns} FROM ONLY {table}) TO STDOUT").format(**names)
    target = sql.SQL("COPY {table} ({columns}) FROM STDIN").format(**names)
    with writing.cursor() as cursor:
        with reading.cursor().copy(source) as leaving, cursor.copy(target) as arriving:
            for data in leaving:
                arriving.write(data)
        copied = cursor.rowcount
    writing.execute(sql.SQL("ALTER TABLE {table} ENABLE TRIGGER {guard}").format(**names))
    return copied


def column_list(columns: tuple[str, ...]) -> sql.Composed:
    """The columns, quoted, with commas between."""
    return sql.SQL(", ").join(sql.Identifier(column) for column in columns)
