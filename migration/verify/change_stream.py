"""What one server's WAL says of a publication's tables, read from a slot of its own.

Reading consumes, so that the last read, inside a switch's pause, has only the last moments to decode.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from components.replication_roles import server_wide
from core.errors import WrongState
from core.rows import digest
from core.sessions.connections import Database
from migration.replicate.slots import drop_slot
from migration.verify.pgoutput import Decoder, Transaction

AT_ONCE = 50_000
"""Messages that one read holds in memory, and the rest of a transaction."""
_STANDBY_SNAPSHOT_SINCE = 160000


class ChangeStream:
    """The transactions of one server since `begin`, each read once. One process at a time uses it."""

    def __init__(self, database: Database, name: str, publication: str) -> None:
        """`name` is the slot's, without that of the database."""
        self.database = database
        self._name = name
        self._publication = publication
        self._connection = database.connect(application_name="waqiti-migration-keys")
        self.slot = server_wide(name, self._connection.info.dbname)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def begin(self) -> None:
        """Read from now on, and nothing from before."""
        self.drop()
        with self.database.translated(f"making the slot {self.slot}"):
            self._connection.execute(
                "SELECT pg_catalog.pg_create_logical_replication_slot(%s, 'pgoutput')", [self.slot]
            )

    def drop(self) -> None:
        """Remove the slot, which lets the server's WAL go."""
        with self.database.translated(f"dropping the slot {self.slot}"):
            drop_slot(self._connection, self._name)

    def retained(self) -> int:
        """Bytes of WAL that the slot keeps on the server's disk; 0 where it is not there."""
        with self.database.translated(f"reading the slot {self.slot}"):
            row = self._connection.execute(
                "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)"
                " FROM pg_catalog.pg_replication_slots WHERE slot_name = %s",
                [self.slot],
            ).fetchone()
        return int(row[0]) if row is not None and row[0] is not None else 0

    def read(self) -> Iterator[Transaction]:
        """What was committed since the last read, up to now. Raises WrongState when nothing is watched."""
        with self.database.translated(f"reading what changed from the slot {self.slot}"):
            if not self._is_there():
                raise WrongState(
                    f"the slot {self.slot} of {self.database.label} is gone, so what changed since the "
                    "verification is not known; nothing was switched: run it again"
                )
            # A slot is read up to what is on disk: applied and asynchronous commits may not be yet.
            self._connection.execute("SET synchronous_commit = on")
            row = self._connection.execute(
                "SELECT pg_catalog.pg_logical_emit_message(true, 'waqiti_migration', 'flush')::text"
            ).fetchone()
            upto = None if row is None else row[0]
            while True:
                messages = self._messages(upto)
                yield from Decoder().transactions(messages)
                if len(messages) < AT_ONCE:
                    return

    def note_restart_point(self) -> None:
        """Let the server note a point to decode from, so that the next read has little to decode."""
        with self.database.translated(f"noting where to decode from for {self.slot}"):
            if self._connection.info.server_version >= _STANDBY_SNAPSHOT_SINCE:
                row = self._connection.execute(
                    "SELECT pg_catalog.has_function_privilege("
                    "'pg_catalog.pg_log_standby_snapshot()', 'EXECUTE')"
                ).fetchone()
                if row is not None and row[0]:
                    self._connection.execute("SELECT pg_catalog.pg_log_standby_snapshot()")
                    return
            # Making a slot notes one, too.
            name = f"waqiti_point_{self._connection.info.backend_pid}"
            self._connection.execute(
                "SELECT pg_catalog.pg_create_logical_replication_slot(%s, 'pgoutput', true)", [name]
            )
            self._connection.execute("SELECT pg_catalog.pg_drop_replication_slot(%s)", [name])

    def _messages(self, upto: str | None) -> list[bytes]:
        with self._connection.transaction():
            # Values are printed under this session's settings, as they are where rows are compared.
            digest.prepare(self._connection)
            rows = self._connection.execute(
                "SELECT data FROM pg_catalog.pg_logical_slot_get_binary_changes("
                "%s, %s, %s, 'proto_version', '1', 'publication_names', %s)",
                [self.slot, upto, AT_ONCE, self._publication],
            ).fetchall()
        return [message for (message,) in rows]

    def _is_there(self) -> bool:
        return (
            self._connection.execute(
                "SELECT FROM pg_catalog.pg_replication_slots WHERE slot_name = %s", [self.slot]
            ).fetchone()
            is not None
        )
