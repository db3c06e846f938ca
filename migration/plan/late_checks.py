"""Checks that more decides than the row: they are made after the rows.

A check that calls a function may read another table, which is not there yet while its own is loaded; one
that asks the clock may be false of a row that it let in. So CREATE TABLE goes without them; after all rows
each is added NOT VALID, and validated under the search_path of the service's sessions. One that a row
violates, though the shared database calls it valid, stays NOT VALID: it binds what is written, as it does
there. Checks of some domains cannot be validated later (`migration.plan.contained_checks`).
docs/decisions/0069-paths.md. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from core.postgres_parser import parse_sql
from migration.catalog.ddl_statement import Statement
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_ATTRDEF, PG_CLASS, PG_CONSTRAINT, Catalog, CatalogObject
from migration.catalog.tables import Table, TableName
from migration.copy.task import CopyTask
from migration.parsing.readback import readable
from migration.plan.bare_names import BareNames
from migration.plan.contained_checks import holders, made_with_type
from migration.plan.model import ServicePlan

ADDED = "LATE CHECK"
VALIDATED = "LATE CHECK'S VALIDITY"
UNCHECKED = (" NOT VALID", " NOT ENFORCED")
"""How the definition of a check ends that no row had to pass."""
_LOADED = frozenset({PG_ATTRDEF, PG_CLASS})
"""What is evaluated while rows are loaded."""


def late_checks(plan: ServicePlan, catalog: Catalog) -> frozenset[ObjectId]:
    """The checks of the service's tables and domains that are made after the rows, inherited ones too."""
    early = checks_of_types(plan.service, plan.schema, plan.objects, plan.relations, catalog)
    return frozenset(
        key
        for key in catalog.judged
        if key[0] == PG_CONSTRAINT
        and key in plan.objects
        and key not in early
        and _may_be_late(catalog, catalog.objects[key])
    )


def checks_of_types(
    service: str, schema: str, objects: Set[ObjectId], relations: Sequence[Table], catalog: Catalog
) -> dict[ObjectId, frozenset[int]]:
    """Checks of the service's domains that are made with them, and the OIDs of what they read."""
    names = BareNames(catalog, (schema, "public"), service)
    return made_with_type(names, objects, relations, path_tables(relations, catalog, _LOADED))


def _may_be_late(catalog: Catalog, check: CatalogObject) -> bool:
    # One that is NOT VALID or NOT ENFORCED comes after the rows in any dump.
    whole = catalog.objects[catalog.whole(check.id)]
    return (
        check.kind == "check constraint"
        and whole.kind in {"table", "domain"}
        and not check.definition.endswith(UNCHECKED)
    )


@dataclass(frozen=True, slots=True)
class ShiftingCheck:
    """A check of a table that may refuse, as a row is replicated, what it let in."""

    id: ObjectId
    identity: str
    table: TableName
    name: str
    definition: str


def shifting(objects: Set[ObjectId], catalog: Catalog) -> frozenset[ObjectId]:
    """The checks of tables, of these objects, that may. A domain's that asks the clock is a no-go."""
    return frozenset(
        key
        for key, judged in catalog.judged.items()
        if judged.shifting
        and key in objects
        and key[0] == PG_CONSTRAINT
        and catalog.whole(key)[0] == PG_CLASS
        and catalog.whole(key)[1] in catalog.tables
        and not catalog.objects[key].definition.endswith(" NOT ENFORCED")
    )


def shifting_checks(plan: ServicePlan, catalog: Catalog) -> Iterator[ShiftingCheck]:
    """Those of the service that are not inherited: a parent's goes to its children, and with them."""
    for key in sorted(shifting(plan.objects, catalog)):
        if not catalog.judged[key].inherited:
            check, table = catalog.objects[key], catalog.tables[catalog.whole(key)[1]]
            yield ShiftingCheck(key, check.identity, table.name, check.name, check.definition)


def names_of_parts(checks: Set[ObjectId], catalog: Catalog, whole: ObjectId) -> frozenset[str]:
    """The names of those of the checks that a table or domain has."""
    return frozenset(catalog.objects[part].name for part in catalog.parts.get(whole, ()) if part in checks)


def late_statements(plan: ServicePlan, catalog: Catalog) -> Iterator[Statement]:
    """What makes them, after the rows: each is added, then validated. A parent's go to its children, too,
    each of which is validated by itself: the parent's may fail for another's rows."""
    for key in sorted(late_checks(plan, catalog)):
        check = catalog.objects[key]
        whole = catalog.objects[catalog.whole(key)]
        of = "DOMAIN" if whole.kind == "domain" else "TABLE"
        on = sql.Identifier(whole.schema or "", whole.name).as_string(None)
        alter = f"ALTER {of} {on}"
        name = sql.Identifier(check.name).as_string(None)
        label = f"check {check.identity}"
        if not catalog.judged[key].inherited:
            added = f"{alter} ADD CONSTRAINT {name} {readable(check.definition)} NOT VALID"
            yield Statement(label, ADDED, key, added)
        validity = f"{alter} VALIDATE CONSTRAINT {name}"
        yield Statement(f"validity of {label}", VALIDATED, key, validity, under_path=True)


def is_comment_on(statement: str, checks: Iterable[ObjectId], catalog: Catalog) -> bool:
    """Whether a dump's COMMENT is on one of the checks, so that it has to wait."""
    tree: Any = parse_sql(statement)[0].stmt
    words = [part.sval for part in tree.object if hasattr(part, "sval")]
    return bool(words) and any(catalog.objects[key].name == words[-1] for key in checks)


def in_waves(tasks: Sequence[CopyTask], plan: ServicePlan, catalog: Catalog) -> Iterator[list[CopyTask]]:
    """Tables to copy, those first that no expression of theirs reads others for. Checks are not there yet,
    but for those of some domains (`migration.plan.contained_checks`)."""
    early = checks_of_types(plan.service, plan.schema, plan.objects, plan.relations, catalog)
    called = path_tables(plan.relations, catalog, _LOADED)
    called |= holders(plan.relations, catalog, [key for key, read in early.items() if read])
    for last in (False, True):
        if wave := [task for task in tasks if (task.table.oid in called) == last]:
            yield wave


def path_tables(
    relations: Sequence[Table],
    catalog: Catalog,
    kinds: frozenset[int] = frozenset({PG_ATTRDEF, PG_CLASS, PG_CONSTRAINT}),
) -> frozenset[int]:
    """OIDs of those tables where writing a row calls functions with a body of their own: in stored
    generated columns, indexes and bounds of partitions, and checks, or in some of these."""
    called = {
        catalog.whole(key)[1]
        for key, judged in catalog.judged.items()
        if judged.routines and key[0] in kinds and catalog.whole(key)[0] == PG_CLASS
    }
    by_name = {table.name: table for table in catalog.tables.values()}
    found = set()
    for table in relations:
        # A partition's bounds are its parents' expressions.
        above = table
        while above.oid not in called and above.parent is not None:
            above = by_name[above.parent]
        if above.oid in called:
            found.add(table.oid)
    return frozenset(found)
