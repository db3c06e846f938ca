"""What a comparison of two databases found, as values that the journal and the report keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from core.errors import VerificationFailed
from migration.catalog.tables import TableName

Kind = Literal["changed", "missing", "extra"]
"""`changed`: the key is on both sides, the row is not the same. `missing`: on the source only.
`extra`: on the target only, or there more often than on the source."""


@dataclass(frozen=True, order=True)
class Totals:
    """A set of rows as three numbers; equal for equal rows in any order."""

    rows: int = 0
    sum1: int = 0
    sum2: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.rows + other.rows, self.sum1 + other.sum1, self.sum2 + other.sum2)

    @property
    def digest(self) -> str:
        """Both sums as 128-bit numbers, in hexadecimal."""
        return f"{self.sum1 & (1 << 128) - 1:032x}{self.sum2 & (1 << 128) - 1:032x}"


@dataclass(frozen=True)
class Difference:
    """One row that is not the same on both sides. Only its key is named: other values may be secret."""

    table: TableName
    kind: Kind
    key: dict[str, str | None]
    """Column to value, as text. For a table without a key: `{"row": "<hash>"}`."""
    columns: tuple[str, ...] = ()
    """Of a changed row: the columns whose values differ."""

    def __str__(self) -> str:
        named = ", ".join(f"{column}={value}" for column, value in self.key.items())
        differing = f" in {', '.join(self.columns)}" if self.columns else ""
        return f"{self.table} ({named}): {self.kind}{differing}"


@dataclass(frozen=True)
class ComparedTable:
    """The verdict on one table."""

    table: TableName
    source: Totals
    target: Totals
    structure: tuple[str, ...] = ()
    """What is different about the table itself: missing, other columns, other types. One line each."""
    differences: tuple[Difference, ...] = ()
    unnamed: int = 0
    """Ranges of keys known to differ whose rows were not named, because there were too many."""
    bytes: int = 0
    """Heap and TOAST read on the source."""
    seconds: float = 0.0
    """Time spent reading it, summed over both sides and all workers."""

    @property
    def equal(self) -> bool:
        """Whether both sides hold the same rows in the same shape."""
        return self.source == self.target and not self.structure

    def as_json(self) -> dict[str, Any]:
        """The verdict with JSON types only."""
        return {
            "table": str(self.table),
            "equal": self.equal,
            "rows_source": self.source.rows,
            "rows_target": self.target.rows,
            "digest_source": self.source.digest,
            "digest_target": self.target.digest,
            "structure": list(self.structure),
            "differences": [
                {"kind": d.kind, "key": d.key, "columns": list(d.columns)} for d in self.differences
            ],
            "ranges_not_named": self.unnamed,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class Verification:
    """The verdict on a service, or on all tables that were asked for."""

    tables: tuple[ComparedTable, ...]
    digest: str
    """The hash function: `hashtextextended` or `md5`."""
    seconds: float
    problems: tuple[str, ...] = field(default=())
    """What else differs (sequences, large objects): one line each."""
    schema: tuple[str, ...] = field(default=())
    """What differs of the schema, one line each; only where it was compared with the rows."""

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.problems and not self.schema and all(table.equal for table in self.tables)

    @property
    def rows(self) -> int:
        """Rows compared, counted on the source."""
        return sum(table.source.rows for table in self.tables)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """All rows that were named."""
        return tuple(difference for table in self.tables for difference in table.differences)

    def with_problems(self, problems: Sequence[str]) -> Verification:
        """The same verdict with more that differs."""
        return replace(self, problems=(*self.problems, *problems))

    def require(self, repair: str = "repair or copy these tables again") -> None:
        """Raise VerificationFailed, with the first things that differ and what to do, unless nothing does."""
        if self.equal:
            return
        wrong = [table for table in self.tables if not table.equal]
        said = [*self.problems]
        for table in wrong:
            said += table.structure or [str(d) for d in table.differences[:3]] or [f"{table.table} differs"]
        if not said:
            raise VerificationFailed(
                f"every row is equal, but the schema is not: {_some(self.schema)}; nothing was switched:"
                " `start` the service, then `verify --schema` prints the DDL that makes it equal"
            )
        raise VerificationFailed(
            f"source and target differ in {len(wrong)} of {len(self.tables)} tables:"
            f" {_some([*said, *self.schema])}; nothing was switched: the report names the rows, {repair}"
        )

    def as_json(self) -> dict[str, Any]:
        """The verdict with JSON types only."""
        return {
            "equal": self.equal,
            "tables": [table.as_json() for table in self.tables],
            "rows": self.rows,
            "digest": self.digest,
            "seconds": round(self.seconds, 3),
            "problems": [*self.problems, *self.schema],
        }


def _some(lines: Sequence[str]) -> str:
    return "; ".join(lines[:5]) + (f"; and {len(lines) - 5} more" if len(lines) > 5 else "")
