"""Reads the source's whole catalogue in a handful of queries, from one snapshot."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import sql

from components.locale import Locale
from core.sessions.queries import queries, statements
from core.sessions.session import Connection
from core.sessions.settings import use
from migration.catalog.identity import ObjectId
from migration.catalog.large_objects import read_stray
from migration.catalog.logins import ddl_logins
from migration.catalog.named import large_objects_inside, read_named_values, read_places
from migration.catalog.objects import (
    PG_CLASS,
    PG_CONSTRAINT,
    PG_EVENT_TRIGGER,
    PG_EXTENSION,
    PG_PROC,
    PG_PUBLICATION,
    PG_TRIGGER,
    BuildNeed,
    Catalog,
    CatalogObject,
    Dependency,
    DroppedKey,
    Extension,
    ForeignKey,
    Grant,
    Judged,
    LeftBehind,
    LocaleUse,
    Routine,
    Server,
    Stream,
)
from migration.catalog.quoting import with_quotes
from migration.catalog.rights import read_row_security
from migration.catalog.tables import (
    Column,
    LargeObjectColumn,
    Sequence,
    SequenceName,
    Table,
    TableName,
    display_name,
    search_path_entries,
)

query = queries(__package__)
statement = statements(__package__)

OWN_SCHEMA = "waqiti_migration"
"""Where this program keeps its own things, on either side: never claimed, never moved, never listed."""
_OWN_PUBLICATION = re.compile(r"waqiti_([a-z0-9_]+_(forward|back)|reads_[a-z0-9_]+)")
"""What `migration.replicate.flow` calls its publications and subscriptions."""
_BLOCK = 8192


def read_catalog(
    connection: Connection, snapshot: str | None = None, application: str | None = None
) -> Catalog:
    """Everything in the connection's database, and what the role `application` may do with it.

    Opens a read-only, repeatable-read transaction of its own (of the exported `snapshot`, where given)
    and ends it. The names that come out are schema-qualified, because the search_path is empty inside.
    Raises psycopg.errors.LockNotAvailable when a table stays locked for 10 s (sizes need a shared lock).
    """
    with frozen(connection, snapshot):
        server = _read_server(connection)
        objects = _read_objects(connection)
        dependencies = _read_dependencies(connection, objects)
        _leave_out_own(objects, dependencies)
        grants, owned = _read_grants(connection, application)
        tables, large_object_columns = _read_tables(connection)
        places = read_places(connection, tables)
        large_object_columns += tuple(large_objects_inside(places, large_object_columns))
        named_values, named_unread = read_named_values(connection, places)
        return Catalog(
            server=server,
            objects=objects,
            dependencies=tuple(d for d in dependencies if d.dependent in objects and d.referenced in objects),
            tables=tables,
            sequences=_read_sequences(connection),
            foreign_keys=_read_foreign_keys(connection, tables),
            routines=_read_routines(connection),
            extensions=_read_extensions(connection),
            large_object_columns=large_object_columns,
            stray_large_objects=read_stray(connection, large_object_columns),
            grants=grants,
            owned=owned,
            application=application if grants is not None else None,
            row_security=read_row_security(connection, application),
            other_roles=_read_other_roles(connection, application),
            unpopulated=frozenset(row[0] for row in connection.execute(query("unpopulated"))),
            superuser_only={
                (classid, oid): why for classid, oid, why in connection.execute(query("superuser_only"))
            },
            application_path=_read_path(connection, application),
            judged=_read_judged(connection),
            build_needs=tuple(
                BuildNeed((classid, oid), *rest)
                for classid, oid, *rest in connection.execute(query("builds"))
            ),
            locale_uses=tuple(
                LocaleUse((classid, oid), aspect, what)
                for classid, oid, aspect, what in connection.execute(query("locale_uses"))
            ),
            inherited={row[0]: with_quotes(row[1]) for row in connection.execute(query("inherited"))},
            generated_apart=tuple(
                (oid, column, parent, ddl)
                for oid, column, parent, ddl in connection.execute(query("generated_apart"))
            ),
            comments={
                (classid, oid): with_quotes(text)
                for classid, oid, text in connection.execute(query("comments"))
            },
            streams=_read_streams(connection),
            left_behind=_read_left_behind(connection, application),
            columns_read={
                ((classid, oid), table): frozenset(columns)
                for classid, oid, table, columns in connection.execute(query("columns_read"))
            },
            named_values=named_values,
            named_unread=named_unread,
            column_orders={
                oid: (tuple(here), tuple(made))
                for oid, here, made in connection.execute(query("column_order"))
            },
            replica_mode=tuple(
                (where, end)
                for where, end in connection.execute(query("replica_mode"), {"application": application})
            ),
            dropped_keys=_read_dropped_keys(connection),
        )


@contextmanager
def frozen(connection: Connection, snapshot: str | None = None) -> Iterator[None]:
    """A read-only, repeatable-read transaction with an empty search_path, around what reads a catalogue."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if snapshot is not None:
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        use(connection, {"search_path": "", "lock_timeout": "10s"}, local=True)
        yield


