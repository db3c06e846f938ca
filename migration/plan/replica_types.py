"""What a replica's columns need besides the server's own types: copied before the replica is made. Pure.

Types, domains with the functions of their checks, composites, ranges, collations and arrays of any of them
keep their names, so the other service's schema is there, too. What is an extension's comes with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from migration.boundary.closure import Closure, ServiceClosure
from migration.boundary.edges import SHARED_CODE, Edge
from migration.boundary.replicas import Replica
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_COLLATION, PG_TYPE, Catalog
from migration.plan.model import TargetFacts

BUILT_IN = 16_384
"""OIDs from here on are not the server's own."""


def with_types(
    catalog: Catalog, walker: ServiceClosure, closure: Closure, replicas: Iterable[Replica]
) -> tuple[Closure, tuple[str, ...]]:
    """The closure with all that the replicas' columns are made of, and the types that edges with `reference`
    name themselves; and, as lines, what cannot be copied.

    `walker` is that of the service that reads.
    """
    objects: set[ObjectId] = set()
    extensions: set[str] = set()
    problems: list[str] = []
    for because, what, roots in (*_of_edges(catalog, closure.edges), *_of_columns(replicas)):
        found = _reach(catalog, walker, roots)
        wrong = sorted(str(catalog.objects[key]) for key in found if not _copied(catalog, key))
        if wrong:
            problems.append(
                f"{because} cannot be a `reference`: {what} needs {wrong[0]}, which cannot be copied; use"
                " `drop` or change that"
            )
            continue
        own = {key for key in found if catalog.objects[key].extension is None}
        extensions |= {name for key in found if (name := catalog.objects[key].extension) is not None}
        objects |= {part for key in own for part in walker.with_parts(key)}
    whole = closure.objects | objects
    if objects:
        whole |= walker.casts_over(whole)
    typed = replace(closure, objects=whole, extensions=closure.extensions | extensions)
    return typed, tuple(dict.fromkeys(problems))


def lacking(replicas: Iterable[Replica], target: TargetFacts) -> Iterator[str]:
    """What the replicas' columns need of the server itself and the target's does not have, as lines."""
    there = target.collations if target.icu else target.collations - {"unicode"}
    for replica in replicas:
        for column in replica.columns:
            collation = (column.collation or "").removeprefix("pg_catalog.").strip('"')
            of_server = column.collation is not None and column.collation_oid < BUILT_IN
            needed = f"the collation {collation}" if of_server and there and collation not in there else ""
            if column.type in {"xml", "xml[]"} and not target.xml:
                needed = "libxml"
            if needed:
                yield (
                    f"{replica.because[0]} cannot be a `reference`: column {column.name} of {replica.table}"
                    f" needs {needed}, which the service's own server does not have; use `drop` or install it"
                )


def _of_edges(catalog: Catalog, edges: Iterable[Edge]) -> Iterator[tuple[str, str, list[ObjectId]]]:
    for edge in edges:
        referenced = catalog.objects.get(edge.referenced) if edge.action == "reference" else None
        if referenced is not None and referenced.kind in SHARED_CODE:
            yield edge.identity, str(referenced), [edge.referenced]


def _of_columns(replicas: Iterable[Replica]) -> Iterator[tuple[str, str, list[ObjectId]]]:
    for replica in replicas:
        for column in replica.columns:
            what = f"the type {column.type} of column {column.name} of {replica.table}"
            roots = ((PG_TYPE, column.type_oid), (PG_COLLATION, column.collation_oid))
            yield replica.because[0], what, [root for root in roots if root[1] >= BUILT_IN]


def _reach(catalog: Catalog, walker: ServiceClosure, roots: list[ObjectId]) -> set[ObjectId]:
    """The wholes that these need, themselves included; not what lies behind those that cannot be copied."""
    stack = [catalog.whole(root) for root in roots]
    seen: set[ObjectId] = set()
    while stack:
        whole = stack.pop()
        if whole in seen:
            continue
        seen.add(whole)
        if catalog.objects[whole].extension is None and _copied(catalog, whole):
            for unit in walker.with_parts(whole):
                stack.extend(reference for reference, _ in walker.references(unit, whole))
    return seen


def _copied(catalog: Catalog, key: ObjectId) -> bool:
    item = catalog.objects[key]
    return item.extension is not None or item.kind in SHARED_CODE
