"""Which rows changed since the last verification, read from the WAL by a slot of its own.

Inside a switch's pause there is no time to compare whole tables, and no need to: all rows were compared
a moment ago, at one instant, and the WAL says which were written since. A second logical slot, begun
before that instant, gives their keys; only those are compared. It is independent of what it checks: the
slot is not the one that replication applies from. docs/decisions/0033-keys-changed-since.md has the
alternatives and what they cost.

Reading consumes, so that the last read, inside the pause, has only the last moments to decode. Keys read
and not yet compared live in this process: when it dies, `pending_lost` is true for the next one, and a
new verification is what helps.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import psycopg
from psycopg import sql

from migration import digest
from migration.connections import Database
from migration.errors import WrongState
from migration.model import Table, TableName
from migration.pgoutput import Change, Decoder
from migration.replication import Flow
from migration.statements import statement
from migration.verification_model import Difference, Kind

Connection = psycopg.Connection[tuple[Any, ...]]
Key = tuple[str, ...]

WHOLE_TABLE_BYTES = 8 << 20
"""A table without a key, or truncated since, is compared whole inside the pause up to this size."""
_STANDBY_SNAPSHOT_SINCE = 160000
_DIGEST = digest.Digest()


@dataclass
class Changed:
    """What changed: keys by table, and tables of which everything may have."""

    keys: dict[TableName, set[Key]] = field(default_factory=dict)
    whole: set[TableName] = field(default_factory=set)

    def __len__(self) -> int:
        return sum(len(keys) for keys in self.keys.values()) + len(self.whole)


@dataclass(frozen=True)
class ComparedKeys:
    """The verdict on what changed."""

    keys: int
    differences: tuple[Difference, ...]
    not_compared: tuple[TableName, ...]
    """Tables too large to compare whole, of which it is not known by key what changed."""


class ChangedKeys(AbstractContextManager["ChangedKeys"]):
    """The tracker of one flow's publisher. One process at a time uses it (the operator's lock)."""

    def __init__(self, flow: Flow, tables: Sequence[Table]) -> None:
        self._flow = flow
        self._tables = {table.name: table for table in tables if table.holds_rows}
        self.slot = f"{flow.name}_keys"
        self.pending = Changed()
        self._database = flow.publisher
        self._connection = self._database.connect(application_name="waqiti-migration-keys")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def begin(self) -> None:
        """Forget what is pending and watch from now on. Call it before the snapshots of a verification."""
        self.drop()
        with self._database.translated(f"making the slot {self.slot}"):
            self._connection.execute(
                "SELECT pg_catalog.pg_create_logical_replication_slot(%s, 'pgoutput')", [self.slot]
            )
            self._mark(self._position())
        self.pending = Changed()

    def drop(self) -> None:
        """Remove the slot, which lets the publisher's WAL go."""
        with self._database.translated(f"dropping the slot {self.slot}"):
            self._connection.execute(
                "SELECT pg_catalog.pg_drop_replication_slot(slot_name)"
                " FROM pg_catalog.pg_replication_slots WHERE slot_name = %s",
                [self.slot],
            )

    def pending_lost(self) -> bool:
        """Whether keys were read by a process that died before they were compared, or nothing is tracked."""
        with self._database.translated(f"reading the slot {self.slot}"):
            position = self._position()
            row = self._connection.execute("SELECT to_regclass('waqiti_migration.keys_compared')").fetchone()
            if position is None or row is None or row[0] is None:
                return True
            row = self._connection.execute(
                "SELECT position::text FROM waqiti_migration.keys_compared WHERE slot = %s", [self.slot]
            ).fetchone()
        return row is None or row[0] != position

    def collect(self, *, last_before_pause: bool = False) -> Changed:
        """Read what has changed since the last time; returns all that is pending.

        With `last_before_pause`, the server notes a point to decode from, so that the next call (inside the
        pause) has little to decode. Raises WrongState when nothing is tracked.
        """
        with self._database.translated(f"reading what changed in {self._flow.service}"):
            if self._position() is None:
                raise WrongState(
                    f"{self._flow.service} was not verified since it started: run `verify` first"
                )
            if last_before_pause:
                self._note_restart_point()
            decoder = Decoder()
            with self._connection.transaction():
                digest.prepare(self._connection)
                rows = self._connection.execute(
                    "SELECT data FROM pg_catalog.pg_logical_slot_get_binary_changes("
                    "%s, NULL, NULL, 'proto_version', '1', 'publication_names', %s)",
                    [self.slot, self._flow.name],
                ).fetchall()
        for (message,) in rows:
            for change in decoder.decode(message):
                self._note(change)
        return self.pending

    def settled(self) -> None:
        """Record that all that is pending was compared and is equal. Nothing was collected meanwhile."""
        with self._database.translated(f"recording what was compared of {self._flow.service}"):
            self._mark(self._position())
        self.pending = Changed()

    def _note(self, change: Change) -> None:
        table = self._tables.get(change.table)
        if table is None:
            return
        if table.key is None or change.truncated:
            self.pending.whole.add(change.table)
            return
        for row in change.rows:
            values = [row.get(column) for column in table.key]
            if any(value is None for value in values):
                # A key out of line that did not change: only the whole table is certain.
                self.pending.whole.add(change.table)
            else:
                key = tuple(value for value in values if value is not None)
                self.pending.keys.setdefault(change.table, set()).add(key)

    def _position(self) -> str | None:
        row = self._connection.execute(
            "SELECT confirmed_flush_lsn::text FROM pg_catalog.pg_replication_slots WHERE slot_name = %s",
            [self.slot],
        ).fetchone()
        return None if row is None else str(row[0])

    def _mark(self, position: str | None) -> None:
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS waqiti_migration.keys_compared"
            " (slot text PRIMARY KEY, position pg_lsn NOT NULL)"
        )
        self._connection.execute(
            "INSERT INTO waqiti_migration.keys_compared VALUES (%s, %s)"
            " ON CONFLICT (slot) DO UPDATE SET position = excluded.position",
            [self.slot, position],
        )

    def _note_restart_point(self) -> None:
        if self._connection.info.server_version >= _STANDBY_SNAPSHOT_SINCE:
            row = self._connection.execute(
                "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_log_standby_snapshot()', 'EXECUTE')"
            ).fetchone()
            if row is not None and row[0]:
                self._connection.execute("SELECT pg_catalog.pg_log_standby_snapshot()")
                return
        # Making a slot notes one, too.
        name = f"{self.slot}_point"
        self._connection.execute(
            "SELECT pg_catalog.pg_create_logical_replication_slot(%s, 'pgoutput', true)", [name]
        )
        self._connection.execute("SELECT pg_catalog.pg_drop_replication_slot(%s)", [name])


