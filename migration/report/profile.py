"""Where the time of a service's move went: its steps, what took longest inside, what lay between. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from migration.report.model import PhaseReport, ServiceReport
from migration.steps.runner import UNDO_PREFIX

TABLES = 5
"""So many of a copy's tables are named, those that took longest."""
COMPARISON = "comparison of all rows"
BETWEEN = "between steps"
"""Planning, gates, what is looked at ahead of a switch."""


@dataclass(frozen=True)
class Spent:
    """Some seconds of a move."""

    what: str
    seconds: float
    part: bool = False
    """A part of the nearest line above that is none. Parts of a copy overlap: tables are copied at once."""

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {"what": self.what, "seconds": round(self.seconds, 3), "part": self.part}


@dataclass(frozen=True)
class Profile:
    """Where the time went, in the order of the steps."""

    service: str
    seconds: float
    """From the begin of its first step to the end of its last."""
    spent: tuple[Spent, ...]

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "service": self.service,
            "seconds": round(self.seconds, 3),
            "spent": [one.as_json() for one in self.spent],
        }


def profile_of(report: ServiceReport) -> Profile:
    """The profile of a service's newest move, from its first step to its last."""
    phases = [p for p in report.phases if p.seconds is not None and not p.step.startswith(UNDO_PREFIX)]
    if not phases:
        return Profile(report.service, 0.0, ())
    spent = [one for phase in phases for one in _of(phase)]
    ended = max(phase.began + timedelta(seconds=phase.seconds or 0.0) for phase in phases)
    whole = (ended - min(phase.began for phase in phases)).total_seconds()
    between = whole - sum(one.seconds for one in spent if not one.part)
    compared = float((report.verification or {}).get("seconds", 0.0))
    # An offline move compares in a step of its own.
    if report.mode == "online" and 0 < compared <= between:
        spent.append(Spent(COMPARISON, compared))
        between -= compared
    return Profile(report.service, whole, (*spent, Spent(BETWEEN, max(between, 0.0))))


def _of(phase: PhaseReport) -> Iterator[Spent]:
    """A step, and what took longest inside it."""
    yield Spent(phase.step, phase.seconds or 0.0)
    tables = phase.figures.get("tables")
    if isinstance(tables, Sequence) and not isinstance(tables, str):
        copied = [one for one in tables if isinstance(one, dict) and "seconds" in one]
        for table in sorted(copied, key=lambda one: -float(one["seconds"]))[:TABLES]:
            yield Spent(f"rows of {table['table']}", float(table["seconds"]), part=True)
    indexes = phase.figures.get("indexes")
    if isinstance(indexes, dict) and indexes.get("tables"):
        name = f"indexes of {indexes['tables']} large tables, after the last row"
        yield Spent(name, float(indexes["after_rows_s"]), part=True)
    inside = phase.figures.get("seconds")
    if isinstance(inside, dict):
        for name, seconds in inside.items():
            yield Spent(name, float(seconds), part=True)
