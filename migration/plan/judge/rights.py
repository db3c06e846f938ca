"""What the plan says of row security: whom it would hide rows from after the move, or show more to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from psycopg import sql

from components.contract import Service
from migration.boundary.closure import Closure
from migration.boundary.rights import says_who
from migration.boundary.row_security import Effects, binding, effects
from migration.catalog.objects import PG_CLASS, PG_PROC, Catalog, CatalogObject
from migration.catalog.rights_model import SecuredTable
from migration.catalog.tables import display_name
from migration.parsing.names import names_in
from migration.plan.model import Problem, TargetFacts

_SHOWN = 5
"""Names in a line; the rest is counted."""


def rights_problems(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts | None
) -> Iterator[Problem]:
    """What the service's role sees otherwise than the common one, and where it writes another name."""
    yield from _row_security(service, catalog, closure, target)
    named = [str(item) for item in says_who(catalog, closure)] if catalog.application is not None else []
    if named:
        more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
        yield Problem(
            service.name,
            "rights",
            "note",
            f"{', '.join(named[:_SHOWN])}{more} write or show current_user (or the like): it is"
            f" {service.service.name} from the cutover on, where it was {catalog.application}",
        )


def _row_security(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts | None
) -> Iterator[Problem]:
    """What row security would do to one of the two roles and does not do to the other."""
    found = effects(catalog, closure.objects)
    for text, line in _texts(service, catalog, found, target):
        yield Problem(service.name, "rights", "no-go", text, line)
    for key, table in found.shown:
        yield Problem(service.name, "rights", "no-go", _shown(catalog, catalog.objects[key], table))
    if service.row_security == "keep" and found.lifted:
        yield Problem(
            service.name,
            "rights",
            "note",
            f"{_names(catalog, found.lifted)}: a policy shows {service.service.name} all rows, by"
            " `rowSecurity: keep`; row security is on for it all the same, so that COPY ... FROM is refused"
            " to it: use INSERT there",
        )
    if service.row_security == "bind" and found.lifted:
        yield Problem(
            service.name,
            "rights",
            "note",
            f"policies bind {service.service.name} from the cutover on, as `rowSecurity: bind` says, on"
            f" {_names(catalog, found.lifted)}, of which {catalog.application} sees all rows today",
        )
    for policy in catalog.row_security.policies.values():
        if policy.id in closure.objects and policy.roles:
            whose = " and ".join(
                word
                for word, is_ in (("the service's role", policy.common), ("the owner", policy.owner))
                if is_
            )
            yield Problem(
                service.name,
                "privilege",
                "note",
                f"{catalog.objects[policy.id]} is for {', '.join(policy.roles)}: on the target for"
                f" {whose or 'nobody that is there, and not made'}",
            )


def _texts(
    service: Service, catalog: Catalog, found: Effects, target: TargetFacts | None
) -> Iterator[tuple[str, str]]:
    """No-gos with the line for services.yaml that settles them, where one does."""
    role, mode = service.service.name, service.row_security
    unkept = dict(_unkept(catalog, found.lifted))
    if mode is None and (found.lifted or found.owners):
        yield _undecided(service, catalog, found, keeps=not unkept)
    if mode == "keep":
        for reason in unkept.values():
            line = _line(service, "bind" if found.bound else "bypass")
            yield f"`rowSecurity: keep` cannot show {role} all rows: {reason}", line
    if mode == "bind":
        for table in _circular(catalog, found.lifted):
            yield (
                f"`rowSecurity: bind`: policies of {_name(catalog, table)} read that table itself, so that"
                " PostgreSQL refuses each statement of a role that they bind (infinite recursion): let a"
                " SECURITY DEFINER function read it for them",
                "" if found.bound else _line(service, "bypass"),
            )
    if mode == "bypass" and found.bound:
        yield (
            f"`rowSecurity: bypass` would show {role} rows that policies hide from {catalog.application}"
            f" today, of {_names(catalog, found.bound)}",
            _line(service, "bind" if unkept else "keep"),
        )
    if target is None or target.bypassing is None or not (found.lifted or found.bound):
        return
    if mode == "bypass" and role not in target.bypassing:
        yield (
            f"{role} has no BYPASSRLS on its own instance yet, which `rowSecurity: bypass` asks for: run"
            " `pulumi up`",
            "",
        )
    if mode != "bypass" and role in target.bypassing:
        yield (
            f"{role} has BYPASSRLS on its own instance, which services.yaml does not say: run `pulumi up`, or"
            f" there ALTER ROLE {display_name(role)} NOBYPASSRLS",
            "",
        )


