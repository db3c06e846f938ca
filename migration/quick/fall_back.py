"""To the shared database, which follows, without the service's own: that is lost.

Forward only, from the first step on: somebody has decided that the lost database does not come back. Should
its server answer again in the middle, it is closed; nobody is led there. Its part of the move is taken away
by `abort` when there is a new, empty instance.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from components.replication_roles import flow_name
from core.errors import MigrationError
from migration.quick.context import QuickMove
from migration.quick.sequences import raise_on, raised, reached
from migration.replicate.subscription import Subscription
from migration.steps.runner import Step
from migration.steps.shifting_checks import put_on_shared


def hold_clients(move: QuickMove) -> Mapping[str, Any]:
    """Make the clients wait; most have been failing."""
    return {"clients": len(move.hold_clients().clients())}


def close_own(move: QuickMove) -> Mapping[str, Any]:
    """Should it answer, it takes no writes any more."""
    with contextlib.suppress(MigrationError):
        return {"closed": True, "waited_for": move.close(move.target, 2.0)}
    return {"closed": False}


def stop_following(move: QuickMove) -> Mapping[str, Any]:
    """What the shared database has by now is what it has: nothing of the lost one is applied from here on."""
    name = flow_name(move.name, "back")
    with (
        move.source.connect(application_name="waqiti-migration-switch") as connection,
        move.source.translated(f"ending the subscription {name}"),
    ):
        Subscription(connection, name).drop(10.0)
    return {}


def raise_sequences(move: QuickMove) -> Mapping[str, Any]:
    """Above what the shared database knows, by a gap: replication carries no sequences."""
    sequences = move.own.sequences
    values = raised([reached(move.source, sequences)], move.sequence_gap)
    raise_on(move.source, values)
    return {"sequences": {str(value.name): value.last_value for value in values}, "gap": move.sequence_gap}


def open_shared(move: QuickMove) -> Mapping[str, Any]:
    """The shared database takes the service's writes."""
    with move.guards(move.source) as guards:
        guards.open()
    return {}


def lead_to_shared(move: QuickMove) -> Mapping[str, Any]:
    """Its clients are served."""
    move.lead_clients("source")
    return {"route": "source"}


FALL_BACK: tuple[Step[QuickMove], ...] = tuple(
    Step(name, act, final=True)
    for name, act in (
        ("make the clients wait", hold_clients),
        ("close its own database, should it answer", close_own),
        ("stop following its own database", stop_following),
        ("put checks on the shared database", put_on_shared),
        ("raise the shared database's sequences", raise_sequences),
        ("open the shared database", open_shared),
        ("lead the clients to the shared database", lead_to_shared),
    )
)
