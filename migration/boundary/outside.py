"""Edges that reach into a service from what is no service's: no closure holds them, yet a move breaks them.

Views, functions and keys of schemas that nobody claims; publications that send a service's tables and
subscriptions that fill them; roles, other than the services' common one, that were granted something. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from components.contract import CrossingRule
from migration.boundary.archives import is_archive
from migration.boundary.closure import Closure, ServiceClosure
from migration.boundary.edges import Action, Edge, decide
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_AUTHID, Catalog, CatalogObject, Stream


def outside_edges(
    catalog: Catalog,
    claims: Mapping[str, str],
    closures: Mapping[str, Closure],
    rules: Mapping[str, Sequence[CrossingRule]],
) -> dict[str, tuple[Edge, ...]]:
    """The edges of each service that come from outside of all services, decided by that service's rules.

    `claims` maps schema to service.
    """
    found: defaultdict[str, dict[str, Edge]] = defaultdict(dict)
    for edge in (
        *_from_unclaimed(catalog, claims, closures),
        *_streams(catalog, claims),
        *_grants(catalog, claims),
    ):
        found[edge.service].setdefault(edge.identity, decide(edge, rules.get(edge.service, ())))
    return {service: tuple(edges.values()) for service, edges in found.items()}


def _from_unclaimed(
    catalog: Catalog, claims: Mapping[str, str], closures: Mapping[str, Closure]
) -> Iterator[Edge]:
    """What stays in the shared database and reads, calls or extends what leaves it."""
    if not claims:
        return
    held = {item for closure in closures.values() for item in closure.objects}
    finder = ServiceClosure(catalog, claims, next(iter(claims.values())), ())
    for schema, items in catalog.by_schema.items():
        if schema is None or schema in claims or is_archive(schema):
            continue
        for item in items:
            if item.id not in held:
                yield from _of_item(catalog, claims, finder, item)


def _of_item(
    catalog: Catalog, claims: Mapping[str, str], finder: ServiceClosure, item: CatalogObject
) -> Iterator[Edge]:
    for unit in finder.with_parts(item.id):
        if finder.is_inherited_key(unit):
            continue
        for reference, _ in finder.references(unit, item.id):
            referenced = catalog.objects[reference]
            service = claims.get(referenced.schema or "")
            if service is None or referenced.extension is not None:
                continue
            shown = finder.shown(unit)
            inherits = shown.kind == referenced.kind == "table"
            yield _edge(
                service,
                shown.kind,
                f"{shown} -> {referenced.identity}",
                shown.id,
                reference,
                definition=shown.definition,
                possible=frozenset() if inherits else frozenset({"ignore"}),
                remedy=finder.remedy(shown, referenced),
            )


def _streams(catalog: Catalog, claims: Mapping[str, str]) -> Iterator[Edge]:
    for stream in catalog.streams:
        for schema, service in claims.items():
            if not _has(catalog, stream, schema):
                continue
            identity = f"{stream.kind} {stream.name} -> {schema}"
            if stream.kind == "publication":
                yield _edge(
                    service,
                    stream.kind,
                    identity,
                    stream.id,
                    stream.id,
                    possible=frozenset({"drop"}),
                    remedy="it stays in the shared database, and sends nothing of the service any more once"
                    " that is finished: make it anew in the service's own, and let its readers follow",
                )
            else:
                yield _edge(
                    service,
                    stream.kind,
                    identity,
                    stream.id,
                    stream.id,
                    possible=frozenset(),
                    remedy=f"it writes past every guard: take its tables of {schema} out of it there first"
                    " (DROP SUBSCRIPTION, or ALTER PUBLICATION where it comes from and REFRESH PUBLICATION)",
                )


def _has(catalog: Catalog, stream: Stream, schema: str) -> bool:
    tables = (catalog.tables[oid] for oid in stream.tables if oid in catalog.tables)
    if stream.all_tables:
        return schema in catalog.schemas
    return schema in stream.schemas or any(table.name.schema == schema for table in tables)


def _grants(catalog: Catalog, claims: Mapping[str, str]) -> Iterator[Edge]:
    for schema, role, count, grantable in catalog.other_roles:
        if schema in claims:
            yield _edge(
                claims[schema],
                "grant",
                f"grant to {role} -> {schema}",
                (PG_AUTHID, 0),
                (PG_AUTHID, 0),
                definition=f"rights on {count} objects"
                + (f", on {grantable} of them with grant option" if grantable else ""),
                possible=frozenset({"drop"}),
                remedy="the service's own database has no such role: grant it there by hand if it is still"
                " wanted",
            )


def _edge(
    service: str,
    kind: str,
    identity: str,
    dependent: ObjectId,
    referenced: ObjectId,
    *,
    possible: frozenset[Action],
    definition: str = "",
    remedy: str = "",
) -> Edge:
    return Edge(
        service=service, kind=kind, identity=identity, dependent=dependent, referenced=referenced,
        towards=service, found_by="outside", definition=definition, possible=possible, remedy=remedy,
    )  # fmt: skip
