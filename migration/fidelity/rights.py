"""Owners and privileges on a service's own database, compared with what the plan gives.

Everything there belongs to the owner's role; the service's role may do what the services' common role could
do in the shared database; PUBLIC may do nothing. Grants to further roles are somebody's own, and left alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import sql

from components.contract import Service
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.described import Described
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_NAMESPACE, Catalog
from migration.catalog.tables import display_name
from migration.fidelity.model import Difference
from migration.plan.model import ServicePlan
from migration.schema.grants import grantable_schemas, intended_grants

catalog_query = queries("migration.catalog")
query = queries(__package__)

_Key = tuple[str, str]
"""Kind and identity."""
_Right = tuple[str, str | None]
"""An object as GRANT names it, and the column where the right is a column's."""
_NOWHERE: ObjectId = (0, 0)
_OPTION = " WITH GRANT OPTION"


def compare_rights(
    connection: Connection,
    *,
    service: Service,
    own: ServicePlan,
    catalog: Catalog,
    ours: Mapping[_Key, Described],
    theirs: Mapping[_Key, Described],
) -> tuple[Difference, ...]:
    """What differs in owners and privileges, of what is on both sides; `connection` is to the target."""
    there, here = _wholes(theirs), _wholes(ours)
    common = set(here.values())
    called: dict[ObjectId, str] = {}
    found: list[Difference] = []
    public: dict[str, list[str]] = {}
    for classid, oid, name, owner, grantable, words in connection.execute(query("owners")):
        key = there.get((classid, oid))
        if key is None or key not in common:
            # What is only on the target is a difference as it is, whoever owns it.
            continue
        if grantable is not None:
            called[classid, oid] = grantable
        if name is not None and owner != service.owner:
            found.append(_owner(key, name, service.owner, owner))
        if words:
            public[grantable] = words
    names = {there[whole]: name for whole, name in called.items()}
    schemas = _schemas(connection, own)
    wanted = _wanted(service, own, catalog, {whole: names.get(key) for whole, key in here.items()}, schemas)
    role = service.service.name
    may = _may(connection, role, {**called, **schemas})
    for name, words in public.items():
        found.append(_public(name, words, role, wanted[name, None] & {*words}))
    for right in sorted(wanted.keys() | may.keys(), key=lambda one: (one[0], one[1] or "")):
        if wanted[right] != may[right]:
            found.append(_privilege(role, right, wanted[right], may[right]))
    return tuple(sorted(found, key=lambda difference: (difference.kind, difference.identity)))


def _schemas(connection: Connection, own: ServicePlan) -> dict[ObjectId, str]:
    """The plan's schemas on the target, as GRANT names them."""
    rows = connection.execute(
        "SELECT oid, nspname FROM pg_namespace WHERE nspname = ANY (%s)", [list(own.schemas)]
    )
    return {(PG_NAMESPACE, oid): f"SCHEMA {display_name(name)}" for oid, name in rows}


def _wanted(
    service: Service,
    own: ServicePlan,
    catalog: Catalog,
    names: Mapping[ObjectId, str | None],
    schemas: Mapping[ObjectId, str],
) -> defaultdict[_Right, set[str]]:
    """What the service's role has to have; `names` are those that GRANT has for the source's objects."""
    wanted: defaultdict[_Right, set[str]] = defaultdict(set)
    for item, grant in intended_grants(service, own, catalog):
        name = names.get(item.id)
        if name is not None:
            wanted[name, grant.column].update(_words(grant.privileges, grant.grantable))
    grantable = {f"SCHEMA {display_name(name)}" for name in grantable_schemas(catalog)}
    for name in schemas.values():
        wanted[name, None].update(_words(["USAGE"], ["USAGE"] if name in grantable else []))
    return wanted


def _may(connection: Connection, role: str, called: Mapping[ObjectId, str]) -> defaultdict[_Right, set[str]]:
    """What the role has on the target, of the objects that are compared."""
    may: defaultdict[_Right, set[str]] = defaultdict(set)
    rows = connection.execute(catalog_query("grants"), {"application": role})
    for classid, oid, column, words, options in rows:
        if (classid, oid) in called:
            may[called[classid, oid], column].update(_words(words, options))
    return may


def _wholes(rows: Mapping[_Key, Described]) -> dict[ObjectId, _Key]:
    return {row.whole: key for key, row in rows.items() if row.on is None and key[0] != "comment"}


def _owner(key: _Key, name: str, wanted: str, owner: str) -> Difference:
    alter = sql.SQL("ALTER {} OWNER TO {}").format(sql.SQL(name), sql.Identifier(wanted))
    return Difference(
        "owner", " ".join(key), _described("owner", wanted, create=alter), _described("owner", owner)
    )


def _public(name: str, privileges: list[str], role: str, wanted: set[str]) -> Difference:
    """PUBLIC's rights go; what the service has of them by right is granted to its role."""
    revoke = sql.SQL("REVOKE ALL ON {} FROM PUBLIC").format(sql.SQL(name))
    if wanted:
        words = _privileges(wanted, None)
        grant = sql.SQL("GRANT {} ON {} TO {}").format(words, sql.SQL(name), sql.Identifier(role))
        revoke = sql.SQL("{}; {}").format(revoke, grant)
    return Difference("privilege", f"PUBLIC on {name}", None, _described("may", privileges, drop=revoke))


def _privilege(role: str, right: _Right, wanted: set[str], may: set[str]) -> Difference:
    name, column = right
    grantee = sql.Identifier(role)
    on = sql.SQL(name)
    statements = []
    more, less = wanted - may, may - wanted
    if options := _optional(more):
        words = _privileges(options, column)
        statements.append(sql.SQL("GRANT {} ON {} TO {} WITH GRANT OPTION").format(words, on, grantee))
    if plain := _plain(more) - options:
        words = _privileges(plain, column)
        statements.append(sql.SQL("GRANT {} ON {} TO {}").format(words, on, grantee))
    if plain := _plain(less):
        words = _privileges(plain, column)
        statements.append(sql.SQL("REVOKE {} ON {} FROM {}, PUBLIC").format(words, on, grantee))
    if options := _optional(less) - plain:
        words = _privileges(options, column)
        statements.append(sql.SQL("REVOKE GRANT OPTION FOR {} ON {} FROM {}").format(words, on, grantee))
    return Difference(
        "privilege",
        f"{role} on {name}" + ("" if column is None else f" column {display_name(column)}"),
        _described("may", sorted(wanted), create=sql.SQL("; ").join(statements)),
        _described("may", sorted(may)),
    )


def _words(privileges: Iterable[str], grantable: Iterable[str]) -> set[str]:
    return {*privileges, *(word + _OPTION for word in grantable)}


def _optional(words: Iterable[str]) -> set[str]:
    return {word.removesuffix(_OPTION) for word in words if word.endswith(_OPTION)}


def _plain(words: Iterable[str]) -> set[str]:
    return {word for word in words if not word.endswith(_OPTION)}


def _privileges(words: Iterable[str], column: str | None) -> sql.Composed:
    part = sql.SQL("") if column is None else sql.SQL(" ({})").format(sql.Identifier(column))
    return sql.SQL(", ").join(sql.SQL(word) + part for word in sorted(words))


def _described(
    name: str, value: Any, *, create: sql.Composable | None = None, drop: sql.Composable | None = None
) -> Described:
    return Described(
        _NOWHERE,
        None,
        {name: value},
        None if drop is None else drop.as_string(None),
        None if create is None else create.as_string(None),
    )
