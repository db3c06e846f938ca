"""Lets a replica follow: filled at the very position from which its subscription then goes on.

That also leads a replica from one publisher to another without losing or repeating a change. Each
function can be run again after a crash at any point.
"""

from __future__ import annotations

import time

import psycopg
from psycopg import sql

from components.contract import Contract, Service
from components.replication_roles import NAME_BYTES
from core.errors import AuthenticationFailed, MigrationError, ReplicaBehind, StepTimeout
from core.sessions.connections import Database
from core.sessions.session import Connection
from core.sessions.stack import target_database
from migration.references.fill import APPLICATION, column_list, fill
from migration.references.model import Link
from migration.replicate import publication
from migration.replicate.login import drop_login, subscribe_with_login, subscribe_with_own_login
from migration.replicate.slots import drop_slot, slot_names
from migration.replicate.stalls import describe
from migration.replicate.subscription import ORIGIN_SINCE, Subscription


def follow(contract: Contract, link: Link, *, seconds: float = 60.0) -> int:
    """Fill the replicas of a link and let them follow; returns the number of rows they began with.

    What was there of the link before, on this publisher and on the dependent side, is replaced.
    Raises StepTimeout when old transactions keep the slot from being made, or the replica gets no further
    for `seconds`; VerificationFailed when what was filled is not what is read there.
    """
    unsubscribe(contract, link)
    publish(contract, link)
    rows = fill(contract, link, seconds)
    subscribe(contract, link)
    catch_up(contract, link, seconds)
    return rows


def unsubscribe(contract: Contract, link: Link) -> None:
    """Remove the subscription, if it is there; not while what it is to follow does not answer."""
    link.publishing(contract).connect(application_name=APPLICATION).close()
    with target_database(contract.services[link.dependent]).connect(application_name=APPLICATION) as session:
        _unsubscribe(contract, link, session)


def publish(contract: Contract, link: Link) -> None:
    """Make the publication anew, without a slot."""
    publisher = link.publishing(contract)
    with (
        publisher.connect(application_name=APPLICATION) as connection,
        publisher.translated(f"publishing what {link.dependent} reads"),
    ):
        drop_published(connection, link.name)
        _publish(connection, link)


def subscribe(contract: Contract, link: Link) -> None:
    """Follow from the slot on."""
    publisher, own = link.publishing(contract), target_database(contract.services[link.dependent])
    with (
        publisher.connect(application_name=APPLICATION) as at_publisher,
        own.connect(application_name=APPLICATION) as at_dependent,
        own.translated(f"subscribing to {link.referenced}"),
    ):
        subscription = Subscription(at_dependent, link.name)
        if link.publisher == "own":
            # Another service's migration login is not for this server to keep.
            subscribe_with_own_login(subscription, link.name, publisher, at_publisher, enabled=False)
        else:
            subscribe_with_login(subscription, link.name, publisher, at_publisher, enabled=False)
        if min(at_dependent.info.server_version, at_publisher.info.server_version) >= ORIGIN_SINCE:
            # After a cutover, changes come to the shared database by replication.
            at_dependent.execute(
                sql.SQL("ALTER SUBSCRIPTION {} SET (origin = any)").format(sql.Identifier(link.name))
            )
        subscription.start()


def catch_up(contract: Contract, link: Link, seconds: float) -> None:
    """Wait until the dependent has what is written where it follows now, as long as it gets on.

    Raises StepTimeout when it does not for `seconds`, ReplicaBehind when its slot is gone.
    """
    publisher = link.publishing(contract)
    with (
        publisher.connect(application_name=APPLICATION) as connection,
        publisher.translated(f"waiting until {link.dependent} has what it reads"),
    ):
        try:
            _catch_up(connection, link.name, seconds)
        except StepTimeout as error:
            raise StepTimeout(f"{error}: {_why_not(contract.services[link.dependent], link)}") from None


def _why_not(service: Service, link: Link) -> str:
    """What the server of who follows says of it."""
    own = target_database(service)
    try:
        with own.connect(application_name=APPLICATION) as session, own.translated(f"looking at {link.name}"):
            state = Subscription(session, link.name).state()
            return f"{own.label} says: {describe(session, state, service.instance_control)}"
    except MigrationError as error:
        return str(error)


