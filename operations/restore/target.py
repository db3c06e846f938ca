"""What a person asks for as the target of a restore, and where that is in the WAL. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.errors import NoSuchBackup
from operations.backup.wal import format_lsn
from operations.restore.records import Records

JITTER = timedelta(seconds=1)
"""Commits that run side by side take their times a moment before their places in the WAL."""


@dataclass(frozen=True)
class Target:
    """One of these; none of them: the end of the WAL."""

    time: datetime | None = None
    """The last commit at this time or before it is the last that is there."""
    lsn: int | None = None
    """All that ends at it or before is there."""
    point: str | None = None
    """The name of a restore point."""
    point_lsn: int | None = None
    """Where its record ends, if that is known."""

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Target:
        """What `as_json` made."""
        at = said["time"]
        return cls(
            None if at is None else datetime.fromisoformat(at), said["lsn"], said["point"], said["point_lsn"]
        )

    def as_json(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "time": None if self.time is None else self.time.isoformat(),
            "lsn": self.lsn,
            "point": self.point,
            "point_lsn": self.point_lsn,
        }

    @property
    def end(self) -> int | None:
        """The LSN up to which WAL is needed; None: only reading it will tell."""
        return self.lsn if self.lsn is not None else self.point_lsn

    def __str__(self) -> str:
        if self.time is not None:
            return f"{self.time:%Y-%m-%d %H:%M:%S.%f} UTC"
        if self.lsn is not None:
            return f"LSN {format_lsn(self.lsn)}"
        return f"restore point {self.point!r}" if self.point is not None else "the end of the WAL"


@dataclass(frozen=True)
class Stop:
    """Where recovery ends: at the record that begins at `lsn`. None: at the end of the WAL."""

    lsn: int | None
    inclusive: bool = True


def stop_at_time(records: Records, wanted: datetime) -> Stop:
    """The first commit after `wanted` is the first that is not there.

    PostgreSQL stops at the first later time it meets, which loses all that a clock that was set back wrote
    after it, and fails where no commit came after the time. Raises NoSuchBackup where the clock went back
    over `wanted`, with the LSNs to choose from.
    """
    later = next((one for one in records.commits if one.at > wanted), None)
    if later is None:
        return Stop(None)
    back = next((one for one in records.commits if one.lsn > later.lsn and one.at <= wanted - JITTER), None)
    if back is not None:
        raise NoSuchBackup(
            f"the server's clock was set back: at {format_lsn(later.lsn)} it was {later.at:%H:%M:%S}, then, "
            f"at {format_lsn(back.lsn)}, {back.at:%H:%M:%S}; say which by --to-lsn "
            f"{format_lsn(later.lsn)} (before it was set) or --to-lsn {format_lsn(records.commits[-1].lsn)} "
            "(all)"
        )
    return Stop(later.lsn, inclusive=False)


def stop_at_point(records: Records, name: str) -> Stop | None:
    """None where the point is not in this WAL. Raises NoSuchBackup for a name that is there twice."""
    found = [lsn for point, lsn in records.points if point == name]
    if len(found) > 1:
        raise NoSuchBackup(
            f"there are {len(found)} restore points {name!r}, at {_listed(found)}; say which by --to-lsn"
        )
    return Stop(found[0]) if found else None


def _listed(lsns: Sequence[int]) -> str:
    return ", ".join(format_lsn(lsn) for lsn in lsns)
