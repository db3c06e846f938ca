"""Rows that are written on one side to see them arrive on the other: proof of order, and of delay.

Changes are applied in commit order, so when a heartbeat has arrived, so has all that was committed
before it.
"""

from __future__ import annotations

import time
import zlib
from datetime import datetime
from typing import Literal

from psycopg import sql

from core.errors import StepTimeout
from core.sessions.own_schema import SCHEMA, ensure_schema
from core.sessions.queries import queries, statements
from core.sessions.session import Connection

query = queries(__package__)
statement = statements(__package__)

Purpose = Literal["lag", "verify", "switch"]

_POLL_SECONDS = 0.001
_HOLD = "waqiti_migration_hold_apply"


class Heartbeat:
    """The heartbeat table of one direction; it exists under the same name on both sides."""

    def __init__(self, flow: str) -> None:
        self.name = f"heartbeat_{flow}"
        self.table = sql.Identifier(SCHEMA, self.name)
        self.lock_class = zlib.crc32(self.name.encode()) & 0x7FFFFFFF
        """First half of the advisory locks that hold the apply worker."""

    def create(self, connection: Connection) -> None:
        """Make the table unless it is there."""
        ensure_schema(connection)
        connection.execute(statement("heartbeat_table").format(heartbeat=self.table))

    def create_hold(self, connection: Connection) -> None:
        """On the subscriber: let the verifier hold the apply worker at a heartbeat of its own."""
        connection.execute(query("heartbeat_function"))
        composed = sql.SQL(
            "CREATE OR REPLACE TRIGGER {hold} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW"
            " WHEN (NEW.purpose = 'verify') EXECUTE FUNCTION waqiti_migration.hold_apply({lock});"
            " ALTER TABLE {table} ENABLE REPLICA TRIGGER {hold}"
        ).format(hold=sql.Identifier(_HOLD), table=self.table, lock=sql.Literal(str(self.lock_class)))
        connection.execute(composed)

    def drop(self, connection: Connection) -> None:
        """Remove the table if it is there."""
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(self.table))

    def beat(self, connection: Connection, purpose: Purpose) -> int:
        """On the publisher: write and commit a heartbeat; returns its number."""
        row = connection.execute(
            statement("heartbeat_beat").format(heartbeat=self.table), {"purpose": purpose}
        ).fetchone()
        if row is None:
            raise AssertionError("an upsert without a condition returns its row")
        number: int = row[0]
        return number

    def last(self, connection: Connection, purpose: Purpose) -> tuple[int, datetime] | None:
        """The newest heartbeat on this side: its number, and when it was written (the publisher's clock)."""
        row = connection.execute(
            sql.SQL("SELECT beat, at FROM {} WHERE purpose = {}").format(self.table, purpose)
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def wait(self, connection: Connection, purpose: Purpose, number: int, seconds: float) -> float:
        """On the subscriber: wait until a heartbeat has arrived; returns the seconds it took.

        Raises StepTimeout.
        """
        begun = time.monotonic()
        while True:
            last = self.last(connection, purpose)
            waited = time.monotonic() - begun
            if last is not None and last[0] >= number:
                return waited
            if waited > seconds:
                raise StepTimeout(
                    f"heartbeat {number} ({purpose}) did not arrive through replication in {seconds:g} s: "
                    "see the subscriber's log for why its apply worker lags or fails"
                )
            time.sleep(_POLL_SECONDS)
