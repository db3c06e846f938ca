"""Gives the service's role on its own database what the services' common role could do on the shared one.

The new rights are the old effective ones: what was granted, to the role, to a role it is in or to PUBLIC.
Rights of PUBLIC do not come along as such, because PUBLIC may do nothing on a service's own database. What
was granted WITH GRANT OPTION is granted so again (docs/decisions/0048-grant-options.md).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import LiteralString

from psycopg import sql

from components.contract import Service
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_CLASS, PG_NAMESPACE, PG_PROC, PG_TYPE, Catalog, CatalogObject, Grant
from migration.catalog.rights_model import MAINTAIN_SINCE
from migration.plan.model import ServicePlan

_READ_WRITE = ("DELETE", "INSERT", "SELECT", "UPDATE")
_TABLE_LIKE = frozenset({"table", "view", "materialized view", "foreign table"})
_TYPE = re.compile(r'(?:"(?:[^"]|"")*"|[^",])+')
_TOGETHER = 100
"""Objects in one GRANT or REVOKE."""

Named = tuple[LiteralString, sql.Composable]
"""What GRANT calls the kind, and the object's name."""


def grant_statements(
    service: Service,
    plan: ServicePlan,
    catalog: Catalog,
    only: Collection[ObjectId] | None = None,
    without: Collection[ObjectId] = (),
) -> Iterator[sql.Composed]:
    """GRANTs (and the REVOKEs before them) to run as the owner, after everything else has been created.

    With `only`, for these objects of the plan alone; `without` are left out.
    """
    role = sql.Identifier(service.service.name)
    grantable = grantable_schemas(catalog)
    for name in plan.schemas if only is None else ():
        option = _option(name in grantable)
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}{}").format(sql.Identifier(name), role, option)
    yield from _extension_schemas(plan, catalog, service.service.name) if only is None else ()
    revoked: defaultdict[LiteralString, list[sql.Composable]] = defaultdict(list)
    given: defaultdict[tuple[LiteralString, str | None, tuple[str, ...], bool], list[sql.Composable]]
    given = defaultdict(list)
    for key in sorted(plan.objects):
        item = catalog.objects[key]
        named = _named(item)
        if key in without or (only is not None and key not in only):
            continue
        if named is not None and item.extension is None:
            revoked[named[0]].append(named[1])
    for item, grant in intended_grants(service, plan, catalog):
        named = _named(item)
        if named is None or item.id in without or (only is not None and item.id not in only):
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


def _extension_schemas(plan: ServicePlan, catalog: Catalog, role: str) -> Iterator[sql.Composed]:
    """USAGE of schemas that extensions are in, where the common role has it; the stack's are its own."""
    usable = {
        catalog.objects[grant.object_id].name
        for grant in catalog.grants or ()
        if grant.object_id[0] == PG_NAMESPACE and grant.object_id in catalog.objects
    }
    for name in sorted({e.schema for e in plan.extensions} & usable - {*plan.schemas, "public"}):
        body = sql.SQL(
            "BEGIN IF (SELECT pg_catalog.pg_has_role(nspowner, 'USAGE') FROM pg_catalog.pg_namespace"
            " WHERE nspname = {}) THEN GRANT USAGE ON SCHEMA {} TO {}; END IF; END"
        ).format(sql.Literal(name), sql.Identifier(name), sql.Identifier(role))
        yield sql.SQL("DO {}").format(sql.Literal(body.as_string(None)))


def grantable_schemas(catalog: Catalog) -> frozenset[str]:
    """The schemas whose USAGE the services' common role may grant on."""
    return frozenset(
        catalog.objects[grant.object_id].name
        for grant in catalog.grants or ()
        if grant.object_id[0] == PG_NAMESPACE and grant.grantable and grant.object_id in catalog.objects
    )


def _without_maintain(grant: Grant) -> Grant:
    return replace(
        grant,
        privileges=tuple(word for word in grant.privileges if word != "MAINTAIN"),
        grantable=tuple(word for word in grant.grantable if word != "MAINTAIN"),
    )


def _option(may_grant: bool) -> sql.SQL:
    return sql.SQL(" WITH GRANT OPTION" if may_grant else "")


def intended_grants(
    service: Service, plan: ServicePlan, catalog: Catalog
) -> Iterator[tuple[CatalogObject, Grant]]:
    """What the service's role may do with each object that moves: what the services' common role could.

    Where that role is not known, it is what is usual. What owning gave is granted as far as there is a
    privilege for it on the service's own version.
    """
    granted: defaultdict[ObjectId, list[Grant]] = defaultdict(list)
    for grant in catalog.grants or ():
        granted[grant.object_id].append(grant)
    for key in sorted(plan.objects):
        item = catalog.objects[key]
        if item.extension is None and _named(item) is not None:
            for grant in granted[key] if catalog.grants is not None else [_usual(item)]:
                yield item, grant if service.version >= MAINTAIN_SINCE else _without_maintain(grant)


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
        return "ROUTINE", sql.Composed([name, _input_types(item.arguments)])
    return None


def _input_types(arguments: str) -> sql.Composed:
    """Types in parentheses, each marked as going in: `ROUTINE f(int)` may be f(int) and f(OUT int).

    oidvectortypes printed them, schema-qualified and quoted: they are SQL as they are.
    """
    kinds = (sql.SQL(kind.strip()) for kind in _TYPE.findall(arguments[1:-1]))
    return sql.SQL("({})").format(sql.SQL(", ").join(sql.SQL("IN {}").format(kind) for kind in kinds))


def _usual(item: CatalogObject) -> Grant:
    if item.kind in _TABLE_LIKE:
        return Grant(item.id, None, _READ_WRITE)
    if item.kind == "sequence":
        return Grant(item.id, None, ("SELECT", "USAGE"))
    return Grant(item.id, None, ("EXECUTE",) if item.id[0] == PG_PROC else ("USAGE",))


def _privileges(column: str | None, words: Sequence[str]) -> sql.Composed:
    part = sql.SQL("") if column is None else sql.SQL(" ({})").format(sql.Identifier(column))
    return sql.SQL(", ").join(sql.SQL(word) + part for word in words)
