"""Right before clients are made to wait: whether they would wait in vain, and how long they can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from components.contract import Service
from core.errors import StepTimeout
from core.gateway.gateway import Gateway
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.switch.carry_out import Limits

query = queries(__package__)


PATIENCE = 0.9
"""Part of an application's connection timeout that a switch may use; the rest is the way there and back."""
_SHOWN = 3


def within_patience(limits: Limits, service: Service) -> Limits:
    """Limits under which no application of the service gives up first, whatever was asked for.

    A pause that is given up has cost its clients the whole of it, so it gets half of what they wait at
    most; what is left of that is for the steps inside.
    """
    patience = service.connection_timeout * PATIENCE
    pause = min(limits.pause, patience / 2)
    return replace(limits, pause=pause, inside=min(limits.inside, patience - pause))


def require_no_long_transaction(
    gateway: Gateway, database: Database, session: Connection, seconds: float
) -> None:
    """No transaction of the gateway's clients is open for longer than the pause waits for it.

    Raises StepTimeout, which names them, before anybody has waited.
    """
    pids: Sequence[int] = gateway.server_pids()
    with database.translated("looking for long transactions"):
        rows = session.execute(
            query("long_transactions"), {"pids": list(pids), "seconds": seconds}
        ).fetchall()
    if not rows:
        return
    shown = ", ".join(f"{name or 'unnamed'} (pid {pid}, {age:.0f} s)" for pid, name, age in rows[:_SHOWN])
    raise StepTimeout(
        f"{gateway.label} could not pause: {len(rows)} in a transaction for longer than the {seconds:g} s"
        f" that it may wait: {shown}; nobody was made to wait, nothing was changed; end that"
        " transaction or run it again later"
    )
