"""From the differences of two schemas to the DDL that would make the target's equal to the source's.

It is for a superuser of the target to read, and then to run: first what is too much there goes, and what
belongs to somebody else becomes the owner's; then, as the owner, what is missing or other is made. What no
statement can do (the order of columns, say) is a line of comment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from psycopg import sql

from components.contract import Service
from migration.catalog.described import Described
from migration.catalog.identity import ObjectId
from migration.catalog.objects import Catalog
from migration.fidelity.alter import alter_index, alter_part, alter_relation, alter_type, create_policy
from migration.fidelity.columns import alter_column
from migration.fidelity.model import Difference
from migration.plan.model import ServicePlan
from migration.schema.grants import grant_statements
from migration.schema.script import Script

_ORDER = (
    "extension", "collation", "type", "domain", "routine", "operator", "cast", "conversion",
    "text search dictionary", "text search configuration", "sequence", "table", "foreign table", "column",
    "not-null constraint", "view", "materialized view", "index", "constraint", "statistics", "rule",
    "trigger", "policy", "comment", "privilege",
)  # fmt: skip
"""In which kinds are made; they are dropped in the opposite order."""
_ALTERED: dict[str, Callable[[Difference], Iterator[str]]] = {
    "column": alter_column,
    "table": alter_relation,
    "foreign table": alter_relation,
    "sequence": alter_relation,
    "type": alter_type,
    "domain": alter_type,
}
_BLANK = Described((0, 0), None, {})
_VIEWS = frozenset({"view", "materialized view"})


def repair(
    differences: Sequence[Difference], service: Service, plan: ServicePlan, catalog: Catalog, script: Script
) -> tuple[str, ...]:
    """The statements, in order, without semicolons at their ends; `script` is the service's part of a dump.

    Empty when there are no differences.
    """
    if not differences:
        return ()
    work = _Repair(differences, catalog, script)
    after = [*work.made(), *work.granted(service, plan)]
    role = sql.SQL("SET ROLE {}").format(sql.Identifier(service.owner)).as_string(None)
    return (*work.dropped(), *work.owned(), *((role, *after, "RESET ROLE") if after else ()))


class _Repair:
    def __init__(self, differences: Sequence[Difference], catalog: Catalog, script: Script) -> None:
        self.differences = differences
        self.catalog = catalog
        self.script = script
        places: dict[ObjectId, int] = {}
        for at, statement in enumerate(script.before):
            places.setdefault(catalog.whole(statement.object_id), at)
        self.places = places
        self.missing = {d.identity for d in differences if d.target is None and d.source and not d.source.on}
        self.extra = {d.identity for d in differences if d.source is None and d.target and not d.target.on}

    def _rank(self, difference: Difference) -> tuple[int, int, str]:
        kind = _ORDER.index(difference.kind) if difference.kind in _ORDER else len(_ORDER)
        if (
            difference.kind == "sequence"
            and difference.source
            and difference.source.properties.get("identity")
        ):
            # Its column makes it.
            kind = _ORDER.index("not-null constraint")
        if difference.kind == "index" and difference.source and difference.source.create is None:
            # Its constraint makes it.
            kind = _ORDER.index("statistics")
        return (kind, int(_is_foreign_key(difference)), difference.identity)

    def dropped(self) -> Iterator[str]:
        """What is only on the target, or has to be made again."""
        for difference in sorted(self.differences, key=_drop_rank, reverse=True):
            there = difference.target
            if there is None or there.drop is None or there.on in self.extra:
                continue
            owner = str(there.properties.get("owned by", "")).rpartition(".")[0]
            needless = difference.source is None and owner not in self.extra
            if needless or (difference.source is not None and self._again(difference)):
                yield there.drop

    def _again(self, difference: Difference) -> bool:
        """Whether it can only be dropped and made anew."""
        if difference.kind in _ALTERED or difference.kind in {"comment", "owner", "privilege"}:
            return False
        if difference.kind in _VIEWS:
            return "definition" in difference.changed
        if difference.kind == "routine" and difference.source and difference.target:
            return _header(difference.source) != _header(difference.target)
        return alter_part(difference) is None

    def owned(self) -> Iterator[str]:
        """What somebody else owns becomes the owner's."""
        for difference in self.differences:
            if difference.kind == "owner" and difference.source and difference.source.create:
                yield difference.source.create

    def made(self) -> Iterator[str]:
        """What is missing or other, in an order in which it can be made."""
        yield from self._early()
        for difference in sorted(self.differences, key=self._rank):
            if difference.source is None or difference.kind == "owner" or self._is_early(difference):
                continue
            if difference.target is None:
                if not self._comes_with_its_whole(difference):
                    yield from self._create(difference)
            elif difference.kind in _ALTERED:
                yield from _ALTERED[difference.kind](difference)
            elif self._again(difference) or difference.kind in {"comment", "privilege", "routine"}:
                yield from self._create(difference)
            elif difference.kind in _VIEWS:
                yield from alter_relation(difference)
            else:
                yield from alter_part(difference) or ()
        sequences = {
            d.source.whole for d in self.differences if d.kind == "sequence" and d.source and not d.target
        }
        for statement in self.script.before:
            if statement.kind == "SEQUENCE OWNED BY" and sequences & {*statement.depends}:
                yield statement.text.strip().rstrip(";")

    def _is_early(self, difference: Difference) -> bool:
        early = self._rank(difference)[0] < _ORDER.index("column")
        return early and (difference.target is None or self._again(difference))

    def _early(self) -> Iterator[str]:
        """Types, functions, tables, sequences need each other in every order; the dump has the right one."""
        statements: list[tuple[int, str]] = []
        for difference in self.differences:
            here = difference.source
            if here is None or not self._is_early(difference):
                continue
            if here.create is not None:
                statements.append((self.places.get(here.whole, 0), here.create.strip().rstrip(";")))
            else:
                statements += self._dumped(here.whole)
        yield from (text for _, text in sorted(statements))

    def _comes_with_its_whole(self, difference: Difference) -> bool:
        """Columns and checks are in the CREATE of a table, type or domain that is missing itself."""
        here = difference.source
        if here is None or here.on not in self.missing:
            return False
        definition = str(here.properties.get("definition", ""))
        checks = definition.startswith("CHECK") and here.properties.get("valid", True)
        return difference.kind in {"column", "not-null constraint"} or (
            difference.kind == "constraint" and bool(checks)
        )

    def _create(self, difference: Difference) -> Iterator[str]:
        here = difference.source
        if here is None:
            return
        if difference.kind == "policy":
            yield create_policy(here)
        elif here.create is not None:
            yield here.create.strip().rstrip(";")
        elif difference.kind != "index":
            yield from (text for _, text in self._dumped(here.whole))
        if difference.kind == "index":
            # What its CREATE does not say, as if it were there without.
            yield from alter_index(replace(difference, target=_BLANK))

    def _dumped(self, whole: ObjectId) -> Iterator[tuple[int, str]]:
        """The dump's statements for an object, with their places."""
        for at, statement in enumerate((*self.script.before, *self.script.after)):
            if at < len(self.script.before):
                wanted = self.catalog.whole(statement.object_id) == whole and statement.kind != "COMMENT"
            else:
                wanted = statement.kind == "ROW SECURITY" and statement.object_id[1] == whole[1]
            if wanted:
                yield at, statement.text.strip().rstrip(";")

    def granted(self, service: Service, plan: ServicePlan) -> Iterator[str]:
        """The rights on what is made anew: the owner's default privileges need not be the ones wanted."""
        made = {
            d.source.whole
            for d in self.differences
            if d.source and not d.source.on and d.kind != "comment" and (d.target is None or self._again(d))
        }
        if made:
            for grant in grant_statements(service, plan, self.catalog, only=made):
                yield grant.as_string(None)


def _drop_rank(difference: Difference) -> tuple[int, bool, str]:
    kind = _ORDER.index(difference.kind) if difference.kind in _ORDER else len(_ORDER)
    return (kind, _is_foreign_key(difference), difference.identity)


def _is_foreign_key(difference: Difference) -> bool:
    side = difference.source or difference.target
    return side is not None and str(side.properties.get("definition", "")).startswith("FOREIGN KEY")


def _header(routine: Described) -> str:
    """What CREATE OR REPLACE cannot change: names and types of arguments, and what is returned."""
    return str(routine.properties.get("definition", routine.properties)).partition("\n LANGUAGE")[0]
