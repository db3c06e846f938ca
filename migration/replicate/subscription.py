"""A subscription on its server: made, found out about, started, stopped, dropped."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from psycopg import sql

from core.errors import StepTimeout
from core.sessions.queries import queries
from core.sessions.session import Connection
from core.sessions.settings import APPLYING, known
from migration.replicate.settings import hold, let_go

query = queries(__package__)


ORIGIN_SINCE = 160000
"""Subscriptions know `origin` (and `run_as_owner`) since PostgreSQL 16, and publishers send it since then."""
_POLL_SECONDS = 0.002
_TELLS_WORKERS = 160_000
"""From this version on a worker is told when its subscription is altered."""


@dataclass(frozen=True)
class SubscriptionState:
    """A subscription as its server shows it."""

    enabled: bool
    worker: int | None
    """Process id of its apply worker, if one runs."""
    errors: int
    """Errors since it was made, of applying or of a connection that was lost; the worker is started again."""
    oid: int
    slot: str | None
    """The slot that it takes changes from, on the server that it follows."""
    worker_seconds: float | None = None
    """How long its apply worker has run; None where none does, or where the role may not see it."""

    def __str__(self) -> str:
        if not self.enabled:
            return f"the subscription is disabled, after {self.errors} errors"
        after = f", after {self.errors} errors" if self.errors else ""
        if self.worker is not None:
            return f"its worker runs{after}"
        return f"its worker is not running{after}; it is started again by itself"


class Subscription:
    """The subscription `name`, to the publication of the same name."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._identifier = sql.Identifier(name)

    def state(self) -> SubscriptionState | None:
        """None when there is no such subscription."""
        row = self._connection.execute(query("subscription"), {"subscription": self._name}).fetchone()
        return None if row is None else SubscriptionState(row[0], row[1], row[2] or 0, row[4], row[3], row[5])

    def make(self, conninfo: str, publisher_version: int, *, slot: str, enabled: bool) -> None:
        """Create it, or renew its connection and slot; `publisher_version` as libpq gives it (150004)."""
        self._hush()
        literal = sql.Literal(conninfo)
        try:
            with self._connection.transaction():
                there = self.state() is not None
                if there:
                    self.take(slot)
                    self._connection.execute(
                        sql.SQL("ALTER SUBSCRIPTION {} CONNECTION {}").format(self._identifier, literal)
                    )
                else:
                    self._connection.execute(self._create(literal, publisher_version, slot, enabled))
                # Its worker begins after this, under them.
                version = self._connection.info.server_version
                hold(self._connection, "SUBSCRIPTION", self._name, self._owner(), known(APPLYING, version))
        finally:
            if not self._connection.closed:
                # pg_stat_activity shows a session's last statement, and that one held a password.
                self._connection.execute("SELECT")
        if there and enabled:
            self.start()

    def take(self, slot: str) -> None:
        """Follow from this slot from now on, if it is there and did not before."""
        state = self.state()
        if state is not None and state.slot != slot:
            self._connection.execute(
                sql.SQL("ALTER SUBSCRIPTION {} SET (slot_name = {})").format(
                    self._identifier, sql.Literal(slot)
                )
            )

    def start(self) -> None:
        """Enable it; its worker starts within moments."""
        self._connection.execute(sql.SQL("ALTER SUBSCRIPTION {} ENABLE").format(self._identifier))

    def disable(self) -> None:
        """Disable it if it is there, without waiting for its worker."""
        if self.state() is not None:
            self._connection.execute(sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(self._identifier))

    def stop(
        self, seconds: float, *, end_after: float | None = None, wake: Callable[[], None] | None = None
    ) -> None:
        """Disable it and wait until its worker has ended. Raises StepTimeout.

        `wake` makes the publisher send something: before PostgreSQL 16 a worker that waits for changes is
        not told that it was disabled, and looks only when something comes, or after a second.

        A worker that connects to a silent publisher does not look whether it is disabled: after `end_after`
        seconds (half of `seconds`, if not given) it is ended, where the role may. It is not started again.
        """
        if self.state() is None:
            return
        self._connection.execute(sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(self._identifier))
        if wake is not None and self._connection.info.server_version < _TELLS_WORKERS:
            wake()
        begun = time.monotonic()
        deadline = begun + seconds
        end_at: float | None = begun + (seconds / 2 if end_after is None else end_after)
        while (state := self.state()) is not None and state.worker is not None:
            if end_at is not None and time.monotonic() > end_at:
                end_at = None
                with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
                    self._connection.execute("SELECT pg_catalog.pg_terminate_backend(%s)", [state.worker])
            if time.monotonic() > deadline:
                raise StepTimeout(
                    f"the apply worker (pid {state.worker}) of {self._name} did not end in {seconds:g} s; "
                    "end it with pg_terminate_backend, then run it again"
                )
            time.sleep(_POLL_SECONDS)

    def refresh(self) -> None:
        """Take over tables that joined the publication, without copying them."""
        self._connection.execute(
            sql.SQL("ALTER SUBSCRIPTION {} REFRESH PUBLICATION WITH (copy_data = false)").format(
                self._identifier
            )
        )

    def drop(self, seconds: float) -> None:
        """Remove it; the slot on the other side stays, also when that side does not answer."""
        if self.state() is None:
            return
        self.stop(seconds)
        with self._connection.transaction():
            let_go(self._connection, "SUBSCRIPTION", self._name)
            self._connection.execute(
                sql.SQL("ALTER SUBSCRIPTION {} SET (slot_name = NONE)").format(self._identifier)
            )
            self._connection.execute(sql.SQL("DROP SUBSCRIPTION {}").format(self._identifier))

    def _create(
        self, conninfo: sql.Composable, publisher_version: int, slot: str, enabled: bool
    ) -> sql.Composed:
        options = {
            "enabled": "true" if enabled else "false",
            "create_slot": "false",
            "copy_data": "false",
            "slot_name": slot,
            # Commit order is what heartbeats and snapshots rest on.
            "streaming": "off",
            # A publisher that restarts counts as an error (docs/decisions/0035-following-goes-on.md).
            "disable_on_error": "false",
        }
        version = self._connection.info.server_version
        if version >= ORIGIN_SINCE:
            # Row security may be forced on owners; the migration's role is the one that bypasses it.
            options["run_as_owner"] = "true"
        if min(version, publisher_version) >= ORIGIN_SINCE:
            options["origin"] = "none"
        listed = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(key), sql.Literal(value))
            for key, value in options.items()
        )
        return sql.SQL("CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION {} WITH ({})").format(
            self._identifier, conninfo, self._identifier, listed
        )

    def _owner(self) -> str:
        """The role that its worker runs as."""
        row = self._connection.execute(
            "SELECT pg_catalog.pg_get_userbyid(subowner)::text FROM pg_catalog.pg_subscription"
            " WHERE subname = %s AND subdbid = (SELECT oid FROM pg_catalog.pg_database"
            " WHERE datname = pg_catalog.current_database())",
            [self._name],
        ).fetchone()
        if row is None:
            raise AssertionError("a subscription that was just made is there")
        return str(row[0])

    def _hush(self) -> None:
        """Keep the statement that holds a password out of the server's log, as far as the role may."""
        for setting, value in (
            ("log_statement", "none"),
            ("log_min_duration_statement", "-1"),
            ("log_min_duration_sample", "-1"),
            ("log_min_error_statement", "panic"),
            ("pg_stat_statements.track_utility", "off"),
            # It blots out passwords of roles, not those of a subscription.
            ("pgaudit.log", "none"),
        ):
            self._connection.execute(
                "SELECT pg_catalog.set_config(%(setting)s, %(value)s, false)"
                " WHERE pg_catalog.has_parameter_privilege(%(setting)s, 'SET')",
                {"setting": setting, "value": value},
            )
