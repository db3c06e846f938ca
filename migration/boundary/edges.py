"""Edges that cross a service's boundary, and what services.yaml decides about each.

An edge is known by its identity, for example
`foreign key payment_schema.payments.payments_user_id_fkey -> user_schema.users`; the first rule of the
service whose pattern matches it decides. Nothing is decided silently: an edge without a rule is a no-go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

from psycopg import sql

from components.contract import CrossingRule
from core.services_yaml import crossing_item
from migration.catalog.identity import ObjectId
from migration.catalog.objects import CatalogObject
from migration.catalog.tables import TableName, display_name

Action = Literal["move", "copy", "drop", "reference", "ignore"]
FoundBy = Literal["catalogue", "body", "consequence", "dynamic", "outside", "rights"]
"""`catalogue`: `pg_depend` says so. `body`: a function's text names it. `consequence`: it depends on
something that a rule drops. `dynamic`: a function runs a text that only exists when it runs. `outside`: it is
no service's, and reaches into this one (`migration.boundary.outside`). `rights`: the service's own role may
not do what it does, or it asks for that role's name (`migration.boundary.rights`)."""

SHARED_CODE = frozenset({
    "function", "procedure", "aggregate", "type", "domain", "operator", "operator class", "operator family",
    "collation", "conversion", "text search configuration", "text search dictionary", "text search parser",
    "text search template", "cast", "transform",
})  # fmt: skip
"""What holds no rows, so that every service that needs it can have a copy of its own."""

_PARTS_THAT_DROP = frozenset({
    "foreign key", "check constraint", "default", "trigger", "rule", "policy", "index", "statistics",
    "exclusion constraint", "unique constraint",
})  # fmt: skip
_WHOLES_THAT_DROP = frozenset({"view", "materialized view", "function", "procedure", "aggregate", "operator"})
_REFERENCING = frozenset({
    "foreign key", "view", "materialized view", "function", "procedure", "policy", "rule",
})  # fmt: skip
"""What goes on working over a replica of the columns it needs (a key: as what `consistency` checks)."""
_OF_A_REPLICA = frozenset({"table", "type", "domain", "collation"})
"""What a `reference` brings: the table's columns as a replica, and, copied, the types they are of."""


@dataclass(frozen=True, slots=True)
class Edge:
    """An object of a service needs an object that is not the service's."""

    service: str
    kind: str
    """Of the dependent: `foreign key`, `view`, `function`, `trigger`, ..."""
    identity: str
    dependent: ObjectId
    referenced: ObjectId
    towards: str | None
    """The service the referenced object belongs to; None when no service claims it."""
    found_by: FoundBy
    definition: str
    """The dependent's DDL or expression, kept for the way back."""
    possible: frozenset[Action]
    """The actions that fit this edge."""
    table: TableName | None = None
    """The table that the dependent is on, where it is on one."""
    action: Action | None = None
    """What is done; None while services.yaml does not say, or says something that does not fit."""
    reason: str = ""
    """Why: the rule's reason, or what is wrong with the rule."""
    remedy: str = ""
    """What to do in the shared database where no action fits."""

    @property
    def leaves_out(self) -> bool:
        """Whether the dependent is not made on the target. A key cannot hold over a replica that lags."""
        return self.action == "drop" or (self.action == "reference" and self.kind == "foreign key")

    @property
    def line(self) -> str:
        """The line for services.yaml (under `services: <service>: crossing:`) that would decide it."""
        order = ("drop", "copy", "move", "ignore") if self.found_by != "dynamic" else ("ignore", "drop")
        action = next((a for a in order if a in self.possible), None)
        if action is None:
            return ""
        return crossing_item(self.identity, action)