def _read_dropped_keys(connection: Connection) -> tuple[DroppedKey, ...]:
    row = connection.execute("SELECT pg_catalog.to_regclass('waqiti_migration.crossing_keys')").fetchone()
    if row is None or row[0] is None:
        return ()
    rows = connection.execute(
        "SELECT schema_name, table_name, constraint_name, definition, references_schema"
        " FROM waqiti_migration.crossing_keys ORDER BY 1, 2, 3"
    )
    return tuple(DroppedKey(TableName(s, t), k, d, r) for s, t, k, d, r in rows)


def _read_server(connection: Connection) -> Server:
    row = connection.execute(query("server")).fetchone()
    if row is None:
        raise LookupError("pg_database has no row for the current database")
    return server_of(row)


def server_of(row: tuple[Any, ...]) -> Server:
    """What a row of sql/server.sql says."""
    version, database, encoding, locale, *rest = row
    return Server(version, database, encoding, Locale.model_validate(locale), *rest)


def _read_objects(connection: Connection) -> dict[ObjectId, CatalogObject]:
    rows = connection.execute(query("objects")).fetchall()
    by_id = {(row[0], row[1]): row for row in rows}
    made: dict[ObjectId, CatalogObject] = {}

    def make(key: ObjectId) -> CatalogObject:
        if key in made:
            return made[key]
        _, _, kind, schema, name, arguments, parent_class, parent_oid, definition, extension = by_id[key]
        parent = (parent_class, parent_oid) if parent_oid is not None else None
        if parent not in by_id:
            parent = None
        whole = make(parent) if parent is not None else None
        if kind in {"cast", "transform"}:
            identity = name
        elif whole is None or key[0] == PG_CLASS:
            identity = display_name(*((schema,) if schema is not None else ()), name) + (arguments or "")
        else:
            identity = f"{whole.identity}.{display_name(name)}"
            schema = whole.schema
        if whole is not None:
            extension = extension or whole.extension
        made[key] = CatalogObject(
            key, kind, schema, name, identity, parent, extension, arguments or "",
            with_quotes(definition or ""),
        )  # fmt: skip
        return made[key]

    for key in by_id:
        make(key)
    return made


def _leave_out_own(objects: dict[ObjectId, CatalogObject], dependencies: tuple[Dependency, ...]) -> None:
    """Forget what this program itself has put there: its schema, and its guards on the services' tables."""
    own = {key for key, item in objects.items() if OWN_SCHEMA in {item.schema, item.name}}
    own |= {
        d.dependent
        for d in dependencies
        if d.referenced in own and d.dependent[0] in {PG_TRIGGER, PG_EVENT_TRIGGER}
    }
    own |= {
        key
        for key, item in objects.items()
        if key[0] == PG_PUBLICATION and _OWN_PUBLICATION.fullmatch(item.name)
    }
    for key in own:
        del objects[key]


def _read_dependencies(
    connection: Connection, objects: dict[ObjectId, CatalogObject]
) -> tuple[Dependency, ...]:
    rows = connection.execute(query("dependencies")).fetchall()
    return tuple(
        Dependency((row[0], row[1]), row[2], (row[3], row[4]), row[5])
        for row in rows
        if (row[0], row[1]) in objects and (row[3], row[4]) in objects
    )


def _read_tables(connection: Connection) -> tuple[dict[int, Table], tuple[LargeObjectColumn, ...]]:
    columns: defaultdict[int, list[Column]] = defaultdict(list)
    large: list[tuple[int, str]] = []
    for oid, name, *rest, large_object in connection.execute(query("columns")):
        columns[oid].append(Column(name, *rest))
        if large_object:
            large.append((oid, name))
    tables = {}
    for row in connection.execute(query("tables")):
        table = _table(row, tuple(columns[row[0]]))
        tables[table.oid] = table
    found = tuple(LargeObjectColumn(tables[oid].name, name) for oid, name in large if oid in tables)
    return tables, found


def _table(row: tuple[Any, ...], columns: tuple[Column, ...]) -> Table:
    (oid, schema, name, kind, size, pages, index_bytes, tuples, analyzed_pages, unlogged, row_security, ident,
     parent_schema, parent, key, key_types, operators, key_index, primary, identity_index, generated_key,
     by_enum) = row  # fmt: skip
    return Table(
        name=TableName(schema, name),
        oid=oid,
        kind=kind,
        bytes=size,
        pages=pages,
        estimated_rows=_estimated_rows(tuples, analyzed_pages, pages, len(columns)),
        columns=columns,
        key=tuple(key) if key else None,
        key_index=key_index,
        generated_key=generated_key,
        key_types=tuple(key_types or ()),
        key_operators=tuple((schema, name) for schema, name in operators or ()),
        replica_identity=_replica_identity(ident, identity_index, key_index, primary),
        index_bytes=index_bytes,
        unlogged=unlogged,
        row_security=row_security,
        parent=TableName(parent_schema, parent) if parent is not None else None,
        current_replica_identity=ident,
        hashed_by_enum=by_enum,
    )


