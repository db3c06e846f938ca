"""What each service needs: the objects of its schema, shared code, extensions; and every edge that crosses.

Shared code (functions, types, operators, ...) of a schema that no service claims is copied into every
service that needs it, by `pg_depend` or by a body's text. What is in `public` and stands on its own feet is
copied too, needed by an object or not: `public` is on everybody's search_path, and statements of the
application are not in the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property

from components.contract import CrossingRule
from migration.boundary.archives import archived_schemas
from migration.boundary.edges import SHARED_CODE, Action, Edge, FoundBy, decide, possible_actions, remedy_for
from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_CLASS, PG_PROC, PG_REWRITE, PG_TYPE, Catalog, CatalogObject
from migration.catalog.tables import display_name
from migration.parsing.dynamic import dynamic_statements
from migration.parsing.names import NameUse, names_in

_RELATIONS = frozenset({"table", "view", "materialized view", "sequence", "foreign table"})
_SERVERS = frozenset({"foreign server", "foreign-data wrapper", "access method", "language"})
_ROUTINES = frozenset({"function", "procedure", "aggregate"})
_WITH_INDEX = frozenset({"primary key", "unique constraint", "exclusion constraint"})
STATEMENT = "statement -> "
"""What a rule's `match` begins with that has something go along which only statements of the service name."""
DYNAMIC = "dynamic SQL"
"""What an edge of a function that runs unknown texts leads to, in its identity."""


@dataclass(frozen=True)
class Closure:
    """What moves for one service."""

    service: str
    objects: frozenset[ObjectId]
    """All that is recreated on the target, parts included, extensions' members not."""
    dropped: frozenset[ObjectId]
    """Own objects (and parts) that are left out, by the rules of services.yaml."""
    edges: tuple[Edge, ...]
    extensions: frozenset[str]
    """Extensions that any of the objects needs."""
    companions: frozenset[ObjectId] = frozenset()
    """Those of the objects that nothing needs: code of `public` that statements might."""


@dataclass
class _Walk:
    """One pass over what is reachable, given what is dropped so far."""

    seen: set[ObjectId] = field(default_factory=set)
    edges: dict[tuple[ObjectId, ObjectId], Edge] = field(default_factory=dict)
    extensions: set[str] = field(default_factory=set)
    companions: set[ObjectId] = field(default_factory=set)


