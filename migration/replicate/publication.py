"""What a publisher needs: replica identities with which updates and deletes can be found, a publication.

Partitions are published one by one, under their own names (`publish_via_partition_root = false`), and
their parents with them, so that a partition attached later is an error of applying, not a silent gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from core.sessions.locks import Patience, patiently
from core.sessions.own_schema import ensure_schema
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.tables import Table, TableName
from migration.replicate.heartbeat import Heartbeat
from migration.replicate.settings import let_go

query = queries(__package__)

_Identity = tuple[str, str | None]
"""`pg_class.relreplident`, and the index's name."""


@dataclass(frozen=True)
class Published:
    """What was done, for the person and the journal."""

    tables: int
    by_index: tuple[TableName, ...]
    """Tables whose updates and deletes are identified by a unique index, for want of a primary key."""
    by_full_row: tuple[TableName, ...]
    """Tables without any key: the whole old row is logged and searched for; slow when updated often."""
    not_replicated: tuple[TableName, ...]
    """Unlogged and foreign tables: nothing of them is in the WAL."""


def publish(
    connection: Connection,
    service: str,
    name: str,
    heartbeat: Heartbeat,
    tables: Sequence[Table],
    *,
    also: Sequence[sql.Composable] = (),
    patience: Patience | None = None,
) -> Published:
    """Settle replica identities, then make the publication or bring its list of tables up to date.

    `also` are tables of the migration's own, beside the heartbeat's.

    Changing an identity locks the table for a moment (ACCESS EXCLUSIVE), patiently; the one before is
    kept for `restore_identities`. Raises StepTimeout when a table stays locked.
    """
    replicated = [table for table in tables if table.kind != "foreign" and not table.unlogged]
    settle_identities(connection, service, tables, patience)
    listed = sql.SQL(", ").join(
        [heartbeat.table, *also, *(_published(table) for table in sorted(replicated, key=lambda t: t.name))]
    )
    there = connection.execute(
        "SELECT 1 FROM pg_catalog.pg_publication WHERE pubname = %s", [name]
    ).fetchone()
    if there is None:
        command = sql.SQL("CREATE PUBLICATION {} FOR TABLE {}").format(sql.Identifier(name), listed)
    else:
        command = sql.SQL("ALTER PUBLICATION {} SET TABLE {}").format(sql.Identifier(name), listed)
    patiently(connection, f"make the publication {name}", lambda: connection.execute(command), patience)
    with_rows = [table for table in replicated if table.holds_rows]
    return Published(
        tables=len(with_rows),
        by_index=tuple(t.name for t in with_rows if t.replica_identity.startswith("index ")),
        by_full_row=tuple(t.name for t in with_rows if t.replica_identity == "full"),
        not_replicated=tuple(t.name for t in tables if t.unlogged or t.kind == "foreign"),
    )


def settle_identities(
    connection: Connection, service: str, tables: Sequence[Table], patience: Patience | None = None
) -> None:
    """Give every table the identity that updates and deletes need; both sides of a direction need it."""
    ensure_schema(connection)
    make_identities(connection)
    settled = [table for table in tables if table.holds_rows and not table.unlogged]
    now = _identities(connection, [table.name for table in settled])
    for table in settled:
        if table.name in now:
            _settle(connection, service, table, now[table.name], patience)


def make_identities(connection: Connection) -> None:
    """Make the table that keeps what replica identities were before, unless it is there."""
    connection.execute(query("identities"))


def unpublish(connection: Connection, name: str) -> None:
    """Drop the publication if it is there."""
    let_go(connection, "PUBLICATION", name)
    connection.execute(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(name)))


def adopt_identities(at_source: Connection, connection: Connection, service: str) -> None:
    """Note on the service's own database what the source's tables had before they were settled: a dump made
    its tables with what they have been given since, so that there is no other `before`."""
    for kept in _kept(at_source, service):
        connection.execute(
            "INSERT INTO waqiti_migration.replica_identities VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (schema_name, table_name)"
            " DO UPDATE SET identity = excluded.identity, index_name = excluded.index_name",
            [service, *kept],
        )


def _kept(connection: Connection, service: str) -> list[tuple[str, str, str, str | None]]:
    row = connection.execute("SELECT to_regclass('waqiti_migration.replica_identities')").fetchone()
    if row is None or row[0] is None:
        return []
    return connection.execute(
        "SELECT schema_name, table_name, identity, index_name FROM waqiti_migration.replica_identities"
        " WHERE service = %s",
        [service],
    ).fetchall()


def restore_identities(connection: Connection, service: str, patience: Patience | None = None) -> None:
    """Put back the replica identities that the service's tables had before `settle_identities`."""
    kept = _kept(connection, service)
    now = _identities(connection, [TableName(schema, table) for schema, table, _, _ in kept])
    for schema, table, identity, index in kept:
        there = now.get(TableName(schema, table))
        if there is not None and there != (identity, index):
            _set(connection, TableName(schema, table), (identity, index), patience)
        connection.execute(
            "DELETE FROM waqiti_migration.replica_identities WHERE schema_name = %s AND table_name = %s",
            [schema, table],
        )


def _published(table: Table) -> sql.Composable:
    # ONLY: inheritance children of other schemas are not ours to publish, those of this one are listed.
    only = sql.SQL("") if table.kind == "partitioned" else sql.SQL("ONLY ")
    return only + table.name.identifier()


def _settle(
    connection: Connection, service: str, table: Table, now: _Identity, patience: Patience | None
) -> None:
    wanted: tuple[str, str | None]
    if table.replica_identity == "primary key":
        wanted = ("d", None)
    elif table.replica_identity.startswith("index "):
        wanted = ("i", table.replica_identity.removeprefix("index "))
    else:
        wanted = ("f", None)
    if now == wanted:
        return
    connection.execute(
        "INSERT INTO waqiti_migration.replica_identities VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [service, table.name.schema, table.name.name, *now],
    )
    _set(connection, table.name, wanted, patience)


def _identities(connection: Connection, tables: Sequence[TableName]) -> dict[TableName, _Identity]:
    """Those of all tables that are there, in one query."""
    asked = {"schemas": [table.schema for table in tables], "names": [table.name for table in tables]}
    rows = connection.execute(query("identities_now"), asked)
    return {TableName(schema, name): (identity, index) for schema, name, identity, index in rows}


def _set(
    connection: Connection, table: TableName, wanted: tuple[str, str | None], patience: Patience | None
) -> None:
    identity, index = wanted
    how: sql.Composable
    if identity == "i" and index is not None:
        how = sql.SQL("USING INDEX {}").format(sql.Identifier(index))
    else:
        how = sql.SQL({"d": "DEFAULT", "f": "FULL", "n": "NOTHING"}.get(identity, "DEFAULT"))
    command = sql.SQL("ALTER TABLE {} REPLICA IDENTITY {}").format(table.identifier(), how)
    patiently(
        connection,
        f"set the replica identity of {table}",
        lambda: connection.execute(command),
        patience,
    )
