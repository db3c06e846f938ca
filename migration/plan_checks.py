"""What forbids a move, or should be known before it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from components.contract import Service
from migration.boundary import Edge
from migration.catalog_model import PG_CLASS, Catalog, CatalogObject, LeftBehind
from migration.closure import Closure
from migration.plan_model import Problem, ProblemKind, Severity, TargetFacts
from migration.plan_readback import readback_problems
from migration.plan_targets import target_problems

OLDEST_SUPPORTED = 15
"""Older servers lack what the move relies on (publications with column lists and row filters)."""

_REPLICATED = re.compile(r"; ALTER TABLE .* ENABLE (ALWAYS|REPLICA) TRIGGER ", re.DOTALL)
_SUPERUSER_ONLY = {
    "operator class": "only a superuser can create operator classes",
    "operator family": "only a superuser can create operator families",
    "text search parser": "only a superuser can create text search parsers",
    "text search template": "only a superuser can create text search templates",
    "foreign-data wrapper": "only a superuser can create foreign-data wrappers",
    "foreign server": "its connection and user mappings belong to the shared database's host",
    "foreign table": "it reads through a foreign server of the shared database",
    "transform": "its functions are of an untrusted language",
    "access method": "only a superuser can create access methods",
    "language": "only a superuser can create languages that no extension brings",
}


def source_problems(catalog: Catalog) -> Iterator[Problem]:
    """What concerns the shared database as a whole."""
    server = catalog.server
    if server.major < OLDEST_SUPPORTED:
        yield Problem(
            None, "version", "no-go",
            f"the shared database runs PostgreSQL {server.major}; {OLDEST_SUPPORTED} is the oldest that"
            " moves: upgrade it first",
        )  # fmt: skip
    tables = sum(table.kind != "foreign" for table in catalog.tables.values())
    if server.lock_slots and tables > server.lock_slots:
        yield Problem(
            None, "setting", "no-go",
            f"the shared database has {tables:,} tables and room for {server.lock_slots:,} locks; a dump"
            " locks all at once: raise max_locks_per_transaction and restart it",
        )  # fmt: skip
    if catalog.owned_tables:
        yield Problem(
            None, "privilege", "note",
            f"the services' common role owns {catalog.owned_tables} tables of the shared database; on its own"
            " database a service's role reads and writes rows, but cannot TRUNCATE, ALTER or DROP its tables,"
            " nor grant them, and policies of row level security hold for it",
        )  # fmt: skip
    for left in catalog.left_behind:
        if left.schema is None:
            yield _left_behind(None, left)
    for item in catalog.objects.values():
        if item.kind == "event trigger" and item.extension is None:
            yield Problem(
                None, "privilege", "note",
                f"{item} stays behind: only a superuser can create event triggers; create it by hand where"
                " it is wanted",
            )  # fmt: skip


def service_problems(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts | None
) -> Iterator[Problem]:
    """What concerns one service."""
    if service.schema_name not in catalog.schemas:
        yield Problem(
            service.name, "schema", "no-go",
            f"the shared database {catalog.server.database} has no schema {service.schema_name}; correct"
            f" `schema` of {service.name} in services.yaml, or create it",
        )  # fmt: skip
        return
    yield from _boundary(service, closure)
    yield from _objects(service, catalog, closure)
    yield from readback_problems(service, catalog, closure)
    yield from _tables(service, catalog, closure)
    yield from _roles(service, catalog, closure)
    for left in catalog.left_behind:
        if left.schema == service.schema_name:
            yield _left_behind(service.name, left)
    if target is not None:
        yield from target_problems(service, catalog, closure, target)


_INSTEAD = {
    "subscription": "it feeds no table yet; make it again on the service's own database where it is wanted",
    "default privileges": "objects made later are granted by the stack's own default privileges",
    "security label": "its provider has to be loaded on the target first; set it there by hand",
    "setting": "give the service's role or instance what it needs of it in services.yaml, under `parameters`",
    "tablespace": "they move to the target's default one",
    "right": "an application has no use for it; GRANT it by hand where it has",
    "creation": "on its own database a service's owner makes what there is to make; else GRANT it by hand",
    "grantor": "on the service's own database the owner grants them, and nobody else can take them back",
    "membership": "the rights that it has through it come along one by one; what else it is for has to be"
    " granted on the service's own instance",
    "database": "it is for schemas and extensions; on its own database its owner makes schemas, and the stack"
    " the extensions of services.yaml; else GRANT it by hand",
    "parameter": "GRANT it on the service's own instance by hand where it is wanted",
    "index": "REINDEX it in the shared database first, or drop it",
    "key": "on the service's own database it holds: an orphan stops the move; see `consistency`",
    "detaching": "ALTER TABLE ... DETACH PARTITION ... FINALIZE in the shared database first",
    "comment": "write it there by hand where it is wanted",
    "extension rows": "CREATE EXTENSION makes it anew; copy what is wanted of it by hand",
    "attribute": "a service's role is a plain one, for which the policies of row level security hold",
}


_PROBLEM_KINDS: Mapping[str, ProblemKind] = {
    "setting": "setting", "index": "data", "key": "data", "detaching": "data", "comment": "data",
    "extension rows": "data",
}  # fmt: skip


def _left_behind(service: str | None, left: LeftBehind) -> Problem:
    where = f" in {left.schema}" if left.schema else ""
    kind = _PROBLEM_KINDS.get(left.kind, "privilege")
    severity: Severity = "no-go" if left.kind == "detaching" else "note"
    return Problem(service, kind, severity, f"{left.text}{where} does not move: {_INSTEAD[left.kind]}")


def _boundary(service: Service, closure: Closure) -> Iterator[Problem]:
    for edge in closure.edges:
        if edge.action is None and edge.dependent not in closure.dropped:
            line = edge.line
            remedy = edge.remedy or "change it in the shared database first"
            told = not line or edge.found_by in {"dynamic", "outside"}
            yield Problem(
                service.name, "boundary", "no-go",
                f"{edge.identity} {_needs(edge)}: {edge.reason}" + (f"; {remedy}" if told else ""),
                f"services: {service.name}: crossing: {line}" if line else "",
            )  # fmt: skip


def _needs(edge: Edge) -> str:
    if edge.found_by == "consequence":
        return "needs what a rule drops"
    if edge.found_by == "dynamic":
        return "cannot be analysed"
    if edge.found_by == "outside" and edge.kind not in {"publication", "subscription", "grant"}:
        return f"stays behind and needs service {edge.towards}"
    return f"needs service {edge.towards}" if edge.towards else "needs something no service claims"


def _objects(service: Service, catalog: Catalog, closure: Closure) -> Iterator[Problem]:
    for key in sorted(closure.objects):
        item = catalog.objects[key]
        if item.extension is not None:
            continue
        why = _SUPERUSER_ONLY.get(item.kind) or _needs_superuser(catalog, item)
        if why:
            yield Problem(
                service.name, "privilege", "no-go",
                f"{item} cannot be made by {service.migration.name}: {why}; replace it or drop it in the"
                " shared database before the move",
            )  # fmt: skip
        if item.kind == "trigger" and fires_on_replicated_rows(item):
            yield Problem(
                service.name, "data", "note",
                f"{item} fires on replicated rows too (ENABLE ALWAYS or REPLICA), so that what it does would"
                " be done twice: `start` refuses it; move the service with `run --stop-writes`, or ALTER"
                " TABLE ... ENABLE TRIGGER first",
            )  # fmt: skip


def fires_on_replicated_rows(trigger: CatalogObject) -> bool:
    """Whether a trigger fires for what a subscription applies; its definition ends with the ALTER TABLE."""
    return _REPLICATED.search(trigger.definition) is not None


def _needs_superuser(catalog: Catalog, item: CatalogObject) -> str:
    routine = catalog.routines.get(item.id)
    if item.parent is not None:
        return ""
    if routine is not None and not routine.trusted:
        return f"its language {routine.language} is not trusted"
    if routine is not None and routine.leakproof:
        return "only a superuser can mark a function LEAKPROOF"
    return catalog.superuser_only.get(item.id, "")


def _tables(service: Service, catalog: Catalog, closure: Closure) -> Iterator[Problem]:
    for classid, oid in sorted(closure.objects):
        table = catalog.tables.get(oid) if classid == PG_CLASS else None
        if table is not None and table.hashed_by_enum:
            yield Problem(
                service.name, "data", "no-go",
                f"table {table.name} is partitioned by the hash of an enum, or of what holds one, which"
                " differs from server to server: its partitions would refuse their rows; partition it by"
                " list, or by the hash of another column, in the shared database first",
            )  # fmt: skip
        if table is None or not table.holds_rows:
            continue
        if table.unlogged:
            yield Problem(
                service.name, "data", "note",
                f"table {table.name} is unlogged: its rows are copied, but changes are not replicated; stop"
                " writing to it before the switch",
            )  # fmt: skip
        elif table.replica_identity == "full":
            why = "has no primary key" if table.key is None else "has replica identity full"
            yield Problem(
                service.name, "data", "note",
                f"table {table.name} {why}: replicated with replica identity full, which compares whole rows",
            )  # fmt: skip


def _roles(service: Service, catalog: Catalog, closure: Closure) -> Iterator[Problem]:
    if catalog.grants is None:
        yield Problem(
            service.name, "privilege", "note",
            "the role of `source.application` is not known in the shared database: the service gets SELECT,"
            " INSERT, UPDATE and DELETE on its tables",
        )  # fmt: skip
    for policy, roles in catalog.policy_roles.items():
        if policy in closure.objects and roles:
            yield Problem(
                service.name, "privilege", "note",
                f"{catalog.objects[policy]} is for {', '.join(roles)}: on the target for the service's role"
                " where that is the application's, and without the others",
            )  # fmt: skip
