"""What PgBouncer can do, by its version. Pure."""

from __future__ import annotations

import re

Version = tuple[int, int, int]

PREPARED_STATEMENTS: Version = (1, 22, 0)
"""The first that keeps the statements which drivers prepare, also past a DEALLOCATE ALL."""
EXTRA_PARAMETERS: Version = (1, 20, 1)
"""The first with track_extra_parameters, and that reads `options` of a startup packet."""
BROKEN: tuple[tuple[Version, Version, str], ...] = (
    ((1, 25, 0), (1, 25, 2), "loses SCRAM logins after a reconnect (pgbouncer#1432, #1501, #1504)"),
)
"""First, last, and what is wrong with them."""
OLDEST: Version = (1, 18, 0)
"""The oldest that is tried."""


def parse(said: str) -> Version | None:
    """The version in what `pgbouncer --version` or SHOW VERSION says; None where it is none."""
    found = re.search(r"PgBouncer (\d+)\.(\d+)(?:\.(\d+))?", said)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def keeps_prepared(version: Version | None) -> bool:
    """Whether drivers may prepare statements; an unknown one counts as old."""
    return version is not None and version >= PREPARED_STATEMENTS


def fault(version: Version) -> str:
    """What is known to be wrong with it; nothing where that is nothing."""
    return next((what for first, last, what in BROKEN if first <= version <= last), "")


def text(version: Version | None) -> str:
    """As people write it."""
    return "unknown" if version is None else ".".join(map(str, version))
