"""How long the steps of a switch may take: the median of earlier ones in the journal, else what was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.switch.protocol import SWITCH, Step

query = queries(__package__)

TRIED_MS: Mapping[Step, float] = {
    Step.PAUSE: 19, Step.CLOSE_OLD: 8, Step.CATCH_UP: 9, Step.COMPARE: 10, Step.SEQUENCES: 5,
    Step.STOP_FEED: 5, Step.MAKE_BACK_SLOT: 5, Step.START_BACK: 5, Step.PROVE_BACK: 29, Step.OPEN_NEW: 3,
    Step.ROUTE_NEW: 1, Step.RESUME: 1, Step.DROP_FEED: 10,
}  # fmt: skip
"""Milliseconds, PostgreSQL 15 to 17, 400 transactions a second on a busy machine of two cores."""


@dataclass(frozen=True)
class Expected:
    """A step's time, in milliseconds, and where it comes from."""

    ms: float
    origin: str


def expected_times(
    connection: Connection, service: str, verb: Literal["cutover", "rollback"]
) -> dict[Step, Expected]:
    """Every step's expected time: of the service's own earlier switches, else of all, else as tried."""
    found: dict[str, Expected] = {}
    row = connection.execute("SELECT pg_catalog.to_regclass('waqiti_migration.steps') IS NOT NULL").fetchone()
    if row is not None and row[0]:
        values = {"service": service, "prefix": f"{verb}: "}
        for step, own, ms, count in connection.execute(query("expected"), values).fetchall():
            whose = f"of {service}" if own else "of other services"
            if own or step not in found:
                found[step] = Expected(ms, f"median of {count} {verb}s {whose}")
    return {
        step: found.get(step.value, Expected(TRIED_MS.get(step, 5.0), "as tried; none in the journal yet"))
        for step in SWITCH
    }
