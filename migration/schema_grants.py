"""Gives the service's role on its own database what the services' common role could do on the shared one.

The new rights are the old effective ones: what was granted, to the role, to a role it is in or to PUBLIC.
Rights of PUBLIC do not come along as such, because PUBLIC may do nothing on a service's own database. What
was granted WITH GRANT OPTION is granted so again (docs/decisions/0048-grant-options.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import LiteralString

from psycopg import sql

from components.contract import Contract, Service
from migration.catalog_model import (
    PG_CLASS,
    PG_NAMESPACE,
    PG_PROC,
    PG_TYPE,
    Catalog,
    CatalogObject,
    Grant,
    ObjectId,
)
from migration.plan_model import ServicePlan

_READ_WRITE = ("DELETE", "INSERT", "SELECT", "UPDATE")
_TABLE_LIKE = frozenset({"table", "view", "materialized view", "foreign table"})
_TOGETHER = 100
"""Objects in one GRANT or REVOKE."""

Named = tuple[LiteralString, sql.Composable]
"""What GRANT calls the kind, and the object's name."""


def grant_statements(
    service: Service, plan: ServicePlan, catalog: Catalog, only: Collection[ObjectId] | None = None
) -> Iterator[sql.Composed]:
    """GRANTs (and the REVOKEs before them) to run as the owner, after everything else has been created.

    With `only`, for these objects of the plan alone.
    """
    role = sql.Identifier(service.service.name)
    grantable = grantable_schemas(catalog)
    for name in plan.schemas if only is None else ():
        option = _option(name in grantable)
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}{}").format(sql.Identifier(name), role, option)
    revoked: defaultdict[LiteralString, list[sql.Composable]] = defaultdict(list)
    given: defaultdict[tuple[LiteralString, str | None, tuple[str, ...], bool], list[sql.Composable]]
    given = defaultdict(list)
    for key in sorted(plan.objects):
        item = catalog.objects[key]
        named = _named(item)
        if named is not None and item.extension is None and (only is None or key in only):
            revoked[named[0]].append(named[1])
    for item, grant in intended_grants(plan, catalog):
        named = _named(item)
        if named is None or (only is not None and item.id not in only):
            continue
        plain = tuple(word for word in grant.privileges if word not in grant.grantable)
        for words, may_grant in ((plain, False), (grant.grantable, True)):
            if words:
                given[named[0], grant.column, words, may_grant].append(named[1])
    # The owner's default privileges have granted something already; what counts is the source.
    for kind, names in revoked.items():
        for some in _chunks(names):
            yield sql.SQL("REVOKE ALL ON {} {} FROM {}, PUBLIC").format(sql.SQL(kind), some, role)
    for (kind, column, words, may_grant), names in given.items():
        rights, option = _privileges(column, words), _option(may_grant)
        for some in _chunks(names):
            yield sql.SQL("GRANT {} ON {} {} TO {}{}").format(rights, sql.SQL(kind), some, role, option)


def grantable_schemas(catalog: Catalog) -> frozenset[str]:
    """The schemas whose USAGE the services' common role may grant on."""
    return frozenset(
        catalog.objects[grant.object_id].name
        for grant in catalog.grants or ()
        if grant.object_id[0] == PG_NAMESPACE and grant.grantable and grant.object_id in catalog.objects
    )


def _option(may_grant: bool) -> sql.SQL:
    return sql.SQL(" WITH GRANT OPTION" if may_grant else "")


def intended_grants(plan: ServicePlan, catalog: Catalog) -> Iterator[tuple[CatalogObject, Grant]]:
    """What the service's role may do with each object that moves: what the services' common role could.

    Where that role is not known, it is what is usual.
    """
    granted: defaultdict[ObjectId, list[Grant]] = defaultdict(list)
    for grant in catalog.grants or ():
        granted[grant.object_id].append(grant)
    for key in sorted(plan.objects):
        item = catalog.objects[key]
        if item.extension is None and _named(item) is not None:
            for grant in granted[key] if catalog.grants is not None else [_usual(item)]:
                yield item, grant


def role_map(contract: Contract, service: Service) -> Mapping[str, str]:
    """The source's roles by what stands for them on the service's own database."""
    return {
        contract.source.administrator.name: service.owner,
        contract.source.application.name: service.service.name,
    }


def _chunks(names: Sequence[sql.Composable]) -> Iterator[sql.Composed]:
    for begin in range(0, len(names), _TOGETHER):
        yield sql.SQL(", ").join(names[begin : begin + _TOGETHER])


def _named(item: CatalogObject) -> Named | None:
    """The object as GRANT names it; None if it has no privileges."""
    name = sql.Identifier(item.schema or "", item.name)
    if item.id[0] == PG_CLASS and item.kind in _TABLE_LIKE:
        return "TABLE", name
    if item.id[0] == PG_CLASS and item.kind == "sequence":
        return "SEQUENCE", name
    if item.id[0] == PG_TYPE and item.parent is None:
        return "TYPE", name
    if item.id[0] == PG_PROC and item.parent is None:
        # oidvectortypes printed the types, schema-qualified and quoted: they are SQL as they are.
        return "ROUTINE", sql.Composed([name, sql.SQL(item.arguments)])
    return None


def _usual(item: CatalogObject) -> Grant:
    if item.kind in _TABLE_LIKE:
        return Grant(item.id, None, _READ_WRITE)
    if item.kind == "sequence":
        return Grant(item.id, None, ("SELECT", "USAGE"))
    return Grant(item.id, None, ("EXECUTE",) if item.id[0] == PG_PROC else ("USAGE",))


def _privileges(column: str | None, words: Sequence[str]) -> sql.Composed:
    part = sql.SQL("") if column is None else sql.SQL(" ({})").format(sql.Identifier(column))
    return sql.SQL(", ").join(sql.SQL(word) + part for word in words)
