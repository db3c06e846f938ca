"""Takes a direction of replication away, each side by itself: one that is down must not hold the other's."""

from __future__ import annotations

from components.replication_roles import flow_name
from core.errors import MigrationError
from core.sessions.connections import Database
from core.sessions.locks import Patience
from migration.replicate.changes import ChangesLog
from migration.replicate.flow import Direction
from migration.replicate.heartbeat import Heartbeat
from migration.replicate.login import drop_login
from migration.replicate.publication import restore_identities, unpublish
from migration.replicate.slots import SEEN_SUFFIX, drop_slot, drop_slots
from migration.replicate.subscription import Subscription


def take_away(
    service: str,
    direction: Direction,
    publisher: Database,
    subscriber: Database,
    patience: Patience | None = None,
) -> None:
    """Remove all of a direction from both sides and put replica identities back. Can be run twice.

    What can be removed is, also when the other side does not answer; then this raises what that side raised.
    The other direction of the service needs the identities, too: take both away, not one.
    """
    name = flow_name(service, direction)
    failure: MigrationError | None = None
    try:
        with (
            subscriber.connect(application_name=f"waqiti-migration-{direction}") as session,
            subscriber.translated(f"removing the subscription {name}"),
        ):
            Subscription(session, name).drop(10.0)
            drop_slot(session, name + SEEN_SUFFIX)
            restore_identities(session, service, patience)
            Heartbeat(name).drop(session)
            ChangesLog(name).drop(session)
    except MigrationError as error:
        failure = error
    with (
        publisher.connect(application_name=f"waqiti-migration-{direction}") as session,
        publisher.translated(f"removing the slots and the publication {name}"),
    ):
        drop_slots(session, name)
        unpublish(session, name)
        drop_login(session, name)
        restore_identities(session, service, patience)
        Heartbeat(name).drop(session)
        ChangesLog(name).drop(session)
    if failure is not None:
        raise failure
