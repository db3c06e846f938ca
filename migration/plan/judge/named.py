"""Values of reg* columns that could not be read in the service's own database. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from components.contract import Service
from migration.boundary.closure import Closure
from migration.catalog.objects import PG_CLASS, Catalog, NamedValue
from migration.catalog.tables import display_name
from migration.plan.model import Problem

_WITHOUT_AMBIGUITY = {"regproc": "regprocedure", "regoper": "regoperator"}


def named_problems(service: Service, catalog: Catalog, closure: Closure) -> Iterator[Problem]:
    """One for each column with such a value, naming the first."""
    seen = set()
    for value in catalog.named_values:
        if (PG_CLASS, value.table) not in closure.objects or (value.table, value.column) in seen:
            continue
        if value.kind == "schema" and value.identity in {display_name(service.schema_name), "public"}:
            continue
        why = _why_not(value, catalog, closure)
        if why:
            seen.add((value.table, value.column))
            table, column = catalog.tables[value.table].name, display_name(value.column)
            yield Problem(
                service.name,
                "data",
                "no-go",
                f"a value of {table}.{column} ({value.column_type}) names {value.kind} {value.identity},"
                f" which {why}; set such values to something else in the shared database first, or: ALTER"
                f" TABLE {table} ALTER COLUMN {column} TYPE {_instead(value, column)}",
            )
    for oid, columns in catalog.named_unread.items():
        if (PG_CLASS, oid) in closure.objects:
            yield Problem(
                service.name,
                "data",
                "note",
                f"{catalog.tables[oid].name}: there was no time to read all that {', '.join(columns)} names;"
                " a value that names an index, a role or what does not move stops the copy",
            )


def _instead(value: NamedValue, column: str) -> str:
    """The type that takes the column's texts."""
    if value.column_type == value.type:
        return _WITHOUT_AMBIGUITY[value.type] if value.ambiguous else "text"
    return (
        f"text[] USING {column}::text[]"
        if value.column_type == f"{value.type}[]"
        else f"text USING {column}::text"
    )


def _why_not(value: NamedValue, catalog: Catalog, closure: Closure) -> str:
    if value.kind == "oid":
        return "nothing has any more, so that it may name another object there"
    if value.ambiguous:
        return "is not the only one of its name, so that the name cannot be read back"
    if value.kind == "role":
        return "is a role of the shared server only"
    if value.kind == "index":
        return "is made after the rows are there"
    item = catalog.objects.get(value.object)
    known = item is not None and (
        item.id in closure.objects or (item.extension is not None and item.extension in closure.extensions)
    )
    return "" if known else "does not move along"
