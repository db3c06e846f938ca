"""Whether the servers that a restore point was made on still have it in their history."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from components.contract import Contract
from core.errors import CutBroken, MigrationError
from core.points.model import Point
from core.points.places import place_database
from core.sessions.queries import queries

query = queries(__package__)


@dataclass(frozen=True)
class LiveVerdict:
    """What each place says."""

    point: str
    lines: Mapping[str, tuple[str, str, str]]
    """Time-line and LSN of the point, and the state in words, by place."""
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "point": self.point,
            "sound": not self.problems,
            "places": {
                name: {"timeline": int(timeline), "lsn": lsn, "is": said}
                for name, (timeline, lsn, said) in self.lines.items()
            },
        }

    def require(self) -> None:
        """Raise CutBroken with what is wrong."""
        if self.problems:
            raise CutBroken(f"the restore point {self.point!r}: {'; '.join(self.problems)}")


def check_live(contract: Contract, point: Point) -> LiveVerdict:
    """Ask every server: is it the one, and is the point behind it on its time-line or on an older one."""
    problems = [] if point.state == "made" else [_not_made(point)]
    lines: dict[str, tuple[str, str, str]] = {}
    for name, place in point.places.items():
        database = place_database(contract, name)
        try:
            with closing(database.connect()) as connection, database.translated("asking for its time-line"):
                row = connection.execute(query("live"), {"lsn": place.lsn}).fetchone()
        except MigrationError as error:
            lines[name] = str(place.timeline), place.lsn, f"not asked: {error}"
            problems.append(f"{name} was not asked ({error})")
            continue
        if row is None:
            raise AssertionError("functions give a row")
        system, timeline, behind = int(row[0]), int(row[1]), bool(row[2])
        said = "behind it, on the same time-line"
        if system != place.system:
            said = "another server: nothing of it leads to the point"
            problems.append(f"{name} is not the server it was made on; the old one's archive may have it")
        elif timeline < place.timeline or (timeline == place.timeline and not behind):
            said = "not in its history: it was restored to before the point"
            problems.append(f"{name} was restored to before the point, on time-line {timeline}")
        elif timeline > place.timeline:
            said = f"on an older time-line: recovery to it needs recovery_target_timeline = {place.timeline}"
        lines[name] = str(place.timeline), place.lsn, said
    return LiveVerdict(point.name, lines, tuple(problems))


def _not_made(point: Point) -> str:
    why = {
        "begun": "making it was cut off, so that some databases may have it and others not",
        "void": "a gateway did not stay paused while it was made",
    }
    return f"{why[point.state]}; restore to another"
