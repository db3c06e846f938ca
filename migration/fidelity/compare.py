"""Proof that a service's schema arrived: source and target compared by what their catalogues say.

Compared are contents (types, expressions, definitions, comments, parameters), not dumps. Left out is what
belongs to the side and not to the schema: OIDs, sizes, and this program's own guards. Owners and privileges
are compared with what the plan makes of them (`migration.fidelity.rights`). What was parsed is compared in
one normal form (`migration.fidelity.forms`), and names as a server quotes them that has more keywords.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from typing import Any, LiteralString

from components.contract import Contract
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.boundary.replicas import marks_of
from migration.boundary.row_security import KEPT, kept, kept_described, roles_of
from migration.catalog.described import Described
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_EXTENSION, PG_NAMESPACE, Catalog
from migration.catalog.quoting import with_quotes
from migration.catalog.read import frozen
from migration.catalog.tables import SequenceName, TableName, display_name
from migration.fidelity.forms import really_different
from migration.fidelity.model import Difference
from migration.fidelity.rights import compare_rights
from migration.parsing.readback import names_of, readable
from migration.plan.late_checks import late_checks
from migration.plan.model import Plan, ServicePlan
from migration.plan.view_texts import SAFE_SEARCH_PATH, with_schemas
from migration.replicate.checks_off import TableCheck, without

query = queries(__package__)

__all__ = ["Difference", "compare_schemas"]

_QUERIES: tuple[LiteralString, ...] = (
    "relations",
    "parts",
    "code",
    "comments",
    "dependences",
)
_NO_SQL = frozenset(
    {
        "text",
        "labels",
        "roles",
        "options",
        "toast options",
        "initial",
        "moving initial",
        "locale",
        "rules",
        "collate",
        "ctype",
        "template",
        "parser",
    }
)
"""Properties that are what somebody wrote, or bare names."""
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
        ours_off, our_checks = _checks(connection, own)
    with target.connect() as connection, target.translated("reading its catalogue"):
        with frozen(connection):
            theirs = _moved(connection, _read(connection, version), own)
            ours = _with_policy_roles(ours, plan.catalog, contract, own)
            if connection.info.server_version >= SAFE_SEARCH_PATH * 10_000:
                ours = _with_named_texts(ours, own, plan.catalog)
            theirs = _as_if_valid(theirs, ours, late_checks(own, plan.catalog))
            theirs_off, their_checks = _checks(connection, own)
            theirs = _as_if_there(theirs, ours, theirs_off, our_checks)
            ours = _as_if_there(ours, theirs, ours_off, their_checks)
            rights = compare_rights(
                connection,
                service=contract.services[name],
                own=own,
                catalog=plan.catalog,
                ours=ours,
                theirs=theirs,
            )
        return (*really_different(connection, _differences(ours, theirs)), *rights)


def _read(connection: Connection, source_version: int) -> _Side:
    rows: _Side = {}
    for name in _QUERIES:
        for classid, oid, kind, identity, on, properties, drop, create in connection.execute(query(name)):
            if kind == "not-null constraint" and source_version < _NOT_NULL_CONSTRAINTS:
                continue
            expressions = tuple(with_quotes(text) for text in properties.pop("expressions", ()))
            said = {word: value if word in _NO_SQL else _quoted(value) for word, value in properties.items()}
            rows[kind, with_quotes(identity)] = Described(
                (classid, oid),
                on and with_quotes(on),
                said,
                drop and with_quotes(drop),
                create and readable(create),
                expressions,
            )
    return rows


def _quoted(value: Any) -> Any:
    if isinstance(value, str):
        return with_quotes(value)
    return [_quoted(one) for one in value] if isinstance(value, list) else value


def _moved(connection: Connection, rows: _Side, own: ServicePlan) -> _Side:
    """The target's rows without what extensions brought, without extensions that the plan does not ask for
    (the stack has its own), and without replicas of other services' tables."""
    members = {(row[0], row[1]) for row in connection.execute(query("members"))}
    if own.replicas:
        noted = "SELECT classid, objid FROM waqiti_migration.schema_objects WHERE service = %s"
        members |= set(connection.execute(noted, [marks_of(own.service)]).fetchall())
    replicas = {(replica.table.schema, replica.table.name) for replica in own.replicas}
    extensions = {("extension", display_name(extension.name)) for extension in own.extensions}
    return {
        key: row
        for key, row in rows.items()
        if row.whole not in members
        and (row.on is None or names_of(row.on) not in replicas)
        and (row.whole[0] != PG_EXTENSION or key in extensions)
    }


