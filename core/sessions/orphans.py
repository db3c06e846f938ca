"""Sessions of a dead operator's process, whose last statement may still be on its way: ended before anything
is read that they might change."""

from __future__ import annotations

import time

from core.errors import StepTimeout
from core.sessions.connections import Database
from core.sessions.queries import queries

query = queries(__package__)

WRITERS = (
    "waqiti-migration-ownership",
    "waqiti-migration-forward",
    "waqiti-migration-back",
    "waqiti-migration-switch",
    "waqiti-migration-slot",
    "waqiti-migration-references",
    "waqiti-migration-carry",
)
"""Application names of the sessions that change flags, sequences, slots or subscriptions."""


COMPARERS = ("waqiti-migration-keys", "waqiti-migration-snapshot", "waqiti-migration-verify")
"""Of the sessions that compare: the first makes a slot, the second holds locks."""


def end_orphans(
    database: Database, seconds: float = 5.0, *, comparing: bool = False, whole: bool = False
) -> None:
    """End the WRITERS and wait until they are gone.

    `comparing`: also the COMPARERS; `whole`: also sessions that copy and build. The caller has none of these.

    The caller holds the operator's lock, so what still runs belongs to nobody, and has closed its own
    such sessions. Raises StepTimeout, and what connecting raises.
    """
    connection = database.connect(application_name="waqiti-migration-orphans", connect_timeout=3)
    deadline = time.monotonic() + seconds
    names = [*WRITERS, *COMPARERS] if comparing or whole else [*WRITERS]
    try:
        with database.translated("ending sessions of a run that died"):
            while True:
                row = connection.execute(query("end_orphans"), {"names": names, "whole": whole}).fetchone()
                if row is None or row[0] == 0:
                    return
                if time.monotonic() > deadline:
                    raise StepTimeout(
                        f"{row[0]} sessions of a run that died are still on {database.label}; end them there "
                        "(pg_stat_activity, application_name waqiti-migration-...), then run `resume`"
                    )
                time.sleep(0.02)
    finally:
        connection.close()
