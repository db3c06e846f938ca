"""What forbids a move, or should be known before it. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from psycopg import sql

from components.contract import Service
from core.progress.units import size
from migration.boundary.closure import Closure
from migration.boundary.edges import IN_SHARED, Edge, drop_statement, table_of
from migration.catalog.objects import PG_CLASS, Catalog, CatalogObject, LeftBehind
from migration.catalog.tables import display_name
from migration.plan.judge.circles import circle_problems
from migration.plan.judge.column_order import column_order_problems
from migration.plan.judge.identity import identity_problems
from migration.plan.judge.named import named_problems
from migration.plan.judge.paths import path_problems
from migration.plan.judge.replica_mode import replica_mode_problems
from migration.plan.judge.rights import rights_problems
from migration.plan.judge.session_paths import session_path_problems
from migration.plan.judge.shifting import shifting_problems
from migration.plan.model import Problem, ProblemKind, Severity, TargetFacts
from migration.plan.readback import readback_problems
from migration.plan.targets import target_problems

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
            None,
            "version",
            "no-go",
            f"the shared database runs PostgreSQL {server.major}; {OLDEST_SUPPORTED} is the oldest that"
            " moves: upgrade it first",
        )
    tables = sum(table.kind != "foreign" for table in catalog.tables.values())
    if server.lock_slots and tables > server.lock_slots:
        yield Problem(
            None,
            "setting",
            "no-go",
            f"the shared database has {tables:,} tables and room for {server.lock_slots:,} locks; a dump"
            " locks all at once: `ALTER SYSTEM SET max_locks_per_transaction ="
            f" {_enough_locks(tables, server.lock_slots)}` in the shared database first, and restart it",
        )
    owned = sum(classid == PG_CLASS and oid in catalog.tables for classid, oid in catalog.owned)
    if owned:
        yield Problem(
            None,
            "privilege",
            "note",
            f"the services' common role owns {owned} tables of the shared database; on its own database a"
            " service's role may read and write rows and TRUNCATE, and from PostgreSQL 17 on REFRESH, ANALYZE"
            " and the like, but not ALTER or DROP tables, nor grant them; what policies of row level security"
            " do to it, `rowSecurity` of services.yaml says",
        )
    stray = catalog.stray_large_objects
    if stray is not None:
        much = f" ({size(stray.bytes)})" if stray.bytes is not None else ""
        yield Problem(
            None,
            "data",
            "note",
            f"{stray.count} large objects{much} that no column of type oid or lo refers to stay in the shared"
            f" database, for example {', '.join(map(str, stray.some))}: if one is needed, keep its OID in a"
            " column of its service's; if none is, SELECT lo_unlink(OID)",
        )
    yield from replica_mode_problems(catalog)
    for left in catalog.left_behind:
        if left.schema is None:
            yield _left_behind(None, left)
    for item in catalog.objects.values():
        if item.kind == "event trigger" and item.extension is None:
            yield Problem(
                None,
                "privilege",
                "note",
                f"{item} stays behind: only a superuser can create event triggers; create it by hand where"
                " it is wanted",
            )


def service_problems(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts | None, claimed: frozenset[str]
) -> Iterator[Problem]:
    """What concerns one service; `claimed` are the schemas of all."""
    if service.schema_name not in catalog.schemas:
        yield Problem(
            service.name,
            "schema",
            "no-go",
            f"the shared database {catalog.server.database} has no schema {service.schema_name}; correct"
            f" `schema` of {service.name} in services.yaml, or"
            f" `CREATE SCHEMA {display_name(service.schema_name)}` there",
        )
        return
    yield from _boundary(service, closure)
    yield from object_problems(service, catalog, closure)
    yield from readback_problems(service, catalog, closure)
    yield from circle_problems(service, catalog, closure)
    yield from _tables(service, catalog, closure)
    yield from path_problems(service, catalog, closure)
    yield from shifting_problems(service, catalog, closure)
    yield from session_path_problems(service, catalog, closure, claimed)
    yield from identity_problems(service, catalog, closure, target)
    yield from column_order_problems(service, catalog, closure)
    yield from named_problems(service, catalog, closure)
    yield from _roles(service, catalog)
    yield from rights_problems(service, catalog, closure, target)
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
    "detaching": f"finish it {IN_SHARED}",
    "comment": "write it there by hand where it is wanted",
    "extension rows": "CREATE EXTENSION makes it anew; copy what is wanted of it by hand",
    "attribute": "a service's role is a plain one; `rowSecurity` says what policies do to it",
}


_PROBLEM_KINDS: Mapping[str, ProblemKind] = {
    "setting": "setting",
    "index": "data",
    "key": "data",
    "detaching": "data",
    "comment": "data",
    "extension rows": "data",
}


def _left_behind(service: str | None, left: LeftBehind) -> Problem:
    where = f" in {left.schema}" if left.schema else ""
    kind = _PROBLEM_KINDS.get(left.kind, "privilege")
    severity: Severity = "no-go" if left.kind == "detaching" else "note"
    return Problem(service, kind, severity, f"{left.text}{where} does not move: {_INSTEAD[left.kind]}")


def _boundary(service: Service, closure: Closure) -> Iterator[Problem]:
    for edge in closure.edges:
        if edge.action is None and edge.dependent not in closure.dropped:
            line = edge.line
            told = edge.remedy and (not line or edge.found_by in {"dynamic", "outside", "rights"})
            yield Problem(
                service.name,
                "boundary",
                "no-go",
                f"{edge.identity} {_needs(edge)}: {edge.reason}" + (f"; {edge.remedy}" if told else ""),
                f"services: {service.name}: crossing: {line}" if line else "",
            )


def _needs(edge: Edge) -> str:
    if edge.found_by == "consequence":
        return "needs what a rule drops"
    if edge.found_by == "dynamic":
        return "cannot be analysed"
    if edge.found_by == "rights":
        return "would go otherwise as the service's own role"
    if edge.found_by == "outside" and edge.kind not in {"publication", "subscription", "grant"}:
        return f"stays behind and needs service {edge.towards}"
    return f"needs service {edge.towards}" if edge.towards else "needs something no service claims"


def object_problems(service: Service, catalog: Catalog, closure: Closure) -> Iterator[Problem]:
    """What its role cannot make, and what would happen twice."""
    for key in sorted(closure.objects):
        item = catalog.objects[key]
        if item.extension is not None:
            continue
        why = _SUPERUSER_ONLY.get(item.kind) or _needs_superuser(catalog, item)
        if why:
            yield Problem(
                service.name,
                "privilege",
                "no-go",
                f"{item} cannot be made by {service.migration.name}: {why}; replace it, or"
                f" `{_without(catalog, item)}` {IN_SHARED}",
            )
        if item.kind == "trigger" and fires_on_replicated_rows(item):
            yield Problem(
                service.name,
                "data",
                "note",
                f"{item} fires on replicated rows too (ENABLE ALWAYS or REPLICA), so that what it does would"
                f" be done twice: `{enable_statement(item)}` {IN_SHARED}, or move the service with"
                " `run --stop-writes` (`plan --stop-writes`)",
                online=True,
            )


def _without(catalog: Catalog, item: CatalogObject) -> str:
    """What makes do without it, or without what only a superuser can give it."""
    routine = catalog.routines.get(item.id)
    if routine is not None and routine.trusted and routine.leakproof:
        name = sql.Identifier(item.schema or "", item.name).as_string(None)
        return f"ALTER FUNCTION {name}{item.arguments} NOT LEAKPROOF"
    return drop_statement(item)


def _enough_locks(tables: int, slots: int) -> int:
    """max_locks_per_transaction for all tables at once and as much again; 64 is PostgreSQL's default."""
    return max(128, 64 * math.ceil(2 * tables / slots))


