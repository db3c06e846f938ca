"""Statements that cross services at run time: which ones join or write across services' schemas.

`pg_depend` knows what is in the catalogue; what applications send is in pg_stat_statements and in the log.
A statement is fine where one service's own database will have all that it names: what the plan moves and
copies there, and what it keeps as a reference. Everything else would fail, or read an old copy, once one
of the services has moved. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Literal

from components.contract import Contract
from core.services_yaml import crossing_item
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_CLASS, Catalog, CatalogObject
from migration.parsing.statements import Named, named_in, normalized
from migration.plan.model import Plan

_RELATIONS = frozenset({"table", "view", "materialized view", "foreign table", "sequence"})
_ROUTINES = frozenset({"function", "procedure", "aggregate"})
_TYPES = frozenset({"type", "domain", *_RELATIONS})
QUERY = "query "
"""What the identity of such a statement begins with, for rules of services.yaml."""


@dataclass(frozen=True, slots=True)
class RanStatement:
    """A statement as the server noted it."""

    text: str
    role: str | None
    """None where the log does not say."""
    calls: int
    milliseconds: float = 0.0
    """All its calls together; 0 where that is not known."""
    source: Literal["pg_stat_statements", "log"] = "pg_stat_statements"


@dataclass(frozen=True, slots=True)
class CrossingQuery:
    """A statement that needs more than one service's own database would have."""

    text: str
    """On one line, with `$n` for its values."""
    role: str | None
    calls: int
    milliseconds: float
    source: str
    services: tuple[str, ...]
    """The services whose objects it names."""
    writes: tuple[str, ...]
    """Those of them that it writes to."""
    names: tuple[str, ...]
    """What it names of them."""
    dropped: tuple[str, ...] = ()
    """What it names that services.yaml drops: it would fail."""
    reason: str = ""
    """Why it may go on crossing, by a rule of services.yaml; empty: nobody has said."""

    @property
    def identity(self) -> str:
        """What a rule's `match` is held against."""
        return f"{QUERY}{self.text} -> {', '.join(self.services)}"

    @property
    def line(self) -> str:
        """The line for services.yaml (under `crossing` of one of its services) that would allow it."""
        return crossing_item(self.identity, "ignore")

    @property
    def kind(self) -> str:
        """How it crosses, in a word or two."""
        if len(self.services) < 2:
            return "uses what is dropped" if self.dropped else "foreign"
        return "writes across" if self.writes else "joins"

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "text": self.text, "role": self.role, "calls": self.calls, "kind": self.kind,
            "milliseconds": round(self.milliseconds, 3), "seen_in": self.source,
            "services": list(self.services), "writes": list(self.writes), "names": list(self.names),
            "dropped": list(self.dropped), "reason": self.reason or None,
            "line": None if self.reason else self.line,
        }  # fmt: skip


