"""Which columns of another service's table a `reference` has to keep. Pure."""

from __future__ import annotations

from core.references.foreign_keys import parse_foreign_key
from migration.boundary.edges import Edge
from migration.catalog.objects import PG_CLASS, Catalog
from migration.catalog.tables import Column, Table
from migration.parsing.body_reads import Reads, reads_of_routine, reads_of_rule
from migration.parsing.reads import Findings


def columns_read(catalog: Catalog, edge: Edge, table: Table) -> Reads:
    """What the dependent of an edge reads of a table of another service."""
    dependent = catalog.objects[edge.dependent]
    if edge.kind == "foreign key":
        return Reads(frozenset(parse_foreign_key(edge.definition).referenced_columns))
    if edge.kind in {"function", "procedure", "rule"}:
        own = catalog.by_name.get((dependent.schema or "", table.name.name), ())
        names = frozenset(column.name for column in table.columns)
        found = Findings(table.name, names, bare=not any(item.id[0] == PG_CLASS for item in own))
        if edge.kind == "rule":
            return reads_of_rule(edge.definition, found)
        routine = catalog.routines[edge.dependent]
        return reads_of_routine(routine.language, routine.body, edge.definition, found)
    if ".*" in edge.definition:
        return Reads(None)
    return Reads(catalog.columns_read.get((edge.dependent, edge.referenced[1]), frozenset()))


def kept_columns(reads: Reads, table: Table) -> tuple[Column, ...]:
    """The columns to keep, in the table's order: what is read, and the primary key."""
    if reads.columns is None:
        return table.columns
    names = reads.columns | set(table.key or ())
    return tuple(column for column in table.columns if column.name in names)
