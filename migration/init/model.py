"""What `init` saw in the shared database, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from components.locale import Locale, Provider
from migration.catalog.objects import Catalog

_PROVIDERS: Mapping[str, Provider] = {"c": "libc", "b": "builtin", "i": "icu"}


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The shared server, and the role that looked."""

    version_number: int
    standby: bool
    encoding: str
    provider: str
    """`c`, `i` or `b`: libc, ICU, builtin (`pg_database.datlocprovider`)."""
    collate: str
    ctype: str
    locale: str | None
    """ICU's or the builtin provider's."""
    rules: str | None
    """ICU's."""
    role: str
    superuser: bool
    may_replicate: bool
    may_make_roles: bool
    counted_since: datetime | None
    """Since when tables' statistics count; None: never reset."""

    @property
    def major(self) -> int:
        """The major version, for example 17."""
        return self.version_number // 10_000

    def database_locale(self) -> Locale | None:
        """The database's locale as the catalogue says it; None where it cannot."""
        try:
            return Locale(
                provider=_PROVIDERS[self.provider],
                name=self.locale if self.provider != "c" else None,
                collate=self.collate,
                ctype=self.ctype,
                rules=self.rules,
            )
        except (KeyError, ValidationError):
            return None


@dataclass(frozen=True, slots=True)
class SchemaFacts:
    """A schema, what is in it that no extension made, and what was done to its tables so far."""

    name: str
    owner: str
    of_extension: bool
    """An extension made the schema itself."""
    tables: int
    """Partitions are not counted."""
    others: int
    """Views and routines."""
    names: Sequence[str]
    """Of the tables."""
    bytes: int
    """Of all tables with their indexes."""
    inserted: int
    updated: int
    deleted: int
    rows: int
    """Alive now, about."""
    scans: int
    """Sequential ones."""
    scanned: int
    """Rows that these read."""
    lookups: int
    """By an index."""

    @property
    def written(self) -> int:
        """Rows inserted, updated and deleted."""
        return self.inserted + self.updated + self.deleted

    @property
    def reads(self) -> int:
        """Scans of either kind."""
        return self.scans + self.lookups


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """A role that logs in and is no superuser."""

    name: str
    connection_limit: int
    """-1: none."""
    tables: int
    """Tables that it owns or may insert into."""
    sessions: int
    """Open now."""


@dataclass(frozen=True, slots=True)
class StatementFacts:
    """Statements that name a schema, by pg_stat_statements."""

    calls: int
    mean_ms: float
    reading: int
    """Calls that only read."""


@dataclass(frozen=True)
class Survey:
    """All that was read."""

    server: ServerFacts
    settings: Mapping[str, str]
    """Of `migration.init.survey.SETTINGS`; times in milliseconds."""
    free: Mapping[str, int]
    """Slots, senders and logical workers that nobody uses."""
    schemas: tuple[SchemaFacts, ...]
    roles: tuple[RoleFacts, ...]
    sessions: Mapping[tuple[str, str], int]
    """Open now, by role and application name."""
    statements: Mapping[str, StatementFacts]
    """By schema; empty where pg_stat_statements is not to be had."""
    counts_statements: bool
    """Whether pg_stat_statements is loaded and made."""
    loads_statements: bool
    """Whether the server has loaded it."""
    called: frozenset[str] | None
    """Names that applications' statements call; None: not known."""
    callable: Mapping[str, frozenset[str]]
    """By extension of `public`, the names of its functions."""
    admitting_lines: int | None
    """Lines of pg_hba.conf that would let a role of the move in; None: not to be seen."""
    encrypted: bool
    """Whether this session was."""
    catalog: Catalog