class ServiceClosure:
    """Works out the closure of one service."""

    def __init__(
        self, catalog: Catalog, claims: Mapping[str, str], service: str, rules: Sequence[CrossingRule]
    ) -> None:
        """`claims` maps schema to service, for all services of the stack; `rules` are this service's."""
        self.catalog = catalog
        self._archives = archived_schemas(catalog.schemas, claims)
        # What a finished service left behind is that service's still: the rules about it go on.
        self.claims = {**claims, **{now: claims[once] for now, once in self._archives.items()}}
        self.service = service
        self.rules = rules
        self.schema = next(schema for schema, owner in claims.items() if owner == service)
        self._declared_keys = {key.id for key in catalog.foreign_keys}
        self._body_references: dict[ObjectId, tuple[ObjectId, ...]] = {}
        self._dynamic: dict[ObjectId, str] = {}

    def compute(self) -> Closure:
        """The closure; undecided edges keep their object in it."""
        dropped: set[ObjectId] = set()
        decided: dict[tuple[ObjectId, ObjectId], Edge] = {}
        while True:
            walk = self._walk(dropped)
            # Only grows: what a drop leaves without its footing is found in the next pass.
            more = {edge.dependent for edge in walk.edges.values() if edge.leaves_out} - dropped
            if not more:
                break
            dropped |= more
            decided |= {key: edge for key, edge in walk.edges.items() if edge.leaves_out}
        edges = decided | walk.edges
        gone = {part for item in dropped for part in self.with_parts(item)}
        objects = {part for item in walk.seen for part in self.with_parts(item)} - gone
        return Closure(
            self.service,
            frozenset(objects),
            frozenset(gone),
            tuple(sorted(edges.values(), key=lambda edge: edge.identity)),
            frozenset(walk.extensions),
            frozenset(part for item in walk.companions for part in self.with_parts(item)) - gone,
        )

    def _walk(self, dropped: set[ObjectId]) -> _Walk:
        walk = _Walk()
        roots = [item.id for item in self.catalog.by_schema.get(self.schema, ())]
        self._visit(walk, [*roots, *self._asked], dropped)
        needed = set(walk.seen)
        self._add_companions(walk, dropped)
        walk.companions = walk.seen - needed
        return walk

    @cached_property
    def _asked(self) -> frozenset[ObjectId]:
        """What nobody's objects need and a rule has go along, for the statements of the service."""
        patterns = [
            rule.match.removeprefix(STATEMENT)
            for rule in self.rules
            if rule.match.startswith(STATEMENT) and rule.action in {"copy", "move"}
        ]
        return frozenset(
            item.id
            for schema, items in (self.catalog.by_schema.items() if patterns else ())
            if schema is not None and schema not in self.claims
            for item in items
            if any(fnmatchcase(str(item), pattern) for pattern in patterns)
        )

    def _visit(self, walk: _Walk, roots: Sequence[ObjectId], dropped: set[ObjectId]) -> None:
        queue = list(roots)
        while queue:
            whole = queue.pop()
            if whole in walk.seen or whole in dropped:
                continue
            walk.seen.add(whole)
            for unit in self.with_parts(whole):
                if unit in dropped or self.is_inherited_key(unit) or self._comes_with_parent(unit, whole):
                    continue
                for reference, found_by in self.references(unit, whole):
                    queue.extend(self._follow(walk, unit, reference, found_by, dropped))
                self._note_dynamic(walk, unit)

    def _follow(
        self, walk: _Walk, unit: ObjectId, reference: ObjectId, found_by: FoundBy, dropped: set[ObjectId]
    ) -> Sequence[ObjectId]:
        """Notes what a reference means; returns what has to be visited because of it."""
        referenced = self.catalog.objects[reference]
        extension = referenced.name if referenced.kind == "extension" else referenced.extension
        if extension is not None:
            walk.extensions.add(extension)
            return ()
        if reference in dropped:
            self._note(walk, unit, reference, "consequence")
            return ()
        if referenced.schema == self.schema or referenced.schema is None:
            return (reference,) if referenced.kind in _SERVERS else ()
        towards = self.claims.get(referenced.schema)
        if towards is None and (referenced.kind in SHARED_CODE or reference in self._asked):
            return (reference,)
        edge = self._note(walk, unit, reference, found_by)
        # What a `reference` brings is found together with its replicas (`migration.plan.replica_types`).
        return (reference,) if edge.action in {"copy", "move"} else ()

    def _note(self, walk: _Walk, unit: ObjectId, reference: ObjectId, found_by: FoundBy) -> Edge:
        dependent = self._joined(self.shown(unit), reference)
        key = (dependent.id, reference)
        if key in walk.edges:
            return walk.edges[key]
        referenced = self.catalog.objects[reference]
        towards = self.claims.get(referenced.schema or "")
        whole = self.catalog.whole(dependent.id)
        table = self.catalog.tables.get(whole[1]) if whole[0] == PG_CLASS else None
        edge = Edge(
            service=self.service,
            kind=dependent.kind,
            identity=f"{dependent} -> {self._once(referenced)}",
            dependent=dependent.id,
            referenced=reference,
            towards=None if towards == self.service else towards,
            found_by=found_by,
            definition=dependent.definition,
            possible=self._possible(dependent, referenced, towards, found_by),
            table=table.name if table is not None else None,
            remedy=self.remedy(dependent, referenced),
        )
        walk.edges[key] = decide(edge, self.rules)
        return walk.edges[key]

    def _joined(self, item: CatalogObject, reference: ObjectId) -> CatalogObject:
        """The table instead of its part, where it is a child or partition of what the part needs: what the
        part has from there is settled with the table."""
        whole = self.catalog.whole(item.id)
        return self.catalog.objects[whole] if reference in self._parents(whole) else item

    def _parents(self, whole: ObjectId) -> set[ObjectId]:
        """The tables that a table is a child or partition of."""
        if self.catalog.objects[whole].kind != "table":
            return set()
        needs = (d.referenced for d in self.catalog.outgoing.get(whole, ()) if d.column == 0)
        return {one for one in needs if self.catalog.objects[one].kind == "table"}

    def _comes_with_parent(self, unit: ObjectId, whole: ObjectId) -> bool:
        """A partition's index, key or trigger that is its parent's: it goes with that, and needs what that
        needs."""
        if unit == whole:
            return False
        needs = (d.referenced for d in self.catalog.outgoing.get(unit, ()))
        wholes = {self.catalog.whole(one) for one in needs if one != self.catalog.whole(one)}
        return not self._parents(whole).isdisjoint(wholes)

    def _once(self, item: CatalogObject) -> str:
        """The object's identity as it was before its service was finished."""
        once = self._archives.get(item.schema or "")
        if once is None:
            return item.identity
        return display_name(once) + item.identity.removeprefix(display_name(item.schema or ""))

    def _possible(
        self, dependent: CatalogObject, referenced: CatalogObject, towards: str | None, found_by: FoundBy
    ) -> frozenset[Action]:
        fits = possible_actions(dependent, referenced, towards, found_by)
        if dependent.kind == "default" and dependent.parent is not None:
            table = self.catalog.tables.get(dependent.parent[1])
            generated = {column.name for column in table.columns if column.generated} if table else set()
            if dependent.name in generated:
                # Without its expression a generated column would be an ordinary, empty one.
                return fits - {"drop"}
        return fits

    def remedy(self, dependent: CatalogObject, referenced: CatalogObject) -> str:
        """What to do in the shared database about an edge that no action fits."""
        table = self.catalog.tables.get(dependent.id[1]) if dependent.kind == "table" else None
        partition = table is not None and table.parent is not None
        columns = [
            column.identifier().as_string(None)
            for column in (table.columns if table is not None else ())
            if (PG_TYPE, column.type_oid) in self.catalog.objects
            and self.catalog.whole((PG_TYPE, column.type_oid)) == referenced.id
        ]
        return remedy_for(dependent, referenced, columns, partition)

    def _note_dynamic(self, walk: _Walk, unit: ObjectId) -> None:
        """An edge for a function that runs texts which cannot be known."""
        routine = self.catalog.routines.get(unit)
        if routine is None or (unit, unit) in walk.edges:
            return
        if unit not in self._dynamic:
            definition = self.catalog.objects[unit].definition
            statements = dynamic_statements(routine.language, routine.body, definition)
            unknown = list(dict.fromkeys(one.expression for one in statements if one.text is None))
            self._dynamic[unit] = "; ".join(unknown[:3]) + ("; ..." if len(unknown) > 3 else "")
        if not self._dynamic[unit]:
            return
        item = self.catalog.objects[unit]
        edge = Edge(
            service=self.service,
            kind=item.kind,
            identity=f"{item} -> {DYNAMIC}",
            dependent=unit,
            referenced=unit,
            towards=None,
            found_by="dynamic",
            definition=item.definition,
            possible=frozenset({"ignore", "drop"}),
            remedy=f"it runs {self._dynamic[unit]}",
        )
        walk.edges[unit, unit] = decide(edge, self.rules)

    def shown(self, unit: ObjectId) -> CatalogObject:
        """The object that a person knows: the view instead of its rule, the type instead of its array."""
        item = self.catalog.objects[unit]
        if item.id[0] == PG_PROC and item.parent is not None:
            return self.shown(item.parent)  # a constructor of a range type
        if item.kind == "index" and (made_by := self._same_name(item, _WITH_INDEX)):
            return self.catalog.objects[made_by[0]]
        while item.parent is not None and (
            (item.id[0] in {PG_TYPE, PG_CLASS} and item.kind != "index")
            or (item.id[0] == PG_REWRITE and item.name == "_RETURN")
        ):
            item = self.catalog.objects[item.parent]
        return item

    def is_inherited_key(self, unit: ObjectId) -> bool:
        """A foreign key that a partition has from its parent: it goes with the parent's."""
        return self.catalog.objects[unit].kind == "foreign key" and unit not in self._declared_keys

    def with_parts(self, item: ObjectId) -> Iterator[ObjectId]:
        """The object, and all its parts down to the last."""
        stack = [item]
        while stack:
            current = stack.pop()
            yield current
            stack.extend(self.catalog.parts.get(current, ()))
            if self.catalog.objects[current].kind in _WITH_INDEX:
                stack.extend(self._same_name(self.catalog.objects[current], frozenset({"index"})))

    def _same_name(self, item: CatalogObject, kinds: frozenset[str]) -> list[ObjectId]:
        """Parts of the same table with the same name: a constraint's index, an index's constraint."""
        siblings = self.catalog.parts.get(item.parent, ()) if item.parent is not None else ()
        found = (self.catalog.objects[sibling] for sibling in siblings)
        return [other.id for other in found if other.name == item.name and other.kind in kinds]

    def references(self, unit: ObjectId, whole: ObjectId) -> Iterator[tuple[ObjectId, FoundBy]]:
        """Wholes (other than its own) that a unit needs, each once."""
        given = set()
        for dependency in self.catalog.outgoing.get(unit, ()):
            reference = self.catalog.whole(dependency.referenced)
            if reference != whole and reference not in given:
                given.add(reference)
                yield reference, "catalogue"
        for reference in self._from_body(unit):
            if reference != whole and reference not in given:
                given.add(reference)
                yield reference, "body"

    def _from_body(self, unit: ObjectId) -> tuple[ObjectId, ...]:
        routine = self.catalog.routines.get(unit)
        if routine is None or routine.parsed:
            return ()
        if unit not in self._body_references:
            item = self.catalog.objects[unit]
            path = _search_path(routine.search_path, item.schema or "public")
            uses = names_in(routine.language, routine.body, item.definition)
            found = {target for use in uses for target in self._resolve(use, path)}
            self._body_references[unit] = tuple(sorted(found))
        return self._body_references[unit]

    def _resolve(self, use: NameUse, path: Sequence[str]) -> Sequence[ObjectId]:
        """The objects that a name means; an unqualified relation is also looked for off the path, because
        the search_path of the role that calls is not known here."""
        if use.schema is not None:
            return [item.id for item in self._named(use.schema, use)]
        for schema in path:
            if found := self._named(schema, use):
                return [item.id for item in found]
        if use.use != "relation":
            return ()
        return [item.id for schema in sorted(self.claims) for item in self._named(schema, use)]

    def _named(self, schema: str, use: NameUse) -> list[CatalogObject]:
        found = self.catalog.by_name.get((schema, use.name), ())
        if not found and schema not in self.catalog.schemas:
            archives = sorted(now for now, once in self._archives.items() if once == schema)
            found = self.catalog.by_name.get((archives[-1], use.name), ()) if archives else ()
        if use.use == "relation":
            return [item for item in found if item.kind in _RELATIONS]
        if use.use == "routine":
            return [item for item in found if item.kind in _ROUTINES]
        return list(found)

    def _add_companions(self, walk: _Walk, dropped: set[ObjectId]) -> None:
        """Code of `public` that needs nothing of others, and casts and transforms over what moves."""
        shared = () if "public" in self.claims else self.catalog.by_schema.get("public", ())
        for item in shared:
            if self._stands_alone(item):
                trial = _Walk(set(walk.seen))
                self._visit(trial, [item.id], dropped)
                # What a text may reach that nobody knows is no reason to keep it from a service.
                if all(edge.found_by == "dynamic" for edge in trial.edges.values()):
                    walk.seen |= trial.seen
                    walk.extensions |= trial.extensions
        walk.seen |= self.casts_over(walk.seen)

    def casts_over(self, objects: Set[ObjectId]) -> set[ObjectId]:
        """Casts and transforms that need nothing but these objects, and what extensions have."""
        found = set()
        for item in self.catalog.by_schema.get(None, ()):
            if item.kind in {"cast", "transform"}:
                needed = {self.catalog.whole(d.referenced) for d in self.catalog.outgoing.get(item.id, ())}
                ours = {n for n in needed if self.catalog.objects[n].extension is None}
                if ours and ours <= objects:
                    found.add(item.id)
        return found

    def _stands_alone(self, item: CatalogObject) -> bool:
        routine = self.catalog.routines.get(item.id)
        return item.kind in SHARED_CODE and (routine is None or routine.trusted)


def _search_path(setting: str | None, own_schema: str) -> list[str]:
    """The schemas in which an unqualified name of a body is looked for."""
    if setting is None:
        return [own_schema, "public"]
    names = [part.strip().strip('"') for part in setting.split(",")]
    return [name for name in names if name and name not in {"pg_catalog", "pg_temp"}]
