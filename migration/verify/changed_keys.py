"""Which rows changed since the last verification, read from the WAL of both sides by slots of their own.

Inside a switch's pause there is no time to compare whole tables, and no need to: all rows were compared
a moment ago, at one instant, and the WAL says which were written since. A second logical slot on the
publisher, begun before that instant, gives their keys; one on the subscriber gives those of what was
applied, so that a row that replication took for another is named, too. Only these rows are compared; those
of tables without a key are counted (`migration.verify.changed_rows`). The slots are independent of what they
check: replication does not apply from them. docs/decisions/0033-keys-changed-since.md and
0068-exact-both-ways.md have the alternatives and what they cost.

Keys read and not yet compared live in this process: when it dies, a new verification begins anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from components.replication_roles import flow_name
from migration.catalog.tables import Table, TableName
from migration.replicate.flow import Flow
from migration.replicate.slots import KEYS_SUFFIX, SEEN_SUFFIX
from migration.verify.change_stream import ChangeStream
from migration.verify.changed_rows import ChangedRows
from migration.verify.pgoutput import Change

Key = tuple[str, ...]


@dataclass
class Changed:
    """What changed: keys by table, and tables of which everything may have."""

    keys: dict[TableName, set[Key]] = field(default_factory=dict)
    whole: set[TableName] = field(default_factory=set)

    def __len__(self) -> int:
        return sum(len(keys) for keys in self.keys.values()) + len(self.whole)


class ChangedKeys(contextlib.AbstractContextManager["ChangedKeys"]):
    """The tracker of one flow's both ends. One process at a time uses it (the operator's lock)."""

    def __init__(self, flow: Flow, tables: Sequence[Table]) -> None:
        self._tables = {table.name: table for table in tables if table.holds_rows}
        self.pending = Changed()
        self.rows = self._uncounted()
        other = flow_name(flow.service, "back" if flow.direction == "forward" else "forward")
        with contextlib.ExitStack() as stack:
            self.publisher = stack.enter_context(
                ChangeStream(flow.publisher, flow.name + KEYS_SUFFIX, flow.name)
            )
            # Its side publishes the same tables, for the other direction.
            self.subscriber = stack.enter_context(
                ChangeStream(flow.subscriber, flow.name + SEEN_SUFFIX, other)
            )
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def streams(self) -> tuple[ChangeStream, ChangeStream]:
        """The publisher's and the subscriber's."""
        return self.publisher, self.subscriber

    def begin(self) -> None:
        """Forget what is pending and watch from now on. Call it before the snapshots of a verification."""
        for stream in self.streams:
            stream.begin()
        self.pending = Changed()
        self.rows = self._uncounted()

    def drop(self) -> None:
        """Remove the slots, which lets both servers' WAL go: that of one also when the other is down."""
        with contextlib.ExitStack() as stack:
            for stream in self.streams:
                stack.callback(stream.drop)

    def collect(self) -> None:
        """Read what has changed on both sides since the last time; it is then pending.

        Raises WrongState when nothing is watched.
        """
        for stream in self.streams:
            self.read(stream)

    def read(self, stream: ChangeStream) -> None:
        """The same for one side; both can be read at once."""
        side = stream.database.side
        for transaction in stream.read():
            self.rows.add(side, transaction)
            for change in transaction.changes:
                self._note(change)

    def take(self) -> Changed:
        """What is pending, to be compared; nothing is afterwards."""
        taken, self.pending = self.pending, Changed()
        return taken

    def _uncounted(self) -> ChangedRows:
        keyless = {name for name, table in self._tables.items() if table.key is None}
        return ChangedRows(keyless, self._tables.keys())

    def _note(self, change: Change) -> None:
        table = self._tables.get(change.table)
        if table is None or table.key is None:
            return
        for row in change.rows:
            values = [row.get(column) for column in table.key]
            if any(value is None for value in values):
                # A key out of line that did not change: only the whole table is certain.
                self.pending.whole.add(change.table)
            else:
                key = tuple(value for value in values if value is not None)
                self.pending.keys.setdefault(change.table, set()).add(key)
