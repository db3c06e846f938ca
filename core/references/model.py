"""What a check of references across databases found. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.errors import MigrationError, OrphansFound
from core.references.keys import CrossingKey

Home = Literal["shared", "own"]
"""Where a service's rows are written now: the shared database, or its own."""


@dataclass(frozen=True)
class Orphan:
    """A value that is referenced and not there."""

    values: tuple[str | None, ...]
    """Of the key's columns, as text."""
    rows: int
    """Rows of the dependent table that have it."""

    def __str__(self) -> str:
        said = ", ".join("NULL" if value is None else value for value in self.values)
        return f"({said}): {self.rows:,} row{'' if self.rows == 1 else 's'}"


@dataclass(frozen=True)
class Reference:
    """A foreign key that crosses services, and where its two ends are now."""

    key: CrossingKey
    dependent: str
    """The service whose rows refer."""
    referenced: str
    """The service whose rows are referred to."""
    homes: tuple[Home, Home]
    """Of the dependent, of the referenced."""
    enforced: bool
    """Whether the shared database has it as a valid key, so that it has been checking it itself."""


@dataclass(frozen=True)
class Checked:
    """What became of one reference."""

    reference: Reference
    keys: int
    """Different values that the dependent rows refer with."""
    orphan_keys: int
    orphan_rows: int
    orphans: tuple[Orphan, ...]
    """The first of them, as many as were asked for."""
    settled: int
    """Values that were missing at first and were in order when looked at again: writes under way."""
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        reference = self.reference
        return {
            "key": str(reference.key),
            "definition": reference.key.definition,
            "dependent": {"service": reference.dependent, "in": reference.homes[0]},
            "referenced": {"service": reference.referenced, "in": reference.homes[1]},
            "enforced": reference.enforced,
            "keys": self.keys,
            "orphan_keys": self.orphan_keys,
            "orphan_rows": self.orphan_rows,
            "orphans": [{"values": list(orphan.values), "rows": orphan.rows} for orphan in self.orphans],
            "listed_all": len(self.orphans) == self.orphan_keys,
            "settled": self.settled,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class NotChecked:
    """A reference that could not be checked."""

    name: str
    error: MigrationError

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {"key": self.name, "error": str(self.error), "exit_code": self.error.exit_code}


@dataclass(frozen=True)
class Consistency:
    """What the whole check found."""

    checked: Sequence[Checked]
    failed: Sequence[NotChecked]

    @property
    def orphan_rows(self) -> int:
        """Over all references."""
        return sum(one.orphan_rows for one in self.checked)

    @property
    def consistent(self) -> bool:
        """Whether everything was checked and nothing is missing."""
        return not self.failed and self.orphan_rows == 0

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "consistent": self.consistent,
            "orphan_rows": self.orphan_rows,
            "references": [one.as_json() for one in self.checked],
            "not_checked": [one.as_json() for one in self.failed],
        }

    def require(self) -> None:
        """Raise OrphansFound where references point nowhere, else what kept one from being checked."""
        wrong = [one for one in self.checked if one.orphan_rows]
        if wrong:
            first = wrong[0]
            more = f" (and {len(wrong) - 1} more keys)" if len(wrong) > 1 else ""
            raise OrphansFound(
                f"{self.orphan_rows:,} rows refer to what is not there: {first.reference.key}, "
                f"for example {first.orphans[0]}{more}; mend these rows in the service that owns them"
            )
        if self.failed:
            raise self.failed[0].error
