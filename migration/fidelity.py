"""Proof that a service's schema arrived: source and target compared by what their catalogues say.

Compared are contents (types, expressions, definitions, comments, parameters), not dumps. Left out is what
belongs to the side and not to the schema: OIDs, sizes, and this program's own guards. Owners and privileges
are compared with what the plan makes of them (`migration.fidelity_rights`). Servers of different versions
print the same view differently; what differs in text is therefore created once more on the target, in a
transaction that is rolled back, and printed by that server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import LiteralString

import psycopg
from psycopg import sql

from components.contract import Contract
from migration.catalog import Connection, frozen
from migration.catalog_model import PG_EXTENSION, PG_NAMESPACE, Catalog
from migration.connections import Database
from migration.fidelity_model import Described, Difference
from migration.fidelity_rights import compare_rights
from migration.model import display_name
from migration.plan_model import Plan, ServicePlan
from migration.queries import query
from migration.references_plan import marks_of
from migration.schema_grants import role_map
from migration.schema_readback import readable

__all__ = ["Difference", "compare_schemas"]

_QUERIES: tuple[LiteralString, ...] = (
    "fidelity_relations", "fidelity_parts", "fidelity_code", "fidelity_comments", "fidelity_dependences",
)  # fmt: skip
_PROBED = frozenset({"view", "materialized view"})
_NOT_NULL_CONSTRAINTS = 180_000
"""From this version on NOT NULL is a constraint with a name; before, there is nothing to compare it with."""

_Key = tuple[str, str]
"""Kind and identity."""
_Side = dict[_Key, Described]


def compare_schemas(
    source: Database, target: Database, plan: Plan, name: str, contract: Contract
) -> tuple[Difference, ...]:
    """What differs, for the service `name`, between the source and its own database after a move.

    Empty: all that the plan moves is on the target as it is on the source, and nothing else is there.
    `plan` says what belongs to the service and what was dropped on purpose. Owners, privileges and the roles
    of policies are compared with what the plan gives them on the target; `contract` has the roles.
    Raises the errors of `Database.translate`.
    """
    own = plan.services[name]
    with source.connect() as connection, source.translated("reading its catalogue"), frozen(connection):
        version = connection.info.server_version
        ours = _of_service(_read(connection, version), own, plan.catalog)
    with target.connect() as connection, target.translated("reading its catalogue"):
        with frozen(connection):
            theirs = _moved(connection, _read(connection, version), own)
            ours = _with_policy_roles(ours, role_map(contract, contract.services[name]))
            rights = compare_rights(
                connection, service=contract.services[name], own=own, catalog=plan.catalog,
                ours=ours, theirs=theirs,
            )  # fmt: skip
        found = (d for d in _differences(ours, theirs) if not _same_when_printed_alike(connection, d))
        return (*found, *rights)


def _read(connection: Connection, source_version: int) -> _Side:
    return {
        (kind, identity): Described((classid, oid), on, properties, drop, create and readable(create))
        for name in _QUERIES
        for classid, oid, kind, identity, on, properties, drop, create in connection.execute(query(name))
        if kind != "not-null constraint" or source_version >= _NOT_NULL_CONSTRAINTS
    }


def _moved(connection: Connection, rows: _Side, own: ServicePlan) -> _Side:
    """The target's rows without what extensions brought, without extensions that the plan does not ask for
    (the stack has its own), and without replicas of other services' tables."""
    members = {(row[0], row[1]) for row in connection.execute(query("fidelity_members"))}
    if own.replicas:
        noted = "SELECT classid, objid FROM waqiti_migration.schema_objects WHERE service = %s"
        members |= set(connection.execute(noted, [marks_of(own.service)]).fetchall())
    replicas = {str(replica.table) for replica in own.replicas}
    extensions = {("extension", display_name(extension.name)) for extension in own.extensions}
    return {
        key: row
        for key, row in rows.items()
        if row.whole not in members
        and row.on not in replicas
        and (row.whole[0] != PG_EXTENSION or key in extensions)
    }


def _of_service(rows: _Side, own: ServicePlan, catalog: Catalog) -> _Side:
    """The source's rows that the plan moves, as they have to be on the target."""
    orphaned = {
        str(s.name)
        for s in own.sequences
        if s.owned_by is not None and s.owned_by[0] not in {table.name for table in own.relations}
    }
    lost_defaults = {
        f"{catalog.objects[item.parent].identity}.{display_name(item.name)}"
        for item in (catalog.objects[key] for key in own.dropped)
        if item.kind == "default" and item.parent is not None
    }
    schemas = {
        key for key, item in catalog.objects.items() if key[0] == PG_NAMESPACE and item.name in own.schemas
    }
    wanted = own.objects | {extension.id for extension in own.extensions} | schemas
    kept = {}
    for key, row in rows.items():
        item = catalog.objects.get(row.whole)
        if row.whole not in wanted or (item is not None and item.extension is not None):
            continue
        lost = set()
        if key[0] == "sequence" and key[1] in orphaned:
            lost.add("owned by")
        if key[0] == "column" and key[1] in lost_defaults:
            lost.add("default")
        kept[key] = replace(row, properties={k: v for k, v in row.properties.items() if k not in lost})
    return kept


def _with_policy_roles(rows: _Side, roles: Mapping[str, str]) -> _Side:
    """The policies for the roles that stand for theirs on the target; without those that have none there."""
    kept = dict(rows)
    for key, row in rows.items():
        there = row.properties.get("roles")
        if key[0] != "policy" or not there:
            continue
        names = sorted({roles[role] for role in there if role in roles})
        if names:
            kept[key] = replace(row, properties={**row.properties, "roles": names})
        else:
            del kept[key]
    return kept


def _differences(ours: _Side, theirs: _Side) -> Iterator[Difference]:
    for key in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(key), theirs.get(key)
        if here is None or there is None or here.properties != there.properties:
            yield Difference(*key, here, there)


def _same_when_printed_alike(connection: Connection, difference: Difference) -> bool:
    """Whether the source's view, created on the target, prints as the target's does."""
    if difference.kind not in _PROBED or difference.changed != ("definition",):
        return False
    if difference.source is None or difference.target is None:
        return False
    body = readable(str(difference.source.properties["definition"])).rstrip(";")
    probe = sql.Identifier("pg_temp", "fidelity_probe")
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL search_path = ''")
            connection.execute(sql.SQL("CREATE VIEW {} AS {}").format(probe, sql.SQL(body)))
            printed = connection.execute(
                "SELECT pg_get_viewdef('pg_temp.fidelity_probe'::regclass)"
            ).fetchone()
    except psycopg.Error:
        return False
    return printed is not None and printed[0] == difference.target.properties["definition"]
