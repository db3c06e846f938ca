"""Makes the plan: catalogue and contract in, what moves and what forbids it out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter

from components.contract import Contract, Service
from core.errors import UnknownService
from core.services_yaml import crossing_item
from migration.boundary.archives import is_archive
from migration.boundary.closure import STATEMENT, Closure, ServiceClosure
from migration.boundary.edges import unmatched
from migration.boundary.outside import outside_edges
from migration.boundary.replicas import Replica, find_replicas
from migration.boundary.rights import rights_edges
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_CLASS, Catalog, CatalogObject
from migration.catalog.tables import TableName, display_name
from migration.plan.checks import service_problems, source_problems
from migration.plan.judge.circles import in_circles
from migration.plan.judge.companions import without_unfit
from migration.plan.judge.locale import LOCALE
from migration.plan.judge.session_paths import event_trigger_problems
from migration.plan.model import Plan, Problem, ServicePlan, TargetFacts
from migration.plan.renames import plan_problems
from migration.plan.replica_types import lacking, with_types
from migration.plan.view import plan_to_json, plan_to_mermaid, plan_view

__all__ = [
    "Plan",
    "Problem",
    "ServicePlan",
    "TargetFacts",
    "make_plan",
    "plan_to_json",
    "plan_to_mermaid",
    "plan_view",
]


def make_plan(
    contract: Contract,
    catalog: Catalog,
    services: Iterable[str] | None = None,
    targets: Mapping[str, TargetFacts] | None = None,
) -> Plan:
    """The plan for some services of the contract (all by default).

    `targets` has what is known of the services' own databases; what is not known is not judged.
    Raises UnknownService.
    """
    names = list(contract.services) if services is None else list(services)
    for name in names:
        if name not in contract.services:
            known = ", ".join(sorted(contract.services))
            raise UnknownService(f"no service {name} in the stack {contract.stack}; there are: {known}")
    claims = {service.schema_name: service.name for service in contract.services.values()}
    closures = {
        service.name: ServiceClosure(catalog, claims, service.name, service.crossing).compute()
        for service in contract.services.values()
        if service.schema_name in catalog.schemas or service.name in names
    }
    rules = {service.name: service.crossing for service in contract.services.values()}
    for name, edges in outside_edges(catalog, claims, closures, rules).items():
        if name in closures:
            both = sorted((*closures[name].edges, *edges), key=lambda edge: edge.identity)
            closures[name] = replace(closures[name], edges=tuple(both))
    for name, closure in closures.items():
        if name in names:
            more = rights_edges(contract.services[name], catalog, closure)
            both = sorted((*closure.edges, *more), key=lambda edge: edge.identity)
            closures[name] = replace(closure, edges=tuple(both))
    plans = [
        _service_plan(
            contract.services[name],
            catalog,
            closures[name],
            (targets or {}).get(name),
            claims,
            readers=_readers(closures, name),
        )
        for name in names
    ]
    plans.sort(key=lambda plan: (-plan.bytes, plan.service))
    return Plan(
        services={plan.service: plan for plan in plans},
        catalog=catalog,
        problems=(
            *source_problems(catalog),
            *event_trigger_problems(catalog, frozenset(claims)),
            *_moved_twice(closures, catalog),
            *_idle_rules(contract, closures),
            *_undecided_elsewhere(closures, names),
        ),
        unclaimed=_unclaimed(catalog, claims, closures),
        alongside=tuple(_alongside(catalog, claims, closures)),
    )


def _service_plan(
    service: Service,
    catalog: Catalog,
    closure: Closure,
    target: TargetFacts | None,
    claims: Mapping[str, str],
    *,
    readers: list[str],
) -> ServicePlan:
    left: tuple[Problem, ...] = ()
    if target is not None:
        closure, left = without_unfit(service, catalog, closure, target)
    replicas, unfit = find_replicas(service, catalog, closure.edges, claims)
    untyped: tuple[str, ...] = ()
    if any(edge.action == "reference" for edge in closure.edges) or replicas:
        walker = ServiceClosure(catalog, claims, service.name, service.crossing)
        closure, untyped = with_types(catalog, walker, closure, replicas)
    lacks = lacking(replicas, target) if target is not None else ()
    tables = [catalog.tables[oid] for (classid, oid) in closure.objects if _is_table(catalog, classid, oid)]
    names = {table.name for table in tables}
    schemas = {item.schema for item in _objects(catalog, closure.objects) if item.schema is not None}
    schemas |= {replica.table.schema for replica in replicas}
    return ServicePlan(
        service=service.name,
        schema=service.schema_name,
        schemas=(service.schema_name, *sorted(schemas - {service.schema_name})),
        tables=tuple(sorted((t for t in tables if t.holds_rows), key=lambda t: (-t.bytes, t.name))),
        relations=tuple(sorted(tables, key=lambda t: t.name)),
        sequences=tuple(
            sorted(
                (s for oid, s in catalog.sequences.items() if (PG_CLASS, oid) in closure.objects),
                key=lambda s: s.name,
            )
        ),
        materialized_views=_refresh_order(catalog, closure.objects),
        large_object_columns=tuple(c for c in catalog.large_object_columns if c.table in names),
        objects=closure.objects,
        dropped=closure.dropped,
        extensions=catalog.with_required(closure.extensions),
        edges=closure.edges,
        problems=(
            *service_problems(service, catalog, closure, target, frozenset(claims)),
            *left,
            *(Problem(service.name, "boundary", "no-go", text) for text in (*unfit, *untyped, *lacks)),
            *_kept_out(service, replicas),
            *plan_problems(service, catalog, closure.objects, readers),
        ),
        replicas=replicas,
    )


def _kept_out(service: Service, replicas: Iterable[Replica]) -> Iterator[Problem]:
    for referenced in sorted({replica.referenced for replica in replicas} - set(service.reads)):
        yield Problem(
            service.name,
            "boundary",
            "note",
            f"it reads {referenced} by `reference`, and services.yaml does not let its instance through to"
            f" that one: name {referenced} under `reads` of {service.name} and `pulumi up`, before `finish`"
            f" of {referenced}",
        )


def _readers(closures: Mapping[str, Closure], referenced: str) -> list[str]:
    """The services that would keep replicas of one."""
    return sorted(
        name
        for name, closure in closures.items()
        if any(edge.action == "reference" and edge.towards == referenced for edge in closure.edges)
    )


def _is_table(catalog: Catalog, classid: int, oid: int) -> bool:
    return classid == PG_CLASS and oid in catalog.tables


def _objects(catalog: Catalog, ids: Iterable[ObjectId]) -> Iterable[CatalogObject]:
    return (catalog.objects[item] for item in ids)


def _refresh_order(catalog: Catalog, objects: frozenset[ObjectId]) -> tuple[TableName, ...]:
    """Materialized views, each after those it reads, also through views and functions."""
    if not any(catalog.objects[item].kind == "materialized view" for item in objects):
        return ()
    graph: dict[ObjectId, set[ObjectId]] = {}
    circle = frozenset(in_circles(catalog, objects))
    for item in objects:
        whole = catalog.whole(item)
        if catalog.objects[whole].kind in {"table", "sequence"}:
            continue
        needs = graph.setdefault(whole, set())
        for dependency in catalog.outgoing.get(item, ()):
            needed = catalog.whole(dependency.referenced)
            # What is in a circle is a no-go by itself, and has no order.
            if (
                needed != whole
                and not {needed, whole} <= circle
                and catalog.objects[whole].kind in {"view", "materialized view"}
            ):
                needs.add(needed)
    order = TopologicalSorter(graph).static_order()
    return tuple(
        TableName(catalog.objects[item].schema or "", catalog.objects[item].name)
        for item in order
        if catalog.objects[item].kind == "materialized view"
        and item in objects
        and item[1] not in catalog.unpopulated
    )


def _moved_twice(closures: Mapping[str, Closure], catalog: Catalog) -> list[Problem]:
    """Tables and sequences of nobody's schema that two services' rules ask for."""
    takers: dict[ObjectId, list[str]] = {}
    for name, closure in closures.items():
        for item in closure.objects:
            if item[0] == PG_CLASS and (item[1] in catalog.tables or item[1] in catalog.sequences):
                takers.setdefault(item, []).append(name)
    return [
        Problem(
            None,
            "boundary",
            "no-go",
            f"{catalog.objects[item]} would move to {' and '.join(sorted(names))}; let one of them have it:"
            " another rule for what leads to it from the other, for example `action: drop` in"
            f" {sorted(names)[-1]}",
        )
        for item, names in sorted(takers.items())
        if len(names) > 1
    ]


def _undecided_elsewhere(closures: Mapping[str, Closure], names: Sequence[str]) -> list[Problem]:
    """What a service that is not being planned needs of those that are: their move would break it."""
    return [
        Problem(
            None,
            "boundary",
            "no-go",
            f"{edge.identity} needs service {edge.towards}, which would leave it behind: {edge.reason}"
            + ("" if edge.line else f"; {edge.remedy}"),
            f"services: {name}: crossing: {edge.line}" if edge.line else "",
        )
        for name, closure in closures.items()
        if name not in names
        for edge in closure.edges
        if edge.action is None and edge.towards in names and edge.dependent not in closure.dropped
    ]


def _idle_rules(contract: Contract, closures: Mapping[str, Closure]) -> list[Problem]:
    # Rules about what runs, and about locales, are held against that, not against what crosses.
    at_run_time = ("query ", "transaction ", STATEMENT, LOCALE)
    rules = {
        name: [rule for rule in contract.services[name].crossing if not rule.match.startswith(at_run_time)]
        for name in closures
    }
    edges = {name: closure.edges for name, closure in closures.items()}
    return [
        Problem(None, "boundary", "note", f"services.yaml: a rule matches nothing that crosses ({text})")
        for text in unmatched(rules, edges)
    ]


def _unclaimed(
    catalog: Catalog, claims: Mapping[str, str], closures: Mapping[str, Closure]
) -> tuple[str, ...]:
    """Objects of no service's schema that no closure holds; a schema that is left whole is one line."""
    needed = {item for closure in closures.values() for item in closure.objects}
    left: dict[str, list[CatalogObject]] = {}
    loose: list[str] = []
    for item in catalog.objects.values():
        if item.parent is not None or item.extension is not None or item.id in needed:
            continue
        if item.kind in {"event trigger", "publication", "language", "access method", "foreign server"}:
            loose.append(str(item))
        elif item.schema is not None and item.schema not in claims:
            left.setdefault(item.schema, []).append(item)
    lines = []
    for schema in sorted(left):
        touched = any(catalog.objects[item].schema == schema for item in needed if item in catalog.objects)
        lines.extend(_lines(schema, left[schema], whole=not touched and schema != "public"))
    return (*lines, *sorted(loose))