def _of_service(rows: _Side, own: ServicePlan, catalog: Catalog) -> _Side:
    """The source's rows that the plan moves, as they have to be on the target."""
    moved = {table.name for table in own.relations}
    orphaned = {s.name for s in own.sequences if s.owned_by is not None and s.owned_by[0] not in moved}
    lost_defaults = {
        (item.parent, item.name)
        for item in (catalog.objects[key] for key in own.dropped)
        if item.kind == "default"
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
        if key[0] == "sequence" and item and SequenceName(item.schema or "", item.name) in orphaned:
            lost.add("owned by")
        if key[0] == "column" and (row.whole, *names_of(row.properties["name"])) in lost_defaults:
            lost.add("default")
        kept[key] = replace(row, properties={k: v for k, v in row.properties.items() if k not in lost})
    return kept


def _with_named_texts(rows: _Side, own: ServicePlan, catalog: Catalog) -> _Side:
    """The source's rows, with the texts that materialized views run as they are made on the target."""
    kept, path = dict(rows), (own.schema, "public")
    for key, row in rows.items():
        if key[0] == "materialized view":
            text = with_schemas(str(row.properties["definition"]), path, catalog.by_name)
            kept[key] = replace(row, properties={**row.properties, "definition": text})
    return kept


def _as_if_valid(theirs: _Side, ours: _Side, late: frozenset[ObjectId]) -> _Side:
    """The target's rows, with checks that stayed NOT VALID as they are on the source: rows from before them
    violate them, which `start` has said (`migration.plan.late_checks`)."""
    kept = dict(theirs)
    for key, row in ours.items():
        there = theirs.get(key)
        if row.whole in late and there is not None and there.properties.get("valid") is False:
            properties = {k: v for k, v in there.properties.items() if k != "valid"}
            properties["definition"] = str(properties["definition"]).removesuffix(" NOT VALID")
            kept[key] = replace(there, properties=properties)
    return kept


def _checks(
    connection: Connection, own: ServicePlan
) -> tuple[frozenset[TableCheck], dict[TableCheck, ObjectId]]:
    """The checks that a side goes without while it follows (`migration.steps.shifting_checks`), and all that
    it has."""
    rows = connection.execute(query("checks"), {"schemas": list(own.schemas)})
    there = {
        TableCheck(TableName(schema, table), name): (classid, oid)
        for schema, table, name, classid, oid in rows
    }
    return frozenset(without(connection, own.service)), there


def _as_if_there(
    without_them: _Side, with_them: _Side, off: Set[TableCheck], there: Mapping[TableCheck, ObjectId]
) -> _Side:
    """A side's rows, with the checks that are put on it as it is opened, and what is said of them."""
    waiting = {key for check, key in there.items() if check in off}
    return {**{key: row for key, row in with_them.items() if row.whole in waiting}, **without_them}


def _with_policy_roles(rows: _Side, catalog: Catalog, contract: Contract, own: ServicePlan) -> _Side:
    """The policies for the roles that stand for theirs on the target, without those that have none there, and
    with those that are made there on purpose."""
    service = contract.services[own.service]
    made = kept(service, catalog, own.objects)
    rows_made: _Side = dict(rows)
    for key, row in rows.items():
        policy = catalog.row_security.policies.get(row.whole)
        if key[0] == "table" and row.whole[1] in made:
            rows_made["policy", f"{key[1]}.{KEPT}"] = kept_described(made[row.whole[1]], key[1])
        if key[0] != "policy" or policy is None or policy.everyone:
            continue
        names = roles_of(policy, catalog, contract, service)
        if names:
            rows_made[key] = replace(row, properties={**row.properties, "roles": list(names)})
        else:
            del rows_made[key]
    return rows_made


def _differences(ours: _Side, theirs: _Side) -> Iterator[Difference]:
    for key in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(key), theirs.get(key)
        if here is None or there is None or here.properties != there.properties:
            yield Difference(*key, here, there)