@dataclass
class Crossings:
    """Judges statements by a plan of all services."""

    contract: Contract
    plan: Plan
    """Of every service of the contract."""
    paths: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The search_path that each role begins with, where it is not the server's."""

    @cached_property
    def claims(self) -> dict[str, str]:
        """Schema to service."""
        return {service.schema_name: service.name for service in self.contract.services.values()}

    @cached_property
    def _has(self) -> dict[str, frozenset[ObjectId]]:
        """What each service's own database will have; of a replica it has some columns only."""
        tables = {table.name: (PG_CLASS, oid) for oid, table in self.plan.catalog.tables.items()}
        found = {}
        for name, own in self.plan.services.items():
            kept = {tables[replica.table] for replica in own.replicas if replica.table in tables}
            found[name] = own.objects | kept
        return found

    @cached_property
    def _dropped(self) -> frozenset[ObjectId]:
        return frozenset(item for own in self.plan.services.values() for item in own.dropped)

    def judge(self, statements: Iterable[RanStatement]) -> list[CrossingQuery]:
        """Those that cross, the most frequent first; the same text of the same role counted together."""
        found: dict[tuple[str, str | None, str], CrossingQuery] = {}
        for statement in statements:
            crossing = self._judge(statement)
            if crossing is None:
                continue
            key = (crossing.text, crossing.role, crossing.source)
            before = found.get(key)
            found[key] = (
                crossing
                if before is None
                else replace(
                    before,
                    calls=before.calls + crossing.calls,
                    milliseconds=before.milliseconds + crossing.milliseconds,
                )
            )
        return sorted(found.values(), key=lambda query: (-query.calls, query.text))

    def home_of(self, statement: RanStatement) -> str | None:
        """The service whose statement it is: the only one whose objects it names, else the role's; None where
        nothing tells."""
        if len(self.contract.services) == 1:
            return next(iter(self.contract.services))
        used = self._resolve(named_in(statement.text) or (), self._path(statement.role))
        owners = {self.claims[item.schema or ""] for item in used}
        return owners.pop() if len(owners) == 1 else self._home(statement.role)

    def path_of(self, statement: RanStatement) -> list[str]:
        """The schemas in which its unqualified names may be: its role's and its service's gateway's."""
        home = self.home_of(statement)
        own = [schema for schema, service in self.claims.items() if service == home]
        return list(dict.fromkeys([*self._path(statement.role), *own, "public"]))

    def _judge(self, statement: RanStatement) -> CrossingQuery | None:
        names = named_in(statement.text)
        if not names:
            return None
        used = self._resolve(names, self._path(statement.role))
        owners = {self.claims[item.schema or ""] for item in used}
        dropped = [item for item in used if item.id in self._dropped]
        if not owners or (not dropped and self._fits(used, statement.role)):
            return None
        text = normalized(statement.text)
        services = tuple(sorted(owners))
        written = {self.claims[item.schema or ""] for item, write in used.items() if write}
        query = CrossingQuery(
            text,
            statement.role,
            statement.calls,
            statement.milliseconds,
            statement.source,
            services,
            tuple(sorted(written)),
            tuple(sorted(str(item) for item in used)),
            tuple(sorted(str(item) for item in dropped)),
        )
        return replace(query, reason=self._reason(query))

    def _fits(self, used: Mapping[CatalogObject, bool], role: str | None) -> bool:
        """Whether one service's own database will have it all, and let it be written."""
        home = self._home(role)
        for service, objects in self._has.items():
            if home is not None and service != home:
                continue
            if all(
                item.id in objects and (not write or self.claims[item.schema or ""] == service)
                for item, write in used.items()
            ):
                return True
        return False

    def _home(self, role: str | None) -> str | None:
        """The service that a role belongs to: the only one whose schema is on its search_path."""
        homes = {self.claims[name] for name in self.paths.get(role or "", ()) if name in self.claims}
        return homes.pop() if len(homes) == 1 else None

    def _reason(self, query: CrossingQuery) -> str:
        for service in query.services:
            for rule in self.contract.services[service].crossing:
                if rule.match.startswith(QUERY) and fnmatchcase(query.identity, rule.match):
                    return rule.reason or rule.match
        return ""

    def _path(self, role: str | None) -> list[str]:
        path = self.paths.get(role or "", ("$user", "public"))
        return [role or "" if name == "$user" else name for name in path]

    def _resolve(self, names: Iterable[Named], path: Sequence[str]) -> dict[CatalogObject, bool]:
        """The services' objects that are named, and whether they are written.

        Names that the role's search_path does not find are looked for as a service's gateway would set it:
        on the first service's that has them all, else on every service's.
        """
        found: dict[CatalogObject, bool] = {}
        bare = [name for name in names if name.schema is None]
        for name in names:
            if name.schema is not None:
                self._note(found, self._named(name.schema, name), name)
        paths = [path, *([schema, "public"] for schema in self._likely(found))]
        relations = [name for name in bare if name.use == "relation"]
        chosen = next((one for one in paths if all(self._first(one, name) for name in relations)), None)
        for name in bare:
            items = self._first(chosen or path, name)
            if not items and chosen is None and name.use == "relation":
                items = [item for schema in sorted(self.claims) for item in self._named(schema, name)]
            self._note(found, items, name)
        return found

    def _likely(self, found: Mapping[CatalogObject, bool]) -> list[str]:
        """Schemas to try for unqualified names: those that the statement names anyway come first."""
        first = {item.schema or "" for item in found}
        return sorted(self.claims, key=lambda schema: (schema not in first, schema))

    def _first(self, path: Sequence[str], name: Named) -> list[CatalogObject]:
        for schema in path:
            if items := self._named(schema, name):
                return items
        return []

    def _named(self, schema: str, name: Named) -> list[CatalogObject]:
        kinds = {"relation": _RELATIONS, "routine": _ROUTINES, "type": _TYPES}[name.use]
        catalog: Catalog = self.plan.catalog
        return [item for item in catalog.by_name.get((schema, name.name), ()) if item.kind in kinds]

    def _note(self, found: dict[CatalogObject, bool], items: Iterable[CatalogObject], name: Named) -> None:
        for item in items:
            if (item.schema or "") in self.claims and item.extension is None:
                found[item] = found.get(item, False) or name.written


def of_service(queries: Iterable[CrossingQuery], service: str) -> Iterator[CrossingQuery]:
    """Those that name something of the service."""
    return (query for query in queries if service in query.services)