Held = dict[Key, list[tuple[int, ...]]]
"""Rows by key: the hashes of each, more than one where the key is there twice."""


def compare_changed(
    publisher: Database,
    subscriber: Database,
    sessions: tuple[Connection, Connection],
    tables: Sequence[Table],
    changed: Changed,
) -> ComparedKeys:
    """Compare the rows that changed, in one transaction of each session.

    `sessions` are in autocommit mode (both sides at rest), or in transactions of snapshots of the same
    instant. Raises the errors of `Database.translated`.
    """
    by_name = {table.name: table for table in tables}
    left_out = tuple(sorted(name for name in changed.whole if by_name[name].bytes > WHOLE_TABLE_BYTES))
    wanted = [
        (by_name[name], None if name in changed.whole else changed.keys[name])
        for name in sorted(changed.keys.keys() | changed.whole)
        if name not in left_out
    ]
    # Both servers at once: inside a pause each round trip counts.
    with ThreadPoolExecutor(2, thread_name_prefix="compare") as both:
        there, here = both.map(_all_held, (publisher, subscriber), sessions, (wanted, wanted))
    differences: list[Difference] = []
    for (table, keys), one, two in zip(wanted, there, here, strict=True):
        if keys is not None:
            differences += _differences(table, one, two)
        elif one != two:
            differences.append(Difference(table.name, "changed", {"table": "some row"}))
    return ComparedKeys(len(changed), tuple(differences), left_out)


def _all_held(
    database: Database, session: Connection, wanted: Sequence[tuple[Table, set[Key] | None]]
) -> list[Held]:
    """What one side holds of each table: the rows of these keys, or the sums of all its rows."""
    with database.translated("comparing what changed"), session.transaction():
        digest.prepare(session)
        return [
            {(): [_totals(database, session, table)]} if keys is None
            else _held(database, session, table, keys)
            for table, keys in wanted
        ]  # fmt: skip


def _held(database: Database, session: Connection, table: Table, keys: set[Key]) -> Held:
    """The rows of these keys on one side: key to hashes, more than one where the key is there twice."""
    key = table.key or ()
    types = {column.name: column.type for column in table.columns}
    hash1, hash2 = _DIGEST.pair_of("image")
    composed = statement("verify_keys").format(
        key_values=digest.texts(key),
        hash1=hash1,
        hash2=hash2,
        image=digest.image([column.name for column in table.columns]),
        arrays=sql.SQL(", ").join(
            # The type is as the server printed it, quoted where it must be.
            sql.SQL("%s::pg_catalog.text[]::{}[]").format(sql.SQL(types[column]))
            for column in key
        ),
        columns=sql.SQL(", ").join(sql.Identifier(column) for column in key),
        table=sql.SQL("ONLY ") + table.name.identifier(),
    )
    parameters = [list(values) for values in zip(*sorted(keys), strict=True)]
    held: Held = {}
    with database.translated(f"comparing the changed rows of {table.name}"):
        for values, one, two in session.execute(composed, parameters):
            held.setdefault(tuple(values), []).append((one, two))
    return held


def _totals(database: Database, session: Connection, table: Table) -> tuple[int, ...]:
    hash1, hash2 = _DIGEST.pair_of("image")
    composed = statement("verify_totals").format(
        hash1=hash1,
        hash2=hash2,
        image=digest.image([column.name for column in table.columns]),
        table=sql.SQL("ONLY ") + table.name.identifier(),
        range=sql.SQL("true"),
    )
    with database.translated(f"comparing {table.name}"):
        row = session.execute(composed).fetchone()
    return tuple(int(value) for value in row or ())


def _differences(table: Table, there: Held, here: Held) -> list[Difference]:
    found = []
    for key in sorted(there.keys() | here.keys()):
        one, two = sorted(there.get(key, [])), sorted(here.get(key, []))
        if one != two:
            kind: Kind = "changed" if one and two else "missing" if one else "extra"
            found.append(Difference(table.name, kind, dict(zip(table.key or (), key, strict=True))))
    return found
