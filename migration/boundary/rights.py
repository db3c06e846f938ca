"""What a service's code does that the common role may do today, and the service's own role may not.

Found in functions and procedures that run with their caller's rights; what runs with its owner's goes on as
the owner of the service's own database, who owns all of it. And what asks who runs it: the name is another.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from components.contract import Service
from migration.boundary.closure import Closure
from migration.boundary.edges import Action, Edge, decide
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_CLASS, PG_NAMESPACE, PG_POLICY, Catalog, CatalogObject, Routine
from migration.catalog.rights_model import MAINTAIN_SINCE
from migration.catalog.tables import display_name
from migration.parsing.body_acts import Act, acts_of_routine, asks_who, commits, expression_asks_who

WHO = "current_user"
"""What an edge leads to that asks who runs it, in its identity."""
_INSTEAD = {
    "ALTER SEQUENCE": "or call setval(), which it may",
    "TRUNCATE ... RESTART IDENTITY": "or TRUNCATE without it and call setval(), which it may",
}
_EXPRESSIONS = frozenset({"check constraint", "view", "materialized view", "rule", "trigger"})


def rights_edges(service: Service, catalog: Catalog, closure: Closure) -> Iterator[Edge]:
    """An edge for each such place in the service's objects, decided by its rules.

    Nothing where the common role is not known.
    """
    if catalog.application is None:
        return
    for key in sorted(closure.objects):
        item, routine = catalog.objects[key], catalog.routines.get(key)
        if item.extension is not None:
            continue
        if routine is not None:
            yield from _of_routine(service, catalog, closure, routine)
        elif item.kind == "trigger" and "lo_manage(" in item.definition:
            yield _edge(service, item, "lo_unlink()", _unlink_remedy(service))
        elif _decides(catalog, item):
            yield _edge(service, item, WHO, _who_remedy(service, catalog, item), fits=_can_be_ignored(item))


def says_who(catalog: Catalog, closure: Closure) -> Iterator[CatalogObject]:
    """What writes down or shows who runs it, without depending on it: defaults, and code."""
    for key in sorted(closure.objects):
        item, routine = catalog.objects[key], catalog.routines.get(key)
        if item.extension is not None:
            continue
        if routine is not None:
            if not _is_definer(catalog, key) and _asks(routine, item) == "says":
                yield item
        elif item.kind in _EXPRESSIONS | {"default"} and expression_asks_who(_expression(item)) == "says":
            yield item


def _of_routine(service: Service, catalog: Catalog, closure: Closure, routine: Routine) -> Iterator[Edge]:
    item = catalog.objects[routine.id]
    acts: dict[str, Act] = {}
    # A body that is stored parsed is read in its CREATE FUNCTION, and makes nothing itself.
    body = item.definition if routine.parsed else routine.body
    for act in acts_of_routine(routine.language, body, item.definition):
        if routine.parsed and act.needs == "creation":
            continue
        if refused(service, catalog, closure.objects, act, definer=_is_definer(catalog, routine.id)):
            acts.setdefault(act.command, act)
    for command, act in acts.items():
        yield _edge(service, item, command, _act_remedy(service, item, act))
    if not _is_definer(catalog, routine.id) and _asks(routine, item) == "decides":
        yield _edge(service, item, WHO, _who_remedy(service, catalog, item))


def refused(
    service: Service, catalog: Catalog, objects: frozenset[ObjectId], act: Act, *, definer: bool = False
) -> bool:
    """Whether the common role may do it today, and the service's role (or, of a `definer`, the owner) not."""
    above = any(left.kind in {"attribute", "membership", "parameter"} for left in catalog.left_behind)
    if act.needs in {"server", "role"}:
        return definer or above
    if act.needs == "large object":
        tables = {
            catalog.tables[oid].name for kind, oid in objects if kind == PG_CLASS and oid in catalog.tables
        }
        return any(column.table in tables for column in catalog.large_object_columns)
    if definer:
        return False
    if act.needs == "creation":
        return any(classid == PG_NAMESPACE for classid, _ in catalog.owned)
    found = {catalog.whole(key) for name in act.names for key in _resolved(catalog, objects, *name)}
    if act.needs == "maintain":
        may = {grant.object_id for grant in catalog.grants or () if "MAINTAIN" in grant.privileges}
        return service.version < MAINTAIN_SINCE and bool(found & may)
    # What is no relation (a function, a type) is taken for owned by whom the relations are.
    others = any(key[0] != PG_CLASS for key in found)
    return bool(found & catalog.owned) or (others and bool(catalog.owned))


