"""Sessions of a dead operator's process, whose last statement may still be on its way: ended before anything
is read that they might change."""

from __future__ import annotations

import time

from migration.connections import Database
from migration.errors import StepTimeout
from migration.queries import query

WRITERS = (
    "waqiti-migration-ownership",
    "waqiti-migration-forward",
    "waqiti-migration-back",
    "waqiti-migration-switch",
    "waqiti-migration-slot",
)
"""Application names of the sessions that change flags, sequences, slots or subscriptions."""


def end_orphans(database: Database, seconds: float = 5.0) -> None:
    """End them and wait until they are gone.

    The caller holds the operator's lock, so what still runs belongs to nobody, and has closed its own
    such sessions. Raises StepTimeout, and what connecting raises.
    """
    connection = database.connect(application_name="waqiti-migration-orphans", connect_timeout=3)
    deadline = time.monotonic() + seconds
    try:
        with database.translated("ending sessions of a run that died"):
            while True:
                row = connection.execute(query("orphans_end"), {"names": list(WRITERS)}).fetchone()
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