def fires_on_replicated_rows(trigger: CatalogObject) -> bool:
    """Whether a trigger fires for what a subscription applies; its definition ends with the ALTER TABLE."""
    return _REPLICATED.search(trigger.definition) is not None


def enable_statement(trigger: CatalogObject) -> str:
    """What makes it fire for an application's rows alone."""
    name = sql.Identifier(trigger.name).as_string(None)
    return f"ALTER TABLE {table_of(trigger)} ENABLE TRIGGER {name}"


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
                service.name,
                "data",
                "no-go",
                f"table {table.name} is partitioned by the hash of an enum, or of what holds one, which"
                " differs from server to server: its partitions would refuse their rows; partition it by"
                " list, or by the hash of another column, in the shared database first",
            )
        if table is None or not table.holds_rows:
            continue
        if table.unlogged:
            yield Problem(
                service.name,
                "data",
                "note",
                f"table {table.name} is unlogged, so that changes of its rows are not replicated:"
                f" `ALTER TABLE {table.name} SET LOGGED` {IN_SHARED}, or move the service with"
                " `run --stop-writes` (`plan --stop-writes`)",
                online=True,
            )
        elif table.replica_identity == "full":
            why = "has no primary key" if table.key is None else "has replica identity full"
            yield Problem(
                service.name,
                "data",
                "note",
                f"table {table.name} {why}: replicated with replica identity full, which compares whole rows",
            )


def _roles(service: Service, catalog: Catalog) -> Iterator[Problem]:
    if catalog.grants is None:
        yield Problem(
            service.name,
            "privilege",
            "note",
            "the role of `source.application` is not known in the shared database: the service gets SELECT,"
            " INSERT, UPDATE and DELETE on its tables",
        )