def possible_actions(
    dependent: CatalogObject, referenced: CatalogObject, towards: str | None, found_by: FoundBy
) -> frozenset[Action]:
    """The actions that fit an edge: what can be left out, what can be duplicated, what can stay dangling."""
    fits: set[Action] = set()
    if dependent.kind in _PARTS_THAT_DROP | _WHOLES_THAT_DROP:
        fits.add("drop")
    if dependent.kind == "sequence":
        # OWNED BY a column of another service: the sequence moves, and is owned by nobody.
        fits.add("ignore")
    if found_by != "consequence":
        if dependent.kind in _REFERENCING and referenced.kind in _OF_A_REPLICA and towards is not None:
            fits.add("reference")
        if referenced.kind in SHARED_CODE:
            fits.add("copy")
        elif towards is None:
            fits.add("move")
    if found_by == "body" or (found_by == "consequence" and dependent.kind in {"function", "procedure"}):
        fits.add("ignore")
    return frozenset(fits)


IN_SHARED = "in the shared database first"
_CALLED = {"foreign-data wrapper": "FOREIGN DATA WRAPPER", "foreign server": "SERVER"}
"""Kinds that DROP calls otherwise."""


def remedy_for(
    dependent: CatalogObject, referenced: CatalogObject, columns: Sequence[str], partition: bool
) -> str:
    """What has to change in the shared database first; for edges that no action fits.

    `columns` of the dependent have a type that is of the other; `partition`: the dependent is one of it.
    """
    if columns:
        changed = ", ".join(f"ALTER COLUMN {one} TYPE jsonb USING to_jsonb({one})" for one in columns)
        return (
            f"give {', '.join(columns)} a type that is not {referenced.identity}'s, for example by"
            f" `ALTER TABLE {dependent.identity} {changed}` {IN_SHARED}"
        )
    if dependent.kind == referenced.kind == "table":
        if partition:
            return f"`ALTER TABLE {referenced.identity} DETACH PARTITION {dependent.identity}` {IN_SHARED}"
        return f"`ALTER TABLE {dependent.identity} NO INHERIT {referenced.identity}` {IN_SHARED}"
    if dependent.kind == "default" and dependent.parent is not None:
        column = sql.Identifier(dependent.name).as_string(None)
        return (
            f"`ALTER TABLE {table_of(dependent)} ALTER COLUMN {column} DROP EXPRESSION` {IN_SHARED},"
            f" which keeps its values, or let {referenced} be copied rather than dropped"
        )
    return f"`{drop_statement(dependent)}` {IN_SHARED}, or write it there without {referenced}"


def drop_statement(item: CatalogObject) -> str:
    """The statement that drops an object, or a part of one."""
    if item.parent is None or item.kind == "index":
        return f"DROP {_CALLED.get(item.kind, item.kind.upper())} {item.identity}"
    name = sql.Identifier(item.name).as_string(None)
    if item.kind in {"trigger", "rule", "policy"}:
        return f"DROP {item.kind.upper()} {name} ON {table_of(item)}"
    if item.kind == "default":
        return f"ALTER TABLE {table_of(item)} ALTER COLUMN {name} DROP DEFAULT"
    return f"ALTER TABLE {table_of(item)} DROP CONSTRAINT {name}"


def table_of(part: CatalogObject) -> str:
    """What a part is on, by the part's identity."""
    return part.identity.removesuffix(f".{display_name(part.name)}")


def decide(edge: Edge, rules: Sequence[CrossingRule]) -> Edge:
    """The edge with the action of the first rule that matches it, or with the reason why it has none."""
    rule = next((rule for rule in rules if fnmatchcase(edge.identity, rule.match)), None)
    if rule is None:
        return replace(edge, reason="no rule of services.yaml matches it")
    if rule.action in edge.possible:
        return replace(edge, action=rule.action, reason=rule.reason)
    can = ", ".join(sorted(edge.possible)) or "nothing yet"
    return replace(edge, reason=f"`{rule.action}` does not fit it (rule '{rule.match}'); possible: {can}")


def unmatched(rules: Mapping[str, Sequence[CrossingRule]], edges: Mapping[str, Sequence[Edge]]) -> list[str]:
    """Rules that match no edge, as `service: pattern`: a typing error, or a leftover."""
    return [
        f"{service}: {rule.match}"
        for service, own in rules.items()
        for rule in own
        if not any(fnmatchcase(edge.identity, rule.match) for edge in edges.get(service, ()))
    ]
