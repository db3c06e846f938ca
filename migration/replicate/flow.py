"""One direction of replication of a service: a publication, a slot, a subscription, and how far it is.

A move has two: `forward` (the shared database to the service's own) and `back`. Each has its
publication, slot, subscription and heartbeat table, all of the same name; only the slot, which is its
server's, has the database's behind it. Publications, heartbeats and
disabled subscriptions are made ahead of a switch; inside its pause a direction is only stopped or
started. Every function can be run twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, LiteralString

from psycopg import sql

from components.replication_roles import flow_name
from core.errors import ConnectionLost, MigrationError, StepTimeout
from core.sessions.connections import Database
from core.sessions.locks import Patience
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.tables import Table
from migration.replicate.changes import ChangesLog
from migration.replicate.heartbeat import Heartbeat
from migration.replicate.login import drop_login, subscribe_with_login
from migration.replicate.publication import (
    Published,
    adopt_identities,
    publish,
    restore_identities,
    settle_identities,
    unpublish,
)
from migration.replicate.slots import drop_slot, slot_here, slot_names
from migration.replicate.stalls import why_stalled
from migration.replicate.subscription import Subscription

query = queries(__package__)

Direction = Literal["forward", "back"]

_EXPLAINED_SECONDS = 20.0
"""Who waits for so long is outside of a pause, where there is time to look for the reason."""


@dataclass(frozen=True)
class Lag:
    """How far behind a subscriber is."""

    bytes: int
    """WAL written on the publisher that the subscriber has not confirmed to be on its disk."""
    retained_bytes: int
    """WAL that the slot keeps on the publisher's disk."""
    seconds: float | None
    """Age of the newest heartbeat that arrived, by the publisher's clock; None before the first one. It
    is no smaller than the time since the last beat was sent."""
    active: bool
    """Whether a subscriber is connected."""
    wal_status: str
    """`reserved`, `extended`, `unreserved` or `lost`, as in `pg_replication_slots`."""


