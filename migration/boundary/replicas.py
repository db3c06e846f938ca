"""What `reference` keeps in a service's own database: the columns of other services that it needs. Pure.

A foreign key needs the columns it refers to, everything else those it reads (`replica_columns`);
all need the primary key, by which changes are replicated. A key that was dropped already, because the
service it refers to has moved, still counts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from components.contract import Service
from core.errors import MigrationError
from core.references.foreign_keys import parse_foreign_key
from migration.boundary.edges import SHARED_CODE, Edge
from migration.boundary.replica_columns import columns_read, kept_columns
from migration.boundary.replica_indexes import kept_indexes
from migration.catalog.objects import Catalog
from migration.catalog.tables import Column, Table, TableName, display_name
from migration.parsing.body_reads import Reads

FIRST_WITH_COLUMN_LISTS = 15
"""The major version from which publications have them."""


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
    indexes: tuple[str, ...] = ()
    """The DDL of its further indexes."""


def marks_of(service: str) -> str:
    """Under what the replicas of a service are noted as made by this program, apart from its own schema."""
    return f"{service} references"


@dataclass(frozen=True, slots=True)
class _Need:
    edge: str
    referenced: str
    table: TableName
    reads: Reads


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
        wrong = need.reads.against or _wrong(need, table, catalog)
        if table is None or wrong:
            problems.append(f"{need.edge} cannot be a `reference`: {wrong}; use `drop` or change that")
            continue
        before = found.get(need.table)
        wanted = {*kept_columns(need.reads, table), *(before.columns if before else ())}
        columns = tuple(column for column in table.columns if column in wanted)
        because = (*(before.because if before else ()), need.edge)
        made = Replica(need.referenced, need.table, columns, table.key or (), because)
        unfit = _unfit(made)
        if unfit:
            problems.append(f"{need.edge} cannot be a `reference`: {unfit}; use `drop` or change that")
        else:
            found[need.table] = made
    return tuple(_indexed(found[name], tables[name], catalog) for name in sorted(found)), tuple(problems)


def _indexed(replica: Replica, table: Table, catalog: Catalog) -> Replica:
    indexes = kept_indexes(catalog, table, {column.name for column in replica.columns})
    return dataclasses.replace(replica, indexes=indexes)


def _of_edges(catalog: Catalog, edges: Sequence[Edge]) -> Iterator[_Need]:
    for edge in edges:
        if edge.action != "reference" or edge.towards is None:
            continue
        referenced = catalog.objects[edge.referenced]
        if referenced.kind in SHARED_CODE:
            continue  # a type: copied
        name = TableName(referenced.schema or "", referenced.name)
        table = catalog.tables.get(edge.referenced[1])
        reads = Reads(frozenset()) if table is None else columns_read(catalog, edge, table)
        yield _Need(edge.identity, edge.towards, name, reads)


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
            yield _Need(identity, claims[key.references], table, Reads(frozenset(parsed.referenced_columns)))


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
    return ""
