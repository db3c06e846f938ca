"""What a move will do, as a value: per service its tables, objects, edges, problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from components.locale import Locale
from core.errors import (
    BoundaryUndecided,
    MigrationError,
    RenameRefused,
    RightsUndecided,
    SchemaMissing,
    SourceSettings,
    TargetLacks,
    VersionUnsupported,
)
from core.services_yaml import in_words
from migration.boundary.edges import Edge
from migration.boundary.replicas import Replica
from migration.catalog.identity import ObjectId
from migration.catalog.objects import Catalog, Extension, LocaleAspect
from migration.catalog.tables import LargeObjectColumn, Sequence, SequenceName, Table, TableName

Severity = Literal["no-go", "note"]
ProblemKind = Literal[
    "boundary", "schema", "version", "extension", "encoding", "locale", "build", "privilege", "data",
    "setting", "rename", "rights",
]  # fmt: skip

PROBLEM_ERRORS: Mapping[ProblemKind, type[MigrationError]] = {
    "boundary": BoundaryUndecided,
    "schema": SchemaMissing,
    "rename": RenameRefused,
    "version": VersionUnsupported,
    "extension": TargetLacks,
    "encoding": TargetLacks,
    "locale": TargetLacks,
    "build": TargetLacks,
    "rights": RightsUndecided,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a person has to decide (`no-go`) or should know (`note`) before the move."""

    service: str | None
    kind: ProblemKind
    severity: Severity
    text: str
    """What was found, where, and what to do, on one line."""
    line: str = ""
    """What in services.yaml would settle it, where something would: `services: <service>: <key>: <YAML>`."""
    online: bool = False
    """A note that forbids a move while the service is written to (`Plan.online`)."""


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What matters of a service's own database."""

    version_number: int
    encoding: str
    locale: Locale
    available: Mapping[str, bool]
    """Extensions whose files the server has: whether a role without superuser rights may create it."""
    installed: Mapping[str, str]
    """Extensions that are there, with their schema."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """The version of each extension: the installed one, else the one that CREATE EXTENSION gives."""
    collations: frozenset[str] = frozenset()
    """Names of the collations in the server's own schema; empty: not known."""
    locales: frozenset[str] = frozenset()
    """Locales of the C library that the server's collations name; empty: not known."""
    compressions: frozenset[str] = frozenset()
    """What columns may be compressed with by the server's build; empty: not known."""
    icu: bool = True
    """Whether the server is built with ICU."""
    xml: bool = True
    """Whether the server is built with libxml."""
    collation_version: str | None = None
    """As `Server.collation_version`."""
    text_search: str = "pg_catalog.english"
    """As `Server.text_search`."""
    lacks_locale: str = ""
    """Why the server cannot have the shared database's locale, in its words; empty: it can, or not known."""
    alike: frozenset[LocaleAspect] | None = None
    """In what its locale does the same as the shared database's, by every character; None: not compared."""
    bypassing: frozenset[str] | None = None
    """Its roles that policies of row security never bind; None: not known."""

    @property
    def major(self) -> int:
        """The major version."""
        return self.version_number // 10_000


@dataclass(frozen=True)
class ServicePlan:
    """What one service's move does."""

    service: str
    schema: str
    schemas: tuple[str, ...]
    """Schemas to have on the target: its own first, then those of shared objects."""
    tables: tuple[Table, ...]
    """Tables with rows to move (partitions, not their parents; no foreign tables), largest first."""
    relations: tuple[Table, ...]
    """All tables, partitioned parents and foreign tables included, by name."""
    sequences: tuple[Sequence, ...]
    materialized_views: tuple[TableName, ...]
    """In the order in which to refresh them; without those that are empty on the source."""
    large_object_columns: tuple[LargeObjectColumn, ...]
    objects: frozenset[ObjectId]
    """Everything to recreate, by `(classid, objid)`, parts included."""
    dropped: frozenset[ObjectId]
    """What is left out by a rule, parts included."""
    extensions: tuple[Extension, ...]
    """Extensions that the objects need, with version and schema on the source."""
    edges: tuple[Edge, ...]
    problems: tuple[Problem, ...]
    unproven_keys: frozenset[ObjectId] = frozenset()
    """Foreign keys that the plan had no time to look for orphans of."""
    replicas: tuple[Replica, ...] = ()
    """Columns of other services to be kept, read-only, in the service's own database."""

    @property
    def bytes(self) -> int:
        """Heap and TOAST of all tables, in bytes."""
        return sum(table.bytes for table in self.tables)

    @property
    def estimated_rows(self) -> int:
        """The planner's estimate over all tables."""
        return sum(table.estimated_rows for table in self.tables)

    @property
    def dropped_keys(self) -> tuple[Edge, ...]:
        """Foreign keys that crossed and are dropped, with their definition."""
        return tuple(edge for edge in self.edges if edge.kind == "foreign key" and edge.leaves_out)


@dataclass(frozen=True)
class Plan:
    """What the moves of several services do together."""

    services: Mapping[str, ServicePlan]
    """Largest first."""
    catalog: Catalog
    problems: tuple[Problem, ...]
    """Those of no single service."""
    alongside: tuple[str, ...] = field(default=(), kw_only=True)
    """What in services.yaml would let a schema of nobody's go along with a service, as a `Problem.line`."""
    unclaimed: tuple[str, ...]
    """Schemas and objects that no service claims and none needs; they stay where they are."""

    @property
    def all_problems(self) -> tuple[Problem, ...]:
        """The plan's own and every service's, no-gos first."""
        own = [*self.problems, *(p for service in self.services.values() for p in service.problems)]
        return tuple(sorted(own, key=lambda problem: problem.severity != "no-go"))

    @property
    def no_go(self) -> tuple[Problem, ...]:
        """What forbids the move."""
        return tuple(problem for problem in self.all_problems if problem.severity == "no-go")

    def online(self) -> Plan:
        """The plan of a move while services are written to: what only that cannot do is a no-go."""
        services = {
            name: replace(own, problems=tuple(map(_as_no_go, own.problems)))
            for name, own in self.services.items()
        }
        return replace(self, services=services, problems=tuple(map(_as_no_go, self.problems)))

    def sequence_names(self) -> tuple[SequenceName, ...]:
        """All sequences that move."""
        return tuple(s.name for service in self.services.values() for s in service.sequences)

    def check(self) -> None:
        """Raises the error of the first no-go: BoundaryUndecided, SchemaMissing, VersionUnsupported, ..."""
        if not self.no_go:
            return
        first = self.no_go[0]
        more = len(self.no_go) - 1
        others = f" (and {more} more: see `plan`)" if more else ""
        line = f"; {in_words(first.line)}" if first.line else ""
        raise PROBLEM_ERRORS.get(first.kind, SourceSettings)(f"{first.text}{line}{others}")


def _as_no_go(problem: Problem) -> Problem:
    return replace(problem, severity="no-go") if problem.online else problem
