"""Row security in the shared database, as values: which tables have it, for whom, and who sees past it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from migration.catalog.identity import ObjectId

MAINTAIN_SINCE = 17
"""The version from which REFRESH MATERIALIZED VIEW, CLUSTER, REINDEX, VACUUM and ANALYZE can be granted."""


@dataclass(frozen=True, slots=True)
class SecuredTable:
    """A table with row security."""

    oid: int
    owner: str
    forced: bool
    """FORCE: its policies bind its owner too."""
    exempt: frozenset[str]
    """The roles that it hides nothing from, of the services' common role and of all owners."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy, and whom it is for."""

    id: ObjectId
    table: int
    """The OID of its table."""
    permissive: bool
    everyone: bool
    """It is for PUBLIC."""
    roles: tuple[str, ...]
    """The roles that it names; none for PUBLIC."""
    common: bool
    """One of them is the services' common role, or one whose rights it has."""
    owner: bool
    """One of them is the table's owner, or one whose rights that has."""
    using: str
    check: str

    @property
    def texts(self) -> tuple[str, ...]:
        """Its expressions."""
        return tuple(text for text in (self.using, self.check) if text)


@dataclass(frozen=True)
class RowSecurity:
    """All of it in one database."""

    tables: Mapping[int, SecuredTable] = field(default_factory=dict)
    """By OID."""
    policies: Mapping[ObjectId, Policy] = field(default_factory=dict)
    acting: Mapping[ObjectId, str] = field(default_factory=dict)
    """What reads and writes with its owner's rights (views, materialized views, SECURITY DEFINER routines,
    tables with rules), with that owner."""
