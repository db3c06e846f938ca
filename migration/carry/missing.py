"""Tables and partitions that no log of changes brings to the side that follows: made there as they are.

They came while `start` copied, or where nobody may make event triggers. Their rows stop the apply worker,
since a partition of a published table is published as it is made; once the table is there, they are applied.
docs/decisions/0152-what-comes-meanwhile.md
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from psycopg import sql

from core.errors import SchemaChanged
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.carry.capture import is_prepared, sees_changes
from migration.catalog.tables import TableName
from migration.replicate.flow import Flow

query = queries(__package__)

_Place = tuple[str | None, str | None]
"""Of which table it is a partition, within which bounds; None: it is none."""


def make_missing(
    flow: Flow, schema: str, wanted: Callable[[], Collection[TableName]] | None = None
) -> tuple[TableName, ...]:
    """Make on the side that follows what only the side that serves has; returns the tables.

    `wanted` gives the tables that belong to the service, where not all of the schema do. Can be repeated.
    Raises SchemaChanged where one is of a kind that is not carried over.
    """
    if not is_prepared(flow.at_publisher) or not is_prepared(flow.at_subscriber):
        return ()
    asked: dict[str, Any] = {"schema": schema, "seen": sees_changes(flow.at_publisher, flow.publisher)}
    with flow.publisher.translated("looking for tables that are new"):
        here = {name: (oid, kind) for oid, name, kind in flow.at_publisher.execute(query("missing"), asked)}
    with flow.subscriber.translated("looking for tables that are new"):
        there = set(_places(flow.at_subscriber, schema)) | _sequences(flow.at_subscriber, schema)
    found = {name: one for name, one in here.items() if name not in there}
    if wanted is not None and any(kind != "S" for _, kind in found.values()):
        ours = {table.name for table in wanted() if table.schema == schema}
        found = {name: one for name, one in found.items() if one[1] == "S" or name in ours}
    tables = tuple(TableName(schema, name) for name, (_, kind) in found.items() if kind != "S")
    if tables:
        _require_carried(flow, schema, found)
        with flow.publisher.translated("reading what makes tables that are new"):
            oids = [oid for oid, _ in found.values()]
            made = [row[0] for row in flow.at_publisher.execute(query("making"), {"relations": oids})]
        with flow.subscriber.translated(f"making {len(tables)} tables that are new"):
            _make(flow.at_subscriber, schema, made, list(found))
    if not asked["seen"]:
        _note(flow, schema, [name for name in here if name in found or name in there])
    return tables


def move_partitions(flow: Flow, schema: str) -> tuple[str, ...]:
    """Partitions that were detached, attached or dropped while rows were copied, likewise on the side that
    follows, where nothing else is; returns their names."""
    with flow.publisher.translated("reading its partitions"):
        here = _places(flow.at_publisher, schema)
        if flow.changes.last(flow.at_publisher):
            return ()  # what is carried over is on its way already
    with flow.subscriber.translated("reading its partitions"):
        there = _places(flow.at_subscriber, schema)
    statements, moved = [], []
    for name, (parent, _) in there.items():
        table = sql.Identifier(schema, name).as_string(None)
        now = here.get(name)
        if (now is None and parent is None) or (now is not None and now[0] == parent):
            continue
        moved.append(name)
        if now is None:
            statements.append(f"DROP TABLE {table}")
            continue
        if parent is not None:
            statements.append(f"ALTER TABLE {parent} DETACH PARTITION {table}")
        if now[0] is not None:
            statements.append(f"ALTER TABLE {now[0]} ATTACH PARTITION {table} {now[1]}")
    if statements:
        with flow.subscriber.translated(f"moving {len(moved)} partitions"):
            _make(flow.at_subscriber, schema, statements, [])
    return tuple(moved)


def _require_carried(flow: Flow, schema: str, found: dict[str, tuple[int, str]]) -> None:
    with flow.publisher.translated("looking at tables that are new"):
        for name, (oid, _) in found.items():
            row = flow.at_publisher.execute(
                "SELECT waqiti_migration.not_carried(%s, %s, '{}')", [oid, schema]
            ).fetchone()
            if row is not None and row[0] is not None:
                raise SchemaChanged(
                    f"{TableName(schema, name)} was made while {flow.service} moves, and is not carried over,"
                    f" because {row[0]}: `abort {flow.service}` if it follows, then `start {flow.service}`"
                    " takes it along"
                )


def _make(connection: Connection, schema: str, made: list[str], names: list[str]) -> None:
    """As the owner of the schema, as an apply worker would (changes_apply.sql)."""
    with connection.transaction():
        row = connection.execute(
            "SELECT pg_catalog.pg_get_userbyid(nspowner)::text FROM pg_catalog.pg_namespace"
            " WHERE nspname = %s",
            [schema],
        ).fetchone()
        if row is not None:
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(row[0])))
        connection.execute(
            "SET LOCAL search_path = ''; SET LOCAL datestyle = 'ISO, MDY'; SET LOCAL lock_timeout = '10s'"
        )
        for statement in made:
            connection.execute(statement.encode())
        connection.execute("RESET ROLE")
        if names:
            connection.execute(query("note_made"), {"schema": schema, "names": names})
            connection.execute("SELECT waqiti_migration.mark_made(%s)", [schema])


def _note(flow: Flow, schema: str, names: list[str]) -> None:
    """What nobody saw being made is noted now, and a partition gets an identity."""
    with flow.publisher.translated("noting tables that are new"), flow.at_publisher.transaction():
        flow.at_publisher.execute(query("note_made"), {"schema": schema, "names": names})
        for name in names:
            flow.at_publisher.execute(
                "SELECT waqiti_migration.identify_partition(pg_catalog.to_regclass(%s), %s)",
                [sql.Identifier(schema, name).as_string(None), flow.service],
            )


def _places(connection: Connection, schema: str) -> dict[str, _Place]:
    rows = connection.execute(query("relations_there"), {"schema": schema})
    return {name: (parent, bounds) for name, kind, parent, bounds in rows if kind != "S"}


def _sequences(connection: Connection, schema: str) -> set[str]:
    rows = connection.execute(query("relations_there"), {"schema": schema})
    return {row[0] for row in rows if row[1] == "S"}
