"""What `reference` keeps in a service's own database: the columns of other services that it needs. Pure.

A foreign key needs the columns it refers to, a view those it reads; both need the primary key, by which
changes are replicated. A key that was dropped already, because the service it refers to has moved,
still counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from components.contract import Service
from migration.boundary import Edge
from migration.catalog_model import Catalog
from migration.errors import MigrationError
from migration.foreign_key_definition import parse_foreign_key
from migration.model import Column, Table, TableName, display_name

FIRST_WITH_COLUMN_LISTS = 15
"""The major version from which publications have them."""
_BUILT_IN = 16_384
"""OIDs from here on are not the server's own."""


@dataclass(frozen=True, slots=True)
class Replica:
    """A table of another service, or a part of its columns, to be read in this service's own database."""

    referenced: str
    """The service whose table it is."""
    table: TableName
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """The primary key."""
    because: tuple[str, ...]
    """The edges that need it."""


def marks_of(service: str) -> str:
    """Under what the replicas of a service are noted as made by this program, apart from its own schema."""
    return f"{service} references"


@dataclass(frozen=True, slots=True)
class _Need:
    edge: str
    referenced: str
    table: TableName
    columns: frozenset[str] | None
    """None: all of them."""


def find_replicas(
    service: Service, catalog: Catalog, edges: Sequence[Edge], claims: Mapping[str, str]
) -> tuple[tuple[Replica, ...], tuple[str, ...]]:
    """The replicas that a service's rules ask for, and, as lines, what cannot be had and why."""
    found: dict[TableName, Replica] = {}
    problems: list[str] = []
    tables = {table.name: table for table in catalog.tables.values()}
    needs = [*_of_edges(catalog, edges), *_of_dropped_keys(service, catalog, edges, claims)]
    for need in needs:
        table = tables.get(need.table)
        wrong = _wrong(need, table, catalog)
        if table is None or wrong:
            problems.append(f"{need.edge} cannot be a `reference`: {wrong}; use `drop` or change that")
            continue
        before = found.get(need.table)
        names = {column.name for column in before.columns} if before else set()
        names |= {c.name for c in table.columns} if need.columns is None else need.columns
        names |= set(table.key or ())
        columns = tuple(column for column in table.columns if column.name in names)
        because = (*(before.because if before else ()), need.edge)
        made = Replica(need.referenced, need.table, columns, table.key or (), because)
        unfit = _unfit(made)
        if unfit:
            problems.append(f"{need.edge} cannot be a `reference`: {unfit}; use `drop` or change that")
        else:
            found[need.table] = made
    return tuple(replace(found[name]) for name in sorted(found)), tuple(problems)


def _of_edges(catalog: Catalog, edges: Sequence[Edge]) -> Iterator[_Need]:
    for edge in edges:
        if edge.action != "reference" or edge.towards is None:
            continue
        referenced = catalog.objects[edge.referenced]
        table = TableName(referenced.schema or "", referenced.name)
        if edge.kind == "foreign key":
            columns: frozenset[str] | None = frozenset(parse_foreign_key(edge.definition).referenced_columns)
        elif ".*" in edge.definition:
            columns = None
        else:
            columns = catalog.view_columns.get((edge.dependent[1], edge.referenced[1]), frozenset())
        yield _Need(edge.identity, edge.towards, table, columns)


def _of_dropped_keys(
    service: Service, catalog: Catalog, edges: Sequence[Edge], claims: Mapping[str, str]
) -> Iterator[_Need]:
    there = {edge.identity for edge in edges}
    for key in catalog.dropped_keys:
        if key.table.schema != service.schema_name or key.references not in claims:
            continue
        try:
            parsed = parse_foreign_key(key.definition)
        except MigrationError:
            continue  # of periods: such a key is no edge that `reference` fits
        table = TableName(*parsed.referenced)
        identity = f"foreign key {display_name(key.table.schema, key.table.name, key.constraint)} -> {table}"
        rule = next((rule for rule in service.crossing if fnmatchcase(identity, rule.match)), None)
        if rule is not None and rule.action == "reference" and identity not in there:
            yield _Need(identity, claims[key.references], table, frozenset(parsed.referenced_columns))


def _wrong(need: _Need, table: Table | None, catalog: Catalog) -> str:
    """Why a table cannot be replicated so; empty when it can."""
    if catalog.server.major < FIRST_WITH_COLUMN_LISTS:
        return f"publications of columns need PostgreSQL {FIRST_WITH_COLUMN_LISTS} in the shared database"
    if table is None:
        return f"{need.table} is not in the shared database any more ({need.referenced} is finished)"
    if table.kind != "table" or table.unlogged:
        kind = "unlogged" if table.unlogged else table.kind
        return f"{need.table} is no ordinary table ({kind})"
    if table.row_security:
        return f"{need.table} has row security, which a replica would not have"
    if table.replica_identity != "primary key" or table.current_replica_identity != "d":
        return f"{need.table} has no primary key as its replica identity"
    return ""


def _unfit(made: Replica) -> str:
    """Why columns cannot be replicated so; empty when they can."""
    for column in made.columns:
        if column.generated:
            return f"column {column.name} of {made.table} is generated, and such values are not replicated"
        collation = column.collation or "pg_catalog."
        if column.type_oid >= _BUILT_IN or not collation.startswith("pg_catalog."):
            return (
                f"column {column.name} of {made.table} is of a type or collation that is not the server's own"
            )
    return ""