class Flow(AbstractContextManager["Flow"]):
    """One direction of one service, with a session on each side, opened at once."""

    def __init__(self, service: str, direction: Direction, publisher: Database, subscriber: Database) -> None:
        self.service = service
        self.direction = direction
        self.name = flow_name(service, direction)
        self.publisher = publisher
        self.subscriber = subscriber
        self.heartbeat = Heartbeat(self.name)
        self.changes = ChangesLog(self.name)
        application = f"waqiti-migration-{direction}"
        self.at_publisher = publisher.connect(application_name=application)
        try:
            self.at_subscriber = subscriber.connect(application_name=application)
        except BaseException:
            self.at_publisher.close()
            raise
        self.subscription = Subscription(self.at_subscriber, self.name)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.at_publisher.close()
        self.at_subscriber.close()

    # Made ahead of a switch

    def publish(self, tables: Sequence[Table], patience: Patience | None = None) -> Published:
        """Make heartbeat, publication and replica identities on the publisher; see `publish`."""
        with self.publisher.translated(f"publishing the tables of {self.service}"):
            self.heartbeat.create(self.at_publisher)
            self.changes.create(self.at_publisher)
            return publish(
                self.at_publisher,
                self.service,
                self.name,
                self.heartbeat,
                tables,
                also=[self.changes.table],
                patience=patience,
            )

    @contextmanager
    def exported_slot(self, seconds: float = 60.0) -> Iterator[tuple[str, str]]:
        """Make the slot and yield (snapshot, LSN): a copy of that snapshot plus the slot is everything.

        The snapshot lives as long as the context. A slot of this name from before is dropped first: its
        snapshot is gone. Raises StepTimeout when transactions older than `seconds` keep it from starting.
        """
        self.drop_slot()
        slot = slot_here(self.at_publisher, self.name)
        command = sql.SQL("CREATE_REPLICATION_SLOT {} LOGICAL pgoutput (SNAPSHOT 'export')")
        with self.publisher.connect(replication=True, application_name="waqiti-migration-slot") as connection:
            # statement_timeout does not apply to replication commands.
            watchdog = threading.Timer(seconds, connection.cancel_safe)
            watchdog.start()
            try:
                with self.publisher.translated(f"making the slot {slot}, which old transactions delay"):
                    row = connection.execute(command.format(sql.Identifier(slot))).fetchone()
            finally:
                watchdog.cancel()
            if row is None:
                raise AssertionError("CREATE_REPLICATION_SLOT returns a row")
            yield row[2], row[1]

    def make_slot(self) -> str:
        """Make the slot if there is none, and let it begin now: nothing written before is sent.

        Right while the publisher is closed to writes. A slot made long before the switch and moved here
        takes a few milliseconds inside the pause; making one takes some tens. The subscription, which may
        be an older program's, is to take it by its name. Returns the LSN.
        """
        with self.publisher.translated(f"making the slot {self.name}"):
            there = self._slot()
            if there is None:
                slot = slot_here(self.at_publisher, self.name)
                row = self._row(
                    "SELECT lsn::text FROM pg_catalog.pg_create_logical_replication_slot(%s, 'pgoutput')",
                    [slot],
                )
                self.subscription.take(slot)
                return str(row[0])
            slot = there[-1]
            reached, wanted, short = self._row(query("slot_to_now"), {"slot": slot})
            if short:
                # It goes no further than what is on disk, and apply workers do not wait for that.
                self.flush(self.at_publisher)
                (reached,) = self._row(
                    "SELECT end_lsn::text FROM pg_catalog.pg_replication_slot_advance(%s, %s)",
                    [slot, wanted],
                )
        return str(reached)

    def _row(
        self, statement: LiteralString | bytes, parameters: Sequence[object] | Mapping[str, object]
    ) -> tuple[Any, ...]:
        row = self.at_publisher.execute(statement, parameters).fetchone()
        if row is None:
            raise AssertionError("a function in FROM returns its row")
        return row

    def subscribe(
        self,
        tables: Sequence[Table],
        *,
        enabled: bool,
        schema: str | None = None,
        patience: Patience | None = None,
    ) -> str | None:
        """Make heartbeat table, replica identities and subscription on the subscriber, unless they are there.

        The subscription copies nothing and takes changes from the slot of its name, which may not exist
        yet while it is disabled. It applies in commit order. After an error it tries again, every
        `wal_retrieve_retry_interval`, until what caused it is mended. Changes of `schema` are carried out.
        """
        with self.subscriber.translated(f"subscribing {self.service}"):
            self.heartbeat.create(self.at_subscriber)
            self.heartbeat.create_hold(self.at_subscriber)
            self.changes.create(self.at_subscriber)
            if schema is not None:
                self.changes.create_apply(self.at_subscriber, schema)
            settle_identities(self.at_subscriber, self.service, tables, patience)
            if self.direction == "forward":
                adopt_identities(self.at_publisher, self.at_subscriber, self.service)
            return subscribe_with_login(
                self.subscription, self.name, self.publisher, self.at_publisher, enabled=enabled
            )

    def refresh(self) -> None:
        """Take over tables that joined the publication, without copying them."""
        with self.subscriber.translated(f"refreshing the subscription {self.name}"):
            self.subscription.refresh()

    # In a switch

    def start(self) -> None:
        """Enable the subscription; its worker starts within moments."""
        with self.subscriber.translated(f"enabling the subscription {self.name}"):
            self.subscription.start()

    def stop(
        self, seconds: float = 10.0, *, end_after: float | None = None, publisher_answers: bool = False
    ) -> None:
        """Disable the subscription and wait until its worker has ended. The slot stays.

        Without a subscription there is nothing to stop. `publisher_answers`: it does, so the worker can be
        woken through it. See `Subscription.stop`. Raises StepTimeout.
        """
        with self.subscriber.translated(f"disabling the subscription {self.name}"):
            self.subscription.stop(
                seconds, end_after=end_after, wake=self._wake if publisher_answers else None
            )

    def _wake(self) -> None:
        # Without it the worker ends by itself, only later.
        with suppress(MigrationError):
            self.beat()

    def prove(self, seconds: float, *, on_disk: bool = True) -> float:
        """Write a heartbeat and wait until it has arrived and is on the subscriber's disk.

        Afterwards everything committed on the publisher before the call is. Without `on_disk` a crash of
        the subscriber may take it back again, which its replication then repeats. Returns the seconds it
        took; raises StepTimeout.
        """
        begun = time.monotonic()
        with self.publisher.translated(f"writing a heartbeat of {self.name}"):
            self.at_publisher.execute("SET synchronous_commit = on")
            number = self.heartbeat.beat(self.at_publisher, "switch")
        with self.subscriber.translated(f"waiting for a heartbeat of {self.name}"):
            try:
                self.heartbeat.wait(self.at_subscriber, "switch", number, seconds)
            except StepTimeout as error:
                why: object = self.subscription.state() or "there is no subscription"
                if seconds >= _EXPLAINED_SECONDS:
                    why = why_stalled(self.at_subscriber, self.name) or why
                raise StepTimeout(f"{error} ({why})") from error
            if on_disk:
                # Apply workers commit without waiting for the disk; this waits for all they did.
                self.flush(self.at_subscriber)
        return time.monotonic() - begun

    def warm(self) -> None:
        """Ask once what is asked in a pause: a session's first time is slow. Writes nothing.

        A heartbeat that the slot does not send would be a row that the next one finds on one side only.
        """
        with self.publisher.translated(f"reading the heartbeats of {self.name}"):
            self.heartbeat.last(self.at_publisher, "switch")
        with self.subscriber.translated(f"looking at the subscription {self.name}"):
            self.subscription.state()
            self.heartbeat.last(self.at_subscriber, "switch")

    @staticmethod
    def flush(connection: Connection) -> None:
        """Wait until all that the connection's server has committed is on its disk (by one more commit)."""
        connection.execute("SET synchronous_commit = on")
        connection.execute("SELECT pg_catalog.pg_logical_emit_message(true, 'waqiti_migration', 'flush')")

    # How far it is

    def beat(self) -> None:
        """Send a heartbeat for `lag`; once a second is often enough."""
        with self.publisher.translated(f"writing a heartbeat of {self.name}"):
            self.heartbeat.beat(self.at_publisher, "lag")

    def lag(self) -> Lag:
        """Bytes and seconds behind. Raises ConnectionLost when the slot is gone."""
        slot = self.lag_of_slot()
        if slot is None:
            raise ConnectionLost(
                f"{self.publisher.label} has no slot {self.name}: changes since were not kept; "
                "`abort` and start this service again"
            )
        active, status, behind, retained, now = slot
        with self.subscriber.translated(f"reading the heartbeat of {self.name}"):
            last = self.heartbeat.last(self.at_subscriber, "lag")
        seconds = None if last is None else max(0.0, (now - last[1]).total_seconds())
        return Lag(behind, retained, seconds, active, status)

    def lag_of_slot(self) -> tuple[bool, str, int, int, datetime] | None:
        """(active, wal_status, bytes behind, bytes retained, the publisher's time); None without a slot."""
        row = self._slot()
        return None if row is None else (row[0], row[1], row[2] or 0, row[3] or 0, row[6])

    def _slot(self) -> tuple[Any, ...] | None:
        with self.publisher.translated(f"reading the slot {self.name}"):
            names = slot_names(self.at_publisher, self.name)
            return self.at_publisher.execute(query("lag"), {"slots": names}).fetchone()

    # Taken away

    def drop_subscription(self, seconds: float = 10.0) -> None:
        """Remove the subscription; the slot on the other side stays."""
        with self.subscriber.translated(f"dropping the subscription {self.name}"):
            self.subscription.drop(seconds)

    def drop_slot(self, seconds: float = 10.0) -> None:
        """Remove the slot, which lets the publisher's WAL go. A sender still at work is ended first."""
        with self.publisher.translated(f"dropping the slot {self.name}"):
            drop_slot(self.at_publisher, self.name, seconds)

    def drop(self, patience: Patience | None = None) -> None:
        """Remove all of this direction on both sides and put replica identities back.

        The other direction of the service needs those, too: drop both when a move is over, not one.
        """
        self.drop_subscription()
        self.drop_slot()
        with self.publisher.translated(f"removing the publication {self.name}"):
            unpublish(self.at_publisher, self.name)
            drop_login(self.at_publisher, self.name)
            restore_identities(self.at_publisher, self.service, patience)
            self.heartbeat.drop(self.at_publisher)
            self.changes.drop(self.at_publisher)
        with self.subscriber.translated(f"removing the heartbeat of {self.name}"):
            restore_identities(self.at_subscriber, self.service, patience)
            self.heartbeat.drop(self.at_subscriber)
            self.changes.drop(self.at_subscriber)
