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
from migration.catalog import Connection
from migration.catalog_model import Catalog, ObjectId
from migration.fidelity_model import Described, Difference
from migration.model import display_name
from migration.plan_model import ServicePlan
from migration.queries import query
from migration.schema_grants import intended_grants

_Key = tuple[str, str]
"""Kind and identity."""
_Right = tuple[str, str | None]
"""An object as GRANT names it, and the column where the right is a column's."""
_NOWHERE: ObjectId = (0, 0)


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
    for classid, oid, name, owner, grantable, words in connection.execute(query("fidelity_owners")):
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
    may: defaultdict[_Right, set[str]] = defaultdict(set)
    role = service.service.name
    for classid, oid, column, words in connection.execute(query("catalog_grants"), {"application": role}):
        if (classid, oid) in called:
            may[called[classid, oid], column].update(words)
    names = {there[whole]: name for whole, name in called.items()}
    wanted: defaultdict[_Right, set[str]] = defaultdict(set)
    for item, grant in intended_grants(own, catalog):
        name = names.get(here[item.id]) if item.id in here else None
        if name is not None:
            wanted[name, grant.column].update(grant.privileges)
    for name, words in public.items():
        found.append(_public(name, words, role, wanted[name, None] & {*words}))
    for right in sorted(wanted.keys() | may.keys(), key=lambda one: (one[0], one[1] or "")):
        if wanted[right] != may[right]:
            found.append(_privilege(role, right, wanted[right], may[right]))
    return tuple(sorted(found, key=lambda difference: (difference.kind, difference.identity)))


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
    statements = []
    if wanted - may:
        words = _privileges(wanted - may, column)
        statements.append(sql.SQL("GRANT {} ON {} TO {}").format(words, sql.SQL(name), grantee))
    if may - wanted:
        words = _privileges(may - wanted, column)
        statements.append(sql.SQL("REVOKE {} ON {} FROM {}, PUBLIC").format(words, sql.SQL(name), grantee))
    return Difference(
        "privilege",
        f"{role} on {name}" + ("" if column is None else f" column {display_name(column)}"),
        _described("may", sorted(wanted), create=sql.SQL("; ").join(statements)),
        _described("may", sorted(may)),
    )


def _privileges(words: Iterable[str], column: str | None) -> sql.Composed:
    part = sql.SQL("") if column is None else sql.SQL(" ({})").format(sql.Identifier(column))
    return sql.SQL(", ").join(sql.SQL(word) + part for word in sorted(words))


def _described(
    name: str, value: Any, *, create: sql.Composable | None = None, drop: sql.Composable | None = None
) -> Described:
    return Described(
        _NOWHERE, None, {name: value},
        None if drop is None else drop.as_string(None), None if create is None else create.as_string(None),
    )  # fmt: skip
