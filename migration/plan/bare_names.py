"""What functions name without a schema, and the statement that gives them a search_path. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg import sql

from migration.catalog.identity import ObjectId
from migration.catalog.objects import PG_CLASS, PG_PROC, PG_TYPE, Catalog, CatalogObject
from migration.catalog.tables import search_path_entries
from migration.parsing.names import NameUse, names_in
from migration.plan.model import Problem


class BareNames:
    """Finds out what functions name without a schema, they themselves or what they call."""

    def __init__(self, catalog: Catalog, path: Sequence[str], service: str | None) -> None:
        self.catalog = catalog
        self.service = service
        self.path = tuple(path)
        self._found: dict[ObjectId, str | None] = {}

    def no_go(
        self, user: CatalogObject | None, routine: ObjectId, why: str, said: str | None = None
    ) -> Iterator[Problem]:
        """The problem of a function, called by `user`, that names something without a schema (or `said`)."""
        name = self.bare(routine)
        if name is None and said is None:
            return
        function = self.catalog.objects[routine]
        uses = f"{user} calls {function}, which" if user is not None else str(function)
        called = sql.Identifier(function.schema or "", function.name).as_string(None) + function.arguments
        path = ", ".join(sql.Identifier(part).as_string(None) for part in self.path)
        yield Problem(
            self.service,
            "data",
            "no-go",
            f"{uses} {said or f'names {name} without a schema'}: {why}; in the shared"
            f" database first: ALTER FUNCTION {called} SET search_path = {path}",
        )

    def bare(self, routine: ObjectId) -> str | None:
        """Such a name, that means something on the path; None where there is none."""
        if routine not in self._found:
            self._found[routine] = None
            self._found[routine] = self._look(routine)
        return self._found[routine]

    def is_planned(self, routine: ObjectId) -> bool:
        """Whether the server puts its body in the place of its call, and the body reads a relation."""
        known = self.catalog.routines.get(routine)
        if known is None or known.language != "sql" or known.parsed or known.search_path is not None:
            return False
        return any(use.use == "relation" for use in self._uses(routine))

    def named(self, routine: ObjectId) -> list[CatalogObject]:
        """What the function itself names, as far as its body says; nothing for one without a known body."""
        known = self.catalog.routines.get(routine)
        if known is None:
            return []
        path = search_path_entries(known.search_path or "") or self.path
        return [
            item
            for use in sorted(self._uses(routine), key=lambda use: (use.schema or "", use.name))
            for schema in ([use.schema] if use.schema is not None else path)
            for item in self._means(schema, use)
        ]

    def tables(self, routine: ObjectId) -> list[CatalogObject]:
        """The tables that the function itself names."""
        return [item for item in self.named(routine) if item.kind == "table"]

    def named_beyond(self, routine: ObjectId, beyond: Sequence[str]) -> str | None:
        """A name without a schema that means something in other schemas, and nothing on the path."""
        known = self.catalog.routines.get(routine)
        if known is None or known.parsed or known.search_path is not None:
            return None
        bare = sorted(
            (use for use in self._uses(routine) if use.schema is None),
            key=lambda use: (use.schema or "", use.name),
        )
        for use in bare:
            elsewhere = any(self._means(one, use) for one in beyond)
            if elsewhere and not any(self._means(one, use) for one in self.path):
                return use.name
        return None

    def _look(self, routine: ObjectId) -> str | None:
        known = self.catalog.routines.get(routine)
        if known is None or known.search_path is not None:
            return None
        called = [d.referenced for d in self.catalog.outgoing.get(routine, ()) if d.referenced[0] == PG_PROC]
        if not known.parsed:
            for use in sorted(self._uses(routine), key=lambda use: (use.schema or "", use.name)):
                if use.schema is None and any(self._means(schema, use) for schema in self.path):
                    return use.name
                if use.schema is not None and use.use in {"routine", "any"}:
                    called += [item.id for item in self._means(use.schema, use) if item.id[0] == PG_PROC]
        return next((name for one in called if (name := self.bare(one)) is not None), None)

    def _uses(self, routine: ObjectId) -> frozenset[NameUse]:
        known, item = self.catalog.routines[routine], self.catalog.objects[routine]
        return names_in(known.language, known.body, item.definition)

    def _means(self, schema: str, use: NameUse) -> list[CatalogObject]:
        found = self.catalog.by_name.get((schema, use.name), ())
        kinds = {"relation": {PG_CLASS}, "routine": {PG_PROC}, "type": {PG_TYPE, PG_CLASS}}
        return [item for item in found if item.id[0] in kinds.get(use.use, {item.id[0]})]
