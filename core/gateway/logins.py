"""Server connections that a gateway is just making, which a PAUSE would cut.

PgBouncer counts one that it cut as a failed login, and refuses who comes right after RESUME. Ours is patched
(toolchain/pgbouncer); for others a PAUSE waits a moment until none is under way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

PATIENCE_SECONDS = 0.2
"""A login takes some milliseconds; one that hangs must not keep a pause."""
_POLL_SECONDS = 0.002


def under_way(pools: Sequence[Mapping[str, str]], database: str) -> int:
    """How many a gateway is making for `database`, from the rows of `SHOW POOLS`."""
    return sum(int(row["sv_login"]) for row in pools if row["database"] == database)


def wait_for_none(count: Callable[[], int]) -> None:
    """Until `count` is 0, but not for long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while count() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
