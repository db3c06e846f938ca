"""What applications name in their statements and would not find on a service's own database.

`pg_depend` knows what objects need. A function that only applications call (`digest()`), a type that only
they cast to, an object of a schema that no service claims: no catalogue has that, so it is looked for in what
ran. Where a name is also one of PostgreSQL's own (`replace`, `%`), nobody can tell which one is meant; it
counts as PostgreSQL's. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from core.postgres_parser import parser
from core.services_yaml import crossing_item
from migration.boundary.archives import archived_schemas
from migration.boundary.closure import STATEMENT
from migration.catalog.objects import CatalogObject
from migration.parsing.names import json_nodes
from migration.parsing.statements import named_in, normalized
from migration.traffic.queries import Crossings, RanStatement

Kind = Literal["routine", "type", "operator", "relation"]
Name = tuple[str | None, str, Kind]
"""Schema (None where it is left to the search_path), name, and what it is."""

_KINDS: dict[Kind, frozenset[str]] = {
    "routine": frozenset({"function", "procedure", "aggregate"}),
    "type": frozenset({"type", "domain"}),
    "operator": frozenset({"operator"}),
    "relation": frozenset({"table", "view", "materialized view", "foreign table", "sequence"}),
}
_SHOWN = 120
_STACKS = frozenset({"plpgsql", "pg_stat_statements"})
"""Extensions that every service's own database has."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that statements name and the plan does not bring."""

    service: str | None
    """Whose statements; None where nothing tells."""
    item: CatalogObject
    calls: int
    role: str | None
    text: str
    """The first such statement, on one line, without its values."""

    @property
    def said(self) -> str:
        """What is named, how often and by whom."""
        item = self.item
        named = f"{item.kind} {item.name} of the extension {item.extension}" if item.extension else str(item)
        return (
            f"{named} is named by statements only ({self.calls:,} calls, the first by {self.role or '?'}:"
            f" {self.text[:_SHOWN]})"
        )

    @property
    def identity(self) -> str:
        """What a rule's `match` is held against."""
        extension = self.item.extension
        return f"{STATEMENT}extension {extension}" if extension else f"{STATEMENT}{self.item}"

    @property
    def line(self) -> str:
        """The rule for services.yaml that has an object of nobody's schema go along."""
        action = "move" if self.item.kind in _KINDS["relation"] else "copy"
        return crossing_item(self.identity, action)


def needs(judge: Crossings, statements: Iterable[RanStatement], builtin: Collection[str]) -> list[Need]:
    """What statements need beside what the plan brings, each object once a service, the most called first.

    `builtin` are the names of PostgreSQL's own functions, types and operators.
    """
    catalog = judge.plan.catalog
    archives = archived_schemas(catalog.schemas, judge.claims)
    foreign = {
        item.name
        for item in catalog.objects.values()
        if item.parent is None and (item.extension or item.schema not in {*judge.claims, *archives})
    }
    found: dict[tuple[str | None, str], Need] = {}
    for ran in statements:
        names = _named(ran.text, foreign)
        for item in _resolve(judge, names, ran, builtin):
            if item.schema in archives or item.extension in _STACKS:
                continue
            service = judge.home_of(ran)
            plan = judge.plan.services.get(service or "")
            if plan is not None and item.extension in {extension.name for extension in plan.extensions}:
                continue
            if item.extension is None and any(
                item.id in one.objects for one in judge.plan.services.values() if plan in {None, one}
            ):
                continue
            key = (service, item.extension or str(item))
            before = found.get(key)
            if before is None:
                found[key] = Need(service, item, ran.calls, ran.role, normalized(ran.text))
            else:
                found[key] = replace(before, calls=before.calls + ran.calls)
    return sorted(found.values(), key=lambda need: (-need.calls, str(need.item)))


def _named(text: str, foreign: Collection[str]) -> frozenset[Name]:
    """The names of a statement that may be foreign; none of one that applications do not run."""
    if not any(name in text for name in foreign):
        return frozenset()
    relations = named_in(text)
    if relations is None:
        return frozenset()
    try:
        tree = json.loads(parser.parse_sql_json(text))
    except parser.ParseError:
        tree = {}
    found: set[Name] = {(n.schema, n.name, "relation") for n in relations if n.use == "relation"}
    return frozenset(name for name in (*found, *_walk(tree)) if name[1] in foreign)


def _walk(tree: Any) -> Iterator[Name]:
    for node, value in json_nodes(tree):
        if not isinstance(value, dict):
            continue
        if node in {"FuncCall", "funccall"}:
            yield from _dotted(value.get("funcname", ()), "routine")
        elif node in {"TypeName", "typeName"}:
            yield from _dotted(value.get("names", ()), "type")
        elif node == "A_Expr":
            yield from _dotted(value.get("name", ()), "operator")


def _dotted(parts: Sequence[dict[str, Any]], kind: Kind) -> Iterator[Name]:
    words = [part["String"].get("sval", "") for part in parts if "String" in part]
    if words and words[0] != "pg_catalog":
        yield (words[-2] if len(words) > 1 else None, words[-1], kind)


def _resolve(
    judge: Crossings, names: Iterable[Name], ran: RanStatement, builtin: Collection[str]
) -> Iterator[CatalogObject]:
    by_name, claims = judge.plan.catalog.by_name, judge.claims
    for schema, name, kind in sorted(names, key=str):
        if schema is None and name in builtin:
            continue
        schemas = [schema] if schema is not None else judge.path_of(ran)
        for one in schemas:
            items = [item for item in by_name.get((one, name), ()) if item.kind in _KINDS[kind]]
            if items:
                if one not in claims or items[0].extension is not None:
                    yield items[0]
                break
