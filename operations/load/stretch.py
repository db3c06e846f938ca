"""A recorded stretch: what is replayed, and its file, a JSON object a line. It holds customers' values.

The first line is about it; each other one is a unit: a transaction as it was sent, or a statement alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.errors import LoadRefused
from servers import osuser

FORMAT = 1


@dataclass(frozen=True)
class Call:
    """One statement with its values."""

    text: str
    """With `$n` for values."""
    values: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Unit:
    """What is replayed together."""

    calls: tuple[Call, ...]
    writes: bool
    transaction: bool
    """Whether it was one with BEGIN."""
    ends_well: bool = True
    """False: it was rolled back, and is again."""
    weight: float = 1.0
    """How often it is drawn, against the others."""


@dataclass(frozen=True)
class Stretch:
    """What was recorded of a service."""

    service: str
    units: tuple[Unit, ...]
    seconds: float = 0.0
    """From the first to the last."""
    recorded: str = ""
    """When, in ISO 8601."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Why, and how many statements."""
    covered: float | None = None
    """Part of the calls in pg_stat_statements whose statement is in it; None: it was not asked."""
    missing: Sequence[str] = ()
    """The most frequent statements of pg_stat_statements that are not."""

    @property
    def reading(self) -> tuple[Unit, ...]:
        """The units that only read."""
        return tuple(unit for unit in self.units if not unit.writes)

    @property
    def rate(self) -> float | None:
        """Units a second, as they were sent; None where that is not known."""
        return len(self.units) / self.seconds if self.seconds > 0 else None

    def facts(self) -> dict[str, Any]:
        """All but the units, for a person or a program."""
        return {
            "service": self.service,
            "recorded": self.recorded,
            "seconds": round(self.seconds, 3),
            "units": len(self.units),
            "reading": len(self.reading),
            "statements": sum(len(unit.calls) for unit in self.units),
            "per_second": self.rate and round(self.rate, 3),
            "left_out": dict(self.left_out),
            "covered": self.covered,
            "missing": list(self.missing),
        }


def write(stretch: Stretch, file: Path) -> None:
    """Keep it, mode 0600. Raises LoadRefused where the file cannot be written."""
    head = {"format": FORMAT, **stretch.facts()}
    lines = [json.dumps(head), *(json.dumps(asdict(unit)) for unit in stretch.units)]
    try:
        osuser.write_private(file, "\n".join(lines) + "\n", ours=True)
    except OSError as error:
        raise LoadRefused(f"{file} cannot be written: {error.strerror}; name another by --out") from None


def read(file: Path) -> Stretch:
    """A kept one. Raises LoadRefused for a file that is none."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        head = json.loads(lines[0])
        if head["format"] != FORMAT:
            raise LoadRefused(f"{file} is of another version of this program: record it anew")
        units = tuple(_unit(json.loads(line)) for line in lines[1:])
        return Stretch(
            head["service"], units, head["seconds"], head["recorded"], head["left_out"], head["covered"],
            head["missing"],
        )  # fmt: skip
    except OSError as error:
        raise LoadRefused(
            f"{file} cannot be read ({error.strerror}): `python -m operations load record SERVICE` makes one"
        ) from None
    except (ValueError, KeyError, TypeError, IndexError):
        raise LoadRefused(f"{file} is no recorded stretch of ours: record it anew") from None


def _unit(said: dict[str, Any]) -> Unit:
    calls = tuple(Call(one["text"], tuple(one["values"])) for one in said.pop("calls"))
    return Unit(calls, **said)