def _estimated_rows(tuples: int, analyzed_pages: int, pages: int, columns: int) -> int:
    """The planner's own way (estimate_rel_size): the density when last analyzed times the pages now."""
    if tuples >= 0 and analyzed_pages > 0:
        return round(tuples / analyzed_pages * pages)
    if tuples > 0:
        return tuples
    # Never analyzed: a tuple header of 28 bytes and, lacking better, 8 bytes a column.
    return pages * (_BLOCK // (28 + 8 * max(columns, 1)))


def _replica_identity(current: str, identity_index: str | None, key_index: str | None, primary: bool) -> str:
    if current == "f":
        return "full"
    if current == "i" and identity_index is not None:
        return f"index {identity_index}"
    if primary:
        return "primary key"
    return f"index {key_index}" if key_index is not None else "full"


def _read_sequences(connection: Connection) -> dict[int, Sequence]:
    found = {}
    for row in connection.execute(query("sequences")):
        oid, schema, name, kind, start, step, least, most, cache, cycle, table_schema, table, column = row
        owner = (TableName(table_schema, table), column) if table is not None else None
        sequence = SequenceName(schema, name)
        found[oid] = Sequence(sequence, oid, kind, start, step, least, most, cache, cycle, owner)
    return found


def _read_foreign_keys(connection: Connection, tables: dict[int, Table]) -> tuple[ForeignKey, ...]:
    return tuple(
        ForeignKey(
            (PG_CONSTRAINT, oid), name, tables[table].name, tables[referenced].name, with_quotes(text), valid
        )
        for oid, name, table, referenced, text, valid in connection.execute(query("references"))
        if table in tables and referenced in tables
    )


def _read_routines(connection: Connection) -> dict[ObjectId, Routine]:
    found = {}
    for oid, language, body, parsed, _, path, trusted, leakproof in connection.execute(query("routines")):
        key = (PG_PROC, oid)
        found[key] = Routine(
            key, language, with_quotes(body) if parsed else body, parsed, path, trusted, leakproof
        )
    return found


def _read_path(connection: Connection, application: str | None) -> tuple[str, ...]:
    row = connection.execute(query("path"), {"application": application or ""}).fetchone()
    entries = search_path_entries(row[0]) if row is not None else []
    return tuple(application or "" if entry == "$user" else entry for entry in entries)


def _read_judged(connection: Connection) -> dict[ObjectId, Judged]:
    return {
        (classid, oid): Judged((classid, oid), tuple((PG_PROC, one) for one in routines), *rest)
        for classid, oid, routines, *rest in connection.execute(query("judged"))
    }


def _read_extensions(connection: Connection) -> dict[str, Extension]:
    return {
        name: Extension((PG_EXTENSION, oid), name, version, schema, tuple(requires))
        for oid, name, version, schema, requires in connection.execute(query("extensions"))
    }


def _read_grants(
    connection: Connection, application: str | None
) -> tuple[tuple[Grant, ...] | None, frozenset[ObjectId]]:
    """What the role may do, and what it owns; None and nothing when there is no such role."""
    there = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [application]).fetchone()
    if there is None:
        return None, frozenset()
    rows = connection.execute(query("grants"), {"application": application})
    grants = tuple(
        Grant((classid, oid), column, tuple(names), tuple(grantable))
        for classid, oid, column, names, grantable in rows
    )
    owned = connection.execute(query("owned"), {"application": application}).fetchall()
    return grants, frozenset((classid, oid) for classid, oid in owned)


def _read_other_roles(
    connection: Connection, application: str | None
) -> tuple[tuple[str, str, int, int], ...]:
    rows = connection.execute(_with_granted("other_roles"), {"application": application or ""})
    return tuple((schema, role, count, grantable) for schema, role, count, grantable in rows)


def _with_granted(name: str) -> sql.Composed:
    """A query about rights that were granted, with the list of them in it."""
    return statement(name).format(granted=statement("granted"))


def _read_streams(connection: Connection) -> tuple[Stream, ...]:
    return tuple(
        Stream(kind, (classid, oid), name, whole, tuple(schemas), tuple(tables))
        for kind, classid, oid, name, whole, schemas, tables in connection.execute(query("streams"))
        if not _OWN_PUBLICATION.fullmatch(name)
    )


def _read_left_behind(connection: Connection, application: str | None) -> tuple[LeftBehind, ...]:
    names = {"application": application or "", "logins": ddl_logins(connection)}
    rows = [
        *connection.execute(query("left_behind"), names),
        *connection.execute(_with_granted("rights_left"), names),
    ]
    return tuple(LeftBehind(*row) for row in rows if row[1] != OWN_SCHEMA)
