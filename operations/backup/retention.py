"""Which backups are obsolete. Pure; Barman deletes them, with the WAL that only they needed.

Ages are not a clock's: a gap between two backups counts as one of the policy's intervals at most. So a clock
that was days ahead for one run makes no backup look older than it is; some are kept longer than they need be.
"""

from __future__ import annotations

from collections.abc import Sequence

from operations.backup.catalogue import Backup, whole


def obsolete(
    found: Sequence[Backup], *, keep: float, keep_at_least: int, full_every: float, now: float
) -> list[Backup]:
    """Full backups that no point of the last `keep` seconds needs, oldest first; the incremental ones on
    them go with them. At least `keep_at_least` whole full ones stay."""
    fulls = [one for one in whole(found) if one.kind == "full" and one.end is not None]
    ages = _ages(fulls, full_every, now)
    # The window's oldest point needs the newest backup that is older than the window.
    beyond = [one for one, age in zip(fulls, ages, strict=True) if age >= keep][:-1]
    return beyond[: max(0, len(fulls) - keep_at_least)]


def _ages(fulls: Sequence[Backup], most: float, now: float) -> list[float]:
    ages: list[float] = []
    age, after = 0.0, now
    for one in reversed(fulls):
        at = one.end.timestamp() if one.end else after
        age += min(max(after - at, 0.0), most)
        ages.append(age)
        after = at
    return ages[::-1]
