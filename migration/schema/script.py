"""From a dump's entries to what one service's database gets: statements before the rows, tasks after.

Entries are chosen by exact `(classid, objid)`; comments, attachments and the like, which have none, by
what they depend on. What has an owner of its own elsewhere is left out: schemas, extensions, privileges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Literal

from core.errors import SchemaChanged
from migration.catalog.ddl_statement import Statement
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_CLASS, PG_CONSTRAINT, Catalog
from migration.catalog.tables import SequenceName, TableName, display_name
from migration.parsing.readback import readable
from migration.parsing.rewrite import (
    policy_for_roles,
    table_without,
    without_constraints,
    without_internal_options,
)
from migration.plan.late_checks import is_comment_on, late_checks, late_statements, names_of_parts
from migration.plan.model import ServicePlan
from migration.plan.view_texts import SAFE_SEARCH_PATH, with_schemas
from migration.schema.archive import Entry
from migration.schema.dump import SchemaDump

_NOT_OURS = frozenset({
    "ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE", "DATABASE PROPERTIES", "SCHEMA", "EXTENSION", "ACL",
    "DEFAULT ACL", "EVENT TRIGGER", "PUBLICATION", "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA",
    "SUBSCRIPTION", "PROCEDURAL LANGUAGE", "TABLE DATA", "SEQUENCE SET", "MATERIALIZED VIEW DATA", "BLOB",
    "BLOB METADATA", "BLOBS", "SECURITY LABEL", "STATISTICS DATA",
})  # fmt: skip
_DUMPED = frozenset({
    "table", "view", "materialized view", "sequence", "foreign table", "function", "procedure", "aggregate",
    "type", "domain", "operator", "operator class", "collation", "conversion", "text search configuration",
    "text search dictionary", "statistics",
})  # fmt: skip

MATERIALIZED = "MATERIALIZED VIEW"
Section = Literal["pre-data", "post-data"]


@dataclass(frozen=True)
class Script:
    """What is done before the rows are copied, in order, and what after."""

    before: tuple[Statement, ...]
    after: tuple[Statement, ...]


def make_script(
    dump: SchemaDump,
    plan: ServicePlan,
    catalog: Catalog,
    roles: Mapping[ObjectId, Sequence[str] | None],
    replicas: Mapping[TableName, Sequence[Statement]],
) -> Script:
    """The service's part of the dump; `roles` has the target's roles of each policy.

    `replicas` are made where the dump has the tables they are of: after the types of their columns, before
    the views and functions that read them.
    Raises SchemaChanged when the dump lacks something that the plan has: the source's schema has changed
    between the two.
    """
    kept = _choose(dump.entries, plan)
    late = late_checks(plan, catalog)
    _check_complete(kept.values(), plan, catalog)
    before: list[Statement] = []
    after: list[Statement] = []
    places: dict[int, Section] = {}
    for entry in dump.entries:
        if entry.dump_id not in kept:
            if entry.description == "TABLE":
                before += replicas.get(TableName(entry.schema or "", entry.tag), ())
            continue
        # pg_dump has some checks apart, for what their functions need; they are added with the others.
        statement = _statement(entry, kept, plan, catalog, roles) if entry.object_id not in late else None
        if statement is not None and statement.kind in {"TABLE", "DOMAIN"}:
            there = names_of_parts(late, catalog, entry.object_id)
            statement = replace(statement, text=without_constraints(statement.text, there))
        if statement is not None and statement.kind == MATERIALIZED and dump.version >= SAFE_SEARCH_PATH:
            text = with_schemas(statement.text, (plan.schema, "public"), catalog.by_name)
            statement = replace(statement, text=text)
        places[entry.dump_id] = _section(entry, places)
        if statement is not None:
            waits = places[entry.dump_id] != "pre-data" or _on_late_check(entry, late, catalog)
            (after if waits else before).append(statement)
    later = (*late_statements(plan, catalog), *_comments(plan, catalog))
    return Script((*before, *_inherited(plan, catalog)), (*after, *later))


def _on_late_check(entry: Entry, late: Set[ObjectId], catalog: Catalog) -> bool:
    """Whether it is a comment on a check that is made after the rows."""
    on_constraint = entry.description == "COMMENT" and entry.tag.startswith("CONSTRAINT ")
    return on_constraint and is_comment_on(entry.statement, late, catalog)


def _inherited(plan: ServicePlan, catalog: Catalog) -> Iterator[Statement]:
    """What makes inherited columns what they are on the source, once every table is there."""
    for oid, text in catalog.inherited.items():
        key = (PG_CLASS, oid)
        if key in plan.objects:
            yield Statement(f"columns of {catalog.objects[key]}", "TABLE", key, text)


def _comments(plan: ServicePlan, catalog: Catalog) -> Iterator[Statement]:
    """The comments that pg_dump leaves behind."""
    for key, text in sorted(catalog.comments.items()):
        if key in plan.objects:
            yield Statement(f"comment on {catalog.objects[key]}", "COMMENT", key, text)


def _choose(entries: Sequence[Entry], plan: ServicePlan) -> dict[int, Entry]:
    kept: dict[int, Entry] = {}
    gone_sequences = _not_owned_here(plan)
    schemas: set[int] = set()
    # Made apart, before all of these: what needs an extension's operator class besides is kept all the same.
    apart = {entry.dump_id for entry in entries if entry.description in {"EXTENSION", "SCHEMA"}}
    for entry in entries:
        if entry.description == "SCHEMA" and entry.tag in plan.schemas:
            # The stack or `create_schema` makes it; its comment comes from here.
            schemas.add(entry.dump_id)
        if entry.description in _NOT_OURS or not entry.statement:
            continue
        classid, oid = entry.object_id
        if classid:
            wanted = entry.object_id in plan.objects
        elif oid:
            # ROW SECURITY carries its table's OID and no class.
            wanted = (PG_CLASS, oid) in plan.objects
        else:
            needed = set(entry.depends) - apart
            wanted = bool(needed) and all(number in kept for number in needed)
            wanted = wanted or (entry.description == "COMMENT" and bool(schemas & {*entry.depends}))
        if entry.description == "SEQUENCE OWNED BY":
            wanted = wanted and SequenceName(entry.schema or "", entry.tag) not in gone_sequences
        if wanted:
            kept[entry.dump_id] = entry
    return kept


def _not_owned_here(plan: ServicePlan) -> frozenset[SequenceName]:
    """Sequences whose owning table does not move with them."""
    tables = {table.name for table in plan.relations}
    return frozenset(s.name for s in plan.sequences if s.owned_by and s.owned_by[0] not in tables)


def _check_complete(entries: Iterable[Entry], plan: ServicePlan, catalog: Catalog) -> None:
    dumped = {entry.object_id for entry in entries}
    for key in sorted(plan.objects - dumped):
        item = catalog.objects[key]
        if item.parent is None and item.extension is None and item.kind in _DUMPED:
            raise SchemaChanged(
                f"{item} is in the plan of {plan.service} but pg_dump did not see it: the shared database's"
                " schema has changed meanwhile; run it again"
            )


def _section(entry: Entry, places: Mapping[int, Section]) -> Section:
    """Where it goes: comments go where the last of what they are about goes."""
    if entry.section in {"pre-data", "post-data"}:
        return entry.section
    later = any(places.get(number) == "post-data" for number in entry.depends)
    return "post-data" if later else "pre-data"


def _statement(
    entry: Entry,
    kept: Mapping[int, Entry],
    plan: ServicePlan,
    catalog: Catalog,
    roles: Mapping[ObjectId, Sequence[str] | None],
) -> Statement | None:
    printed = readable(entry.statement)
    text: str | None = printed
    if entry.description == "POLICY":
        text = policy_for_roles(printed, roles.get(entry.object_id))
    elif entry.description in {"TABLE", "DOMAIN"}:
        text = _without_dropped(
            _logged_parent(printed, entry.object_id, catalog), entry.object_id, plan, catalog
        )
    if text is None:
        return None
    text = without_internal_options(text)
    # Parts are tagged `table part`; a name with a blank is not worth taking apart for a label.
    schema = (display_name(entry.schema) + ".") if entry.schema else ""
    depends = tuple(
        kept[number].object_id for number in entry.depends if number in kept and kept[number].object_id[0]
    )
    return Statement(
        f"{entry.description.lower()} {schema}{entry.tag}",
        entry.description,
        entry.object_id,
        text,
        entry.access_method,
        depends,
        under_path=_plans_a_function(entry, kept, catalog),
    )


def _plans_a_function(entry: Entry, kept: Mapping[int, Entry], catalog: Catalog) -> bool:
    """Whether it makes or attaches a table whose expressions call functions: the server looks into those."""
    tables = [entry.object_id] if entry.description == "TABLE" else []
    if entry.description == "TABLE ATTACH":
        tables = [kept[number].object_id for number in entry.depends if number in kept]
    return any(
        judged is not None and bool(judged.routines)
        for table in tables
        for judged in map(catalog.judged.get, (table, *catalog.parts.get(table, ())))
    )


def _logged_parent(statement: str, key: ObjectId, catalog: Catalog) -> str:
    """A partitioned table has no rows that could be logged or not, and PostgreSQL 18 takes none UNLOGGED."""
    table = catalog.tables.get(key[1]) if key[0] == PG_CLASS else None
    if table is None or table.kind != "partitioned":
        return statement
    return statement.replace("CREATE UNLOGGED TABLE ", "CREATE TABLE ", 1)


def _without_dropped(printed: str, table: ObjectId, plan: ServicePlan, catalog: Catalog) -> str:
    parts = [catalog.objects[part] for part in catalog.parts.get(table, ()) if part in plan.dropped]
    defaults = {part.name for part in parts if part.kind == "default"}
    checks = {part.name for part in parts if part.id[0] == PG_CONSTRAINT and part.kind == "check constraint"}
    if not defaults and not checks:
        return printed
    return table_without(printed, defaults, checks)