def _undecided(service: Service, catalog: Catalog, found: Effects, *, keeps: bool) -> tuple[str, str]:
    role, common = service.service.name, catalog.application
    if not found.lifted:
        return (
            f"policies of {_names(catalog, found.owners)} do not bind views or functions today, which read as"
            f" their owner; on its own database they read as {service.owner}, which FORCE ROW LEVEL SECURITY"
            " binds; say in services.yaml which it shall be, then `pulumi up`: `rowSecurity: keep` shows them"
            " all rows, as today, `rowSecurity: bind` what policies let through"
        ), _line(service, "keep")
    tables = _names(catalog, found.lifted)
    can = {"bypass": f"leaves all rows to {role} (BYPASSRLS), as today"} if not found.bound else {}
    if keeps and found.bound:
        can["keep"] = (
            f"leaves it all rows of these (a policy on each) and those of {_names(catalog, found.bound)} to"
            " their policies, as today"
        )
    can["bind"] = "lets policies decide"
    choices = ", ".join(f"`rowSecurity: {mode}` {what}" for mode, what in can.items())
    return (
        f"policies of {tables} hide nothing from {common} today, who owns them or is above policies, and"
        f" would hide rows from {role}; say in services.yaml which it shall be, then `pulumi up`: {choices}"
    ), _line(service, next(iter(can)))


def _unkept(catalog: Catalog, tables: Iterable[SecuredTable]) -> Iterator[tuple[int, str]]:
    """Why a policy that shows all rows would not show them."""
    circular = {table.oid for table in _circular(catalog, tables)}
    for table in tables:
        name = _name(catalog, table)
        strict = next((one for one in binding(catalog, table) if not one.permissive), None)
        if strict is not None:
            yield table.oid, f"{catalog.objects[strict.id]} is RESTRICTIVE and goes on hiding rows of {name}"
        elif table.oid in circular:
            yield table.oid, f"policies of {name} read {name}, which PostgreSQL refuses (infinite recursion)"


def _circular(catalog: Catalog, tables: Iterable[SecuredTable]) -> Iterator[SecuredTable]:
    """Tables whose policies for the service's role read the table again, by way of others' policies too."""
    names = {(str(table.name.schema), table.name.name): oid for oid, table in catalog.tables.items()}
    graph: dict[int, set[int]] = {}
    for oid, secured in catalog.row_security.tables.items():
        uses = (use for one in binding(catalog, secured) for text in one.texts for use in _uses(text))
        graph[oid] = {names[use] for use in uses if use in names}
    for table in tables:
        if table.oid in _reachable(graph, table.oid):
            yield table


def _uses(expression: str) -> Iterator[tuple[str, str]]:
    for use in names_in("sql", f"SELECT {expression}", ""):
        if use.use == "relation" and use.schema is not None:
            yield use.schema, use.name


def _reachable(graph: Mapping[int, set[int]], start: int) -> set[int]:
    seen: set[int] = set()
    queue = [start]
    while queue:
        for one in graph.get(queue.pop(), set()) - seen:
            seen.add(one)
            queue.append(one)
    return seen


def _shown(catalog: Catalog, item: CatalogObject, table: SecuredTable) -> str:
    owner, name = catalog.row_security.acting[item.id], _name(catalog, table)
    whose = "the rules of " if item.kind == "table" else ""
    return (
        f"{whose}{item} reads {name} as its owner {owner}, whom policies of row security bind; on the"
        f" service's own database it reads as an owner whom others bind, or none: {_remedy(item, table)}"
    )


def _remedy(item: CatalogObject, table: SecuredTable) -> str:
    name = sql.Identifier(item.schema or "", item.name)
    if item.id[0] == PG_PROC:
        routine = sql.SQL("ALTER ROUTINE {}{} SECURITY INVOKER").format(name, sql.SQL(item.arguments))
        return f"run `{routine.as_string(None)}` in the shared database first"
    if item.id[0] == PG_CLASS and item.kind == "view":
        view = sql.SQL("ALTER VIEW {} SET (security_invoker = true)").format(name)
        return f"run `{view.as_string(None)}` in the shared database first"
    if item.kind == "materialized view" and not table.forced:
        owner = sql.SQL("ALTER MATERIALIZED VIEW {} OWNER TO {}").format(name, sql.Identifier(table.owner))
        return f"run `{owner.as_string(None)}` in the shared database first, and REFRESH it"
    return "take it away in the shared database first, or the policies"


def _line(service: Service, mode: str) -> str:
    return f"services: {service.name}: rowSecurity: {mode}"


def _name(catalog: Catalog, table: SecuredTable) -> str:
    return str(catalog.tables[table.oid].name)


def _names(catalog: Catalog, tables: Iterable[SecuredTable]) -> str:
    names = sorted(_name(catalog, table) for table in tables)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{'table' if len(names) == 1 else 'tables'} {', '.join(names[:_SHOWN])}{more}"
