"""What row security does to a service's role on its own database, and to the common role today. Pure.

Policies bind nobody who owns the table (without FORCE), is a superuser or has BYPASSRLS. The role that all
services share may be one of these; a service's own role is none of them. Views, SECURITY DEFINER routines
and the like read as their owner, who on a service's own database owns everything.
docs/decisions/0071-rights-of-the-services-role.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from components.contract import Contract, Service
from migration.catalog.ddl_statement import Statement
from migration.catalog.described import Described
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_CLASS, PG_POLICY, PG_REWRITE, Catalog
from migration.catalog.rights_model import Policy, SecuredTable
from migration.parsing.names import names_in

KEPT = "waqiti_row_security_kept"
"""The policy that lets a role see all rows of a table, as its like does in the shared database."""


@dataclass(frozen=True)
class Effects:
    """What would change, of one service's tables with row security."""

    lifted: tuple[SecuredTable, ...] = ()
    """They hide nothing from the common role, and policies would bind the service's role."""
    bound: tuple[SecuredTable, ...] = ()
    """Policies bind the common role already."""
    owners: tuple[SecuredTable, ...] = ()
    """Of FORCE: they hide nothing from what reads them as its owner, and policies would bind the owner."""
    shown: tuple[tuple[ObjectId, SecuredTable], ...] = ()
    """What reads a table as an owner that policies bind: on a service's own database they would not, or
    others would."""


def effects(catalog: Catalog, objects: frozenset[ObjectId]) -> Effects:
    """What row security does to those who read `objects`, the objects of one service."""
    found = catalog.row_security
    tables = [
        found.tables[oid] for classid, oid in sorted(objects) if classid == PG_CLASS and oid in found.tables
    ]
    if catalog.application is None or not tables:
        return Effects()
    reached = {grant.object_id for grant in catalog.grants or ()}
    own = [table for table in tables if (PG_CLASS, table.oid) in reached]
    lifted = tuple(table for table in own if catalog.application in table.exempt)
    bound = tuple(table for table in own if catalog.application not in table.exempt)
    owners: dict[int, SecuredTable] = {}
    shown: list[tuple[ObjectId, SecuredTable]] = []
    by_oid = {table.oid: table for table in tables}
    pairs = [
        (item, owner, by_oid[oid])
        for item, owner in sorted(found.acting.items())
        if item in objects and any(table.forced or owner not in table.exempt for table in tables)
        for oid in sorted(_reads(catalog, objects, item) & by_oid.keys())
    ]
    for _, owner, table in pairs:
        if table.forced and owner in table.exempt:
            owners[table.oid] = table
    for item, owner, table in pairs:
        same = table.forced and table.oid not in owners and not _differs(catalog, table, owner)
        # A materialized view is filled before there are policies.
        if owner not in table.exempt and (not same or catalog.objects[item].kind == "materialized view"):
            shown.append((item, table))
    return Effects(lifted, bound, tuple(owners.values()), tuple(shown))


def _differs(catalog: Catalog, table: SecuredTable, owner: str) -> bool:
    """Whether other policies bind a reader that is not the table's owner than bind that one."""
    return owner != table.owner and any(
        policy.owner != (policy.common if owner == catalog.application else owner in policy.roles)
        for policy in catalog.row_security.policies.values()
        if policy.table == table.oid and not policy.everyone
    )


def _reads(catalog: Catalog, objects: frozenset[ObjectId], item: ObjectId) -> set[int]:
    """OIDs of the tables that something reaches with its owner's rights, by itself or by what it calls."""
    acting = catalog.row_security.acting
    tables: set[int] = set()
    seen: set[ObjectId] = set()
    queue = [item]
    while queue:
        whole = queue.pop()
        if whole in seen:
            continue
        seen.add(whole)
        if whole != item and (whole[0] == PG_CLASS and whole[1] in catalog.tables):
            tables.add(whole[1])
        elif whole == item or whole not in acting:
            queue += (needed for needed in _needs(catalog, objects, whole) if needed in objects)
    return tables


def _needs(catalog: Catalog, objects: frozenset[ObjectId], whole: ObjectId) -> Iterator[ObjectId]:
    units = [whole] if whole[1] not in catalog.tables or whole[0] != PG_CLASS else []
    units += [part for part in catalog.parts.get(whole, ()) if part[0] == PG_REWRITE]
    for unit in units:
        for dependency in catalog.outgoing.get(unit, ()):
            needed = catalog.whole(dependency.referenced)
            if needed != whole:
                yield needed
    routine = catalog.routines.get(whole)
    if routine is not None and not routine.parsed:
        for use in names_in(routine.language, routine.body, catalog.objects[whole].definition):
            if use.schema is not None:
                yield from (found.id for found in catalog.by_name.get((use.schema, use.name), ()))
            else:
                yield from (key for key in objects if catalog.objects[key].name == use.name)


def binding(catalog: Catalog, table: SecuredTable) -> tuple[Policy, ...]:
    """The policies that are for the service's role, as they are for the common one."""
    policies = catalog.row_security.policies.values()
    return tuple(
        policy for policy in policies if policy.table == table.oid and (policy.everyone or policy.common)
    )


def roles_of(
    policy: Policy, catalog: Catalog, contract: Contract, service: Service
) -> tuple[str, ...] | None:
    """The roles that a policy is for on the service's own database; none for PUBLIC, None: it is not made.

    The service's role stands for the common one, whatever role of its the policy names; the owner stands for
    the administrator, and where FORCE makes policies bind it, for the table's owner.
    """
    if policy.everyone:
        return ()
    table = catalog.row_security.tables.get(policy.table)
    forced = table is not None and table.forced
    administrator = contract.source.administrator.name
    stands_in = administrator in policy.roles and administrator != catalog.application
    roles = [service.service.name] if policy.common else []
    if stands_in or (policy.owner and forced):
        roles.append(service.owner)
    return tuple(sorted(roles)) or None


def kept(service: Service, catalog: Catalog, objects: frozenset[ObjectId]) -> dict[int, tuple[str, ...]]:
    """The tables (by OID) with a policy that shows all rows, and to which roles; by `rowSecurity`."""
    if service.row_security not in {"keep", "bypass"}:
        return {}
    found = effects(catalog, objects)
    lifted = {table.oid for table in found.lifted if service.row_security == "keep"}
    owners = {table.oid for table in found.owners}
    named = ((service.service.name, lifted), (service.owner, owners))
    return {oid: tuple(sorted(role for role, of in named if oid in of)) for oid in sorted(lifted | owners)}


def kept_statements(service: Service, catalog: Catalog, objects: frozenset[ObjectId]) -> Iterator[Statement]:
    """The DDL of these policies, to run as the tables' owner."""
    for oid, roles in kept(service, catalog, objects).items():
        table = catalog.tables[oid].name
        text = sql.SQL("CREATE POLICY {} ON {} TO {} USING (true) WITH CHECK (true)").format(
            sql.Identifier(KEPT), table.identifier(), sql.SQL(", ").join(map(sql.Identifier, roles))
        )
        yield Statement(f"policy {table} {KEPT}", "POLICY", (0, 0), text.as_string(None))


def kept_described(roles: tuple[str, ...], table: str) -> Described:
    """Such a policy as `migration.fidelity.compare` describes a side's; `table` is its table as SQL."""
    properties = {"name": KEPT, "command": "ALL", "roles": list(roles), "using": "true", "check": "true"}
    return Described((PG_POLICY, 0), table, properties)
