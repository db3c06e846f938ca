"""The source's whole catalogue, as values: objects, what they depend on, tables, sequences, functions.

An object is known by `(classid, objid)`, as in `pg_depend` and in a dump's table of contents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from components.locale import Locale
from migration.catalog.identity import ObjectId
from migration.catalog.large_objects import StrayLargeObjects
from migration.catalog.rights_model import RowSecurity
from migration.catalog.tables import LargeObjectColumn, Sequence, Table, TableName

PG_CLASS = 1259
PG_TYPE = 1247
PG_PROC = 1255
PG_NAMESPACE = 2615
PG_CONSTRAINT = 2606
PG_EXTENSION = 3079
PG_ATTRDEF = 2604
PG_TRIGGER = 2620
PG_REWRITE = 2618
PG_POLICY = 3256
PG_LANGUAGE = 2612
PG_PUBLICATION = 6104
PG_EVENT_TRIGGER = 3466
PG_AUTHID = 1260
PG_COLLATION = 3456
"""OIDs of the system catalogues; they are fixed (PostgreSQL's src/include/catalog)."""


@dataclass(frozen=True, slots=True)
class CatalogObject:
    """Anything that `pg_depend` knows, apart from single columns and large objects."""

    id: ObjectId
    kind: str
    """As SQL calls it, in lower case: `table`, `foreign key`, `materialized view`, `function`, ..."""
    schema: str | None
    """Its schema; of a part (constraint, trigger, default), the schema of its whole."""
    name: str
    identity: str
    """What tells it apart among its kind: `schema.name`, `schema.table.part`, `schema.f(integer)`."""
    parent: ObjectId | None = None
    """The object that it is a part of, and that it moves with."""
    extension: str | None = None
    """The extension whose member it is."""
    arguments: str = ""
    """Of a routine or operator: its argument types, in parentheses, as SQL."""
    definition: str = ""
    """Its DDL or expression, where the server prints one; kept for what a move drops."""

    def __str__(self) -> str:
        return f"{self.kind} {self.identity}"


@dataclass(frozen=True, slots=True)
class Dependency:
    """One row of `pg_depend`: `dependent` needs `referenced`."""

    dependent: ObjectId
    column: int
    """The dependent column's number, 0 for the object itself."""
    referenced: ObjectId
    type: str
    """`pg_depend.deptype`."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key as declared."""

    id: ObjectId
    name: str
    table: TableName
    referenced: TableName
    definition: str
    """`pg_get_constraintdef`'s text."""
    validated: bool


@dataclass(frozen=True, slots=True)
class DroppedKey:
    """A foreign key that crossed and was dropped before a switch."""

    table: TableName
    constraint: str
    definition: str
    references: str
    """The referenced schema."""


@dataclass(frozen=True, slots=True)
class Routine:
    """A function or procedure with a body of its own (not an aggregate, not of an extension)."""

    id: ObjectId
    language: str
    body: str
    parsed: bool
    """Its body is stored parsed (`BEGIN ATOMIC`): `pg_depend` knows all that it names."""
    search_path: str | None
    """The search_path that it sets for itself."""
    trusted: bool
    """Of a trusted language: one that a role without superuser rights may create functions in."""
    leakproof: bool = False


@dataclass(frozen=True, slots=True)
class Extension:
    """An installed extension."""

    id: ObjectId
    name: str
    version: str
    schema: str
    requires: tuple[str, ...] = ()
    """Extensions that it needs."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What the services' common role may do with an object, or with one of its columns."""

    object_id: ObjectId
    column: str | None
    privileges: tuple[str, ...]
    grantable: tuple[str, ...] = ()
    """Those of them that it may grant to others, because they were granted to it so."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A publication or a subscription, and what it has."""

    kind: Literal["publication", "subscription"]
    id: ObjectId
    name: str
    all_tables: bool
    schemas: tuple[str, ...]
    """Schemas it has as a whole."""
    tables: tuple[int, ...]
    """OIDs of the tables it has one by one."""


@dataclass(frozen=True, slots=True)
class BuildNeed:
    """Something that not every server has, which an object's definition does not say."""

    object_id: ObjectId
    where: str
    """For people: `user_schema.t.a`."""
    what: Literal["collation", "locale", "compression", "xml"]
    name: str
    """Of the collation, the libc locale or the compression; of the type that is or holds xml."""


LocaleAspect = Literal["case", "class", "search", "order"]
"""What a locale decides: large and small letters; what is a letter, a digit, a space; the words of a text
search; what comes first."""


@dataclass(frozen=True, slots=True)
class LocaleUse:
    """Something that the database's locale has a say in."""

    object_id: ObjectId
    aspect: LocaleAspect | Literal["text"]
    """`text`: a column of text, with which statements may do anything."""
    what: str
    """By what: a function, `ILIKE or ~*`, a column."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An expression of a check, a stored generated column, an index, a partition key or a statistics object
    that more decides than the row."""

    object_id: ObjectId
    routines: tuple[ObjectId, ...]
    """Functions with a body of their own (of an extension, too) that it calls, directly."""
    unsteady: bool
    """The server's own part in it changes: the clock, or settings of the session."""
    clock: bool = False
    """It asks the clock, or a setting or the user of the session, by name."""
    shifting: bool = False
    """A row that it let in may fail it later, in another session, or as other rows are by then."""
    inherited: bool = False
    """It is a constraint that is there because a parent has it."""
    contained: bool = False
    """It is a domain's check, and a column holds the domain in an array, a row type or a range."""


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """Something that belongs to a schema, or to the database, and that no dump of a schema carries."""

    kind: Literal[
        "default privileges", "security label", "setting", "tablespace", "subscription",
        "right", "creation", "grantor", "membership", "attribute", "parameter", "database",
        "index", "key", "detaching", "comment", "extension rows",
    ]  # fmt: skip
    schema: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Server:
    """What the server and the database are."""

    version_number: int
    """`server_version_num`, for example 170010."""
    database: str
    encoding: str
    locale: Locale
    collation_version: str | None
    """Of the library that sorts, now; None where the locale has none."""
    text_search: str
    """default_text_search_config: what to_tsvector() of one argument means."""
    superuser: bool
    """Whether the catalogue was read by a superuser."""
    lock_slots: int = 0
    """How many locks the server has room for at once, about; 0: not known."""

    @property
    def major(self) -> int:
        """The major version, for example 17."""
        return self.version_number // 10_000


@dataclass(frozen=True, slots=True)
class NamedValue:
    """An object that a value of a reg* type names."""

    table: int
    column: str
    column_type: str
    """The reg* type, or what holds it: `regclass[]`, a composite, a domain."""
    type: str
    """The reg* type."""
    object: ObjectId
    kind: str
    """As `pg_identify_object` calls it."""
    identity: str
    ambiguous: bool
    """Its text names others, too."""


@dataclass(frozen=True)
class Catalog:
    """Everything in one database, as of one snapshot."""

    server: Server
    objects: Mapping[ObjectId, CatalogObject]
    dependencies: tuple[Dependency, ...]
    tables: Mapping[int, Table]
    """By OID; partitions are tables of their own, with `parent`."""
    sequences: Mapping[int, Sequence]
    foreign_keys: tuple[ForeignKey, ...]
    routines: Mapping[ObjectId, Routine]
    extensions: Mapping[str, Extension]
    large_object_columns: tuple[LargeObjectColumn, ...]
    stray_large_objects: StrayLargeObjects | None = None
    """Those that no column refers to."""
    grants: tuple[Grant, ...] | None = None
    """What the services' common role may do; None when that role is not known, or not there."""
    owned: frozenset[ObjectId] = frozenset()
    """Relations that role owns, and schemas that it may make things in."""
    application: str | None = None
    """That role's name; None where it is not known."""
    row_security: RowSecurity = field(default_factory=RowSecurity)
    other_roles: tuple[tuple[str, str, int, int], ...] = ()
    """Schema, role, number of objects, and of those with a grant option: further roles that were granted
    something."""
    superuser_only: Mapping[ObjectId, str] = field(default_factory=dict)
    """Objects that only a superuser can make though others of their kind need none, with the reason."""
    unpopulated: frozenset[int] = frozenset()
    """OIDs of materialized views that hold nothing."""
    application_path: tuple[str, ...] = ()
    """The search_path that the services' common role begins with, where it or the database sets one."""
    judged: Mapping[ObjectId, Judged] = field(default_factory=dict)
    """Expressions that more decides than the row."""
    build_needs: tuple[BuildNeed, ...] = ()
    """What types and columns need of a server's build and machine."""
    locale_uses: tuple[LocaleUse, ...] = ()
    """Where no COLLATE says otherwise, the bodies of functions left out."""
    inherited: Mapping[int, str] = field(default_factory=dict)
    """By OIDs of tables that inherit: DDL for columns that neither INHERITS nor a dump makes as they are."""
    generated_apart: tuple[tuple[int, str, str, str], ...] = ()
    """Generated columns where a parent has a plain one: OID of the table, column, parent, DDL to mend it."""
    comments: Mapping[ObjectId, str] = field(default_factory=dict)
    """DDL for comments that no dump brings."""
    streams: tuple[Stream, ...] = ()
    """Publications and subscriptions, this program's own left out."""
    left_behind: tuple[LeftBehind, ...] = ()
    """What is named in the plan because it does not move."""
    columns_read: Mapping[tuple[ObjectId, int], frozenset[str]] = field(default_factory=dict)
    """By a view or a policy and the OID of a table: the table's columns that it reads."""
    named_values: tuple[NamedValue, ...] = ()
    """Of columns of reg* types, or that hold some: what another database may not have, or not find."""
    named_unread: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """By OID of a table: such columns whose values were not read, for want of time."""
    column_orders: Mapping[int, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    """By OID of a table that inherits: its columns in order, where INHERITS gives another, and as that."""
    replica_mode: tuple[tuple[str, str], ...] = ()
    """Where sessions of the services' common role begin in replica mode: in words, and what ends it."""
    dropped_keys: tuple[DroppedKey, ...] = ()
    """Foreign keys between services that were dropped already, because one of them has moved."""

    @cached_property
    def outgoing(self) -> Mapping[ObjectId, tuple[Dependency, ...]]:
        """Dependencies by dependent object."""
        found: defaultdict[ObjectId, list[Dependency]] = defaultdict(list)
        for dependency in self.dependencies:
            found[dependency.dependent].append(dependency)
        return {key: tuple(value) for key, value in found.items()}

    @cached_property
    def parts(self) -> Mapping[ObjectId, tuple[ObjectId, ...]]:
        """The parts of each object (constraints, triggers, indexes, row types, ...), not recursive."""
        found: defaultdict[ObjectId, list[ObjectId]] = defaultdict(list)
        for item in self.objects.values():
            if item.parent is not None:
                found[item.parent].append(item.id)
        return {key: tuple(value) for key, value in found.items()}

    @cached_property
    def by_name(self) -> Mapping[tuple[str, str], tuple[CatalogObject, ...]]:
        """Objects of their own (not parts) by schema and name: relations, types, functions, ..."""
        found: defaultdict[tuple[str, str], list[CatalogObject]] = defaultdict(list)
        for item in self.objects.values():
            if item.parent is None and item.schema is not None:
                found[item.schema, item.name].append(item)
        return {key: tuple(value) for key, value in found.items()}

    @cached_property
    def by_schema(self) -> Mapping[str | None, tuple[CatalogObject, ...]]:
        """Objects of their own, extensions' members left out, by schema (None: those that have none)."""
        found: defaultdict[str | None, list[CatalogObject]] = defaultdict(list)
        for item in self.objects.values():
            if item.parent is None and item.extension is None:
                found[item.schema].append(item)
        return {key: tuple(value) for key, value in found.items()}

    def with_required(self, extensions: Iterable[str]) -> tuple[Extension, ...]:
        """The extensions and all that they need, each after those that it needs, else by name."""
        found: dict[str, Extension] = {}

        def add(name: str) -> None:
            if name not in found:
                for required in self.extensions[name].requires:
                    add(required)
                found[name] = self.extensions[name]

        for name in sorted(extensions):
            add(name)
        return tuple(found.values())

    @cached_property
    def schemas(self) -> frozenset[str]:
        """Names of all schemas but the server's own."""
        return frozenset(item.name for item in self.objects.values() if item.id[0] == PG_NAMESPACE)

    def whole(self, object_id: ObjectId) -> ObjectId:
        """The object that this one is, directly or not, a part of; itself if of none."""
        seen = object_id
        while (item := self.objects.get(seen)) is not None and item.parent is not None:
            seen = item.parent
        return seen