def unfollow(contract: Contract, link: Link) -> None:
    """Remove subscription, slot and publication; the replica's rows stay as they are.

    What can be removed is, also when the dependent side does not answer; then this raises what that raised.
    """
    service, failure = contract.services[link.dependent], None
    try:
        with target_database(service).connect(application_name=APPLICATION) as at_dependent:
            _unsubscribe(contract, link, at_dependent)
    except MigrationError as error:
        failure = error
    unpublish(link.publishing(contract), link.name)
    if failure is not None:
        raise failure


def try_to_reach(contract: Contract, link: Link) -> str:
    """Why the dependent's server could not follow a link's publisher, which nothing of the link follows yet;
    empty when it gets in there with a login of its own.

    Only that server can tell: networks may let this program through and not it.
    """
    publisher, target = link.publishing(contract), target_database(contract.services[link.dependent])
    with (
        publisher.connect(application_name=APPLICATION) as at_publisher,
        target.connect(application_name=APPLICATION) as at_dependent,
        target.translated(f"ending what tried to reach {link.referenced}"),
    ):
        attempt = Subscription(at_dependent, _attempt(link.name))
        attempt.drop(10.0)
        try:
            subscribe_with_own_login(attempt, link.name, publisher, at_publisher, enabled=False)
        except (AuthenticationFailed, psycopg.errors.ConnectionFailure) as error:
            return " ".join(str(error).split())
        finally:
            attempt.drop(10.0)
            drop_login(at_publisher, link.name)
    return ""


def _attempt(name: str) -> str:
    """A subscription's name while it is only tried whether it could be."""
    return f"{name[: NAME_BYTES - 4]}_try"


def unpublish(publisher: Database, name: str) -> None:
    """Remove slot and publication of a link on a side that nothing follows any more."""
    with (
        publisher.connect(application_name=APPLICATION) as connection,
        publisher.translated(f"removing the publication {name}"),
    ):
        drop_published(connection, name)


def _unsubscribe(contract: Contract, link: Link, connection: Connection) -> None:
    with target_database(contract.services[link.dependent]).translated(f"ending {link.name}"):
        Subscription(connection, link.name).drop(10.0)
        # Of a process that was killed while it tried.
        Subscription(connection, _attempt(link.name)).drop(10.0)


def drop_published(connection: Connection, name: str) -> None:
    """Drop slot, publication and login of a link in the database of `connection`."""
    drop_slot(connection, name)
    publication.unpublish(connection, name)
    drop_login(connection, name)


def _publish(connection: Connection, link: Link) -> None:
    tables = sql.SQL(", ").join(
        sql.SQL("ONLY {} ({})").format(table.identifier(), column_list(columns))
        for table, columns in link.tables
    )
    connection.execute("SET lock_timeout = '10s'")
    connection.execute(
        sql.SQL("CREATE PUBLICATION {} FOR TABLE {}").format(sql.Identifier(link.name), tables)
    )


def _catch_up(connection: Connection, name: str, seconds: float) -> None:
    row = connection.execute("SELECT pg_catalog.pg_current_wal_insert_lsn()::text").fetchone()
    connection.execute("SELECT pg_catalog.pg_logical_emit_message(true, 'waqiti_migration', 'reference')")
    furthest, deadline = None, time.monotonic() + seconds
    while True:
        there = connection.execute(
            "SELECT confirmed_flush_lsn >= %s::pg_lsn, confirmed_flush_lsn::text, wal_status = 'lost'"
            " FROM pg_catalog.pg_replication_slots"
            " WHERE slot_name = ANY(%s) AND database = pg_catalog.current_database()",
            [row[0] if row else None, slot_names(connection, name)],
        ).fetchone()
        if there is None or there[2]:
            raise ReplicaBehind(
                f"the slot {name} is gone before its replica had caught up: it kept more WAL than it may "
                "(--wal-limit, or max_slot_wal_keep_size of that server); try it at a quieter time"
            )
        if there[0]:
            return
        if there[1] != furthest:
            furthest, deadline = there[1], time.monotonic() + seconds
        if time.monotonic() > deadline:
            raise StepTimeout(
                f"{name} got no further for {seconds:g} s (it has to reach the publisher and needs a worker)"
            )
        time.sleep(0.05)