def _alongside(catalog: Catalog, claims: Mapping[str, str], closures: Mapping[str, Closure]) -> Iterator[str]:
    """For each schema of which nothing goes with anybody: the rule that has it go with a service, whose name
    it begins with, or the first."""
    needed = {item for closure in closures.values() for item in closure.objects}
    for schema, items in sorted(catalog.by_schema.items(), key=lambda pair: pair[0] or ""):
        own = [item for item in items if item.extension is None]
        if schema is None or schema in {*claims, "public"} or is_archive(schema) or not own:
            continue
        if not needed.isdisjoint(item.id for item in own):
            continue
        stems = {name: name.replace("-", "_") for name in closures}
        like = [name for name, stem in stems.items() if schema.startswith(stem)]
        for name in like[:1] or sorted(closures)[:1]:
            item = crossing_item(f"{STATEMENT}* {display_name(schema)}.*", "move", pattern=True)
            yield f"services: {name}: crossing: {item}"


def _lines(schema: str, items: Sequence[CatalogObject], whole: bool) -> list[str]:
    if not whole:
        return sorted(str(item) for item in items)
    counts: dict[str, int] = {}
    for item in items:
        counts[item.kind] = counts.get(item.kind, 0) + 1
    inside = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in sorted(counts.items()))
    return [f"schema {schema} ({inside})"]