def _resolved(
    catalog: Catalog, objects: frozenset[ObjectId], schema: str | None, name: str
) -> Iterator[ObjectId]:
    """The service's objects that a name may mean; none for one that is made at run time."""
    for key in objects:
        item = catalog.objects[key]
        if item.name == name and schema in {None, item.schema} and item.kind not in {"type", "schema"}:
            yield key


def _is_definer(catalog: Catalog, key: ObjectId) -> bool:
    return key in catalog.row_security.acting


def _asks(routine: Routine, item: CatalogObject) -> str:
    return asks_who(routine.language, routine.body or item.definition, item.definition)


def _decides(catalog: Catalog, item: CatalogObject) -> bool:
    """Whether what an expression gives depends on who runs it; policies only where they bind already."""
    if item.id[0] == PG_POLICY:
        policy = catalog.row_security.policies[item.id]
        table = catalog.row_security.tables.get(policy.table)
        binds = table is not None and (policy.everyone or policy.common)
        binds = binds and table is not None and catalog.application not in table.exempt
        return binds and any(expression_asks_who(text) for text in policy.texts)
    return item.kind in _EXPRESSIONS and expression_asks_who(_expression(item)) == "decides"


def _expression(item: CatalogObject) -> str:
    return item.definition.removeprefix("CHECK ").removesuffix(" NOT VALID").removesuffix(" NO INHERIT")


def _can_be_ignored(item: CatalogObject) -> bool:
    """A check is asked again of each row that is copied: by the role that copies."""
    return item.kind != "check constraint"


def _edge(service: Service, item: CatalogObject, towards: str, remedy: str, *, fits: bool = True) -> Edge:
    possible: frozenset[Action] = frozenset({"ignore"}) if fits else frozenset()
    edge = Edge(
        service=service.name, kind=item.kind, identity=f"{item} -> {towards}", dependent=item.id,
        referenced=item.id, towards=None, found_by="rights", definition=item.definition, possible=possible,
        remedy=remedy,
    )  # fmt: skip
    return decide(edge, service.crossing)


def _act_remedy(service: Service, item: CatalogObject, act: Act) -> str:
    role = display_name(service.service.name)
    if act.needs == "large object":
        return _unlink_remedy(service)
    if act.needs in {"server", "role"}:
        return f"{role} may not {act.command} on its own instance: take it out in the shared database first"
    what = "owns nothing there" if act.needs != "creation" else "makes nothing there that lasts"
    what = f"has no MAINTAIN before PostgreSQL {MAINTAIN_SINCE}" if act.needs == "maintain" else what
    instead = _INSTEAD.get(act.command, "")
    if item.kind == "procedure" and commits(item.definition):
        return (
            f"{role} {what}: put the {act.command} into a SECURITY DEFINER function of its own"
            f" (a procedure that commits cannot be one) {instead}".rstrip()
        )
    name = sql.Composed([sql.Identifier(item.schema or "", item.name), sql.SQL(item.arguments)])
    alter = sql.SQL("ALTER ROUTINE {} SECURITY DEFINER").format(name).as_string(None)
    return f"{role} {what}: run `{alter}` in the shared database first {instead}".rstrip()


def _unlink_remedy(service: Service) -> str:
    """Large objects are copied for the owner, and the service's role may read and write them."""
    role = service.service.name
    change = sql.SQL(
        "DO $$ DECLARE o oid; BEGIN FOR o IN SELECT oid FROM pg_largeobject_metadata LOOP EXECUTE"
        " format('ALTER LARGE OBJECT %s OWNER TO %I', o, {}); END LOOP; END $$"
    ).format(sql.Literal(role))
    return (
        f"{display_name(role)} may read and write the large objects that are copied, and does not own them:"
        f" say `ignore`, and after the cutover run `{change.as_string(None)}` as the superuser of its own"
        " instance"
    )


def _who_remedy(service: Service, catalog: Catalog, item: CatalogObject) -> str:
    names = (
        f"{display_name(service.service.name)} where it is {display_name(catalog.application or '')} today"
    )
    if item.kind == "check constraint" and item.parent is not None:
        table = catalog.objects[item.parent]
        drop = sql.SQL("ALTER {} {} DROP CONSTRAINT {}").format(
            sql.SQL("DOMAIN" if table.kind == "domain" else "TABLE"),
            sql.Identifier(table.schema or "", table.name),
            sql.Identifier(item.name),
        )
        return (
            f"it is {names}, and another while rows are copied: run `{drop.as_string(None)}` in the shared"
            " database first, and let a trigger check it"
        )
    return f"it is {names}: let it take both names in the shared database first, then say `ignore`"
