"""Rows that came and went on both sides, counted by all of their values: for tables without a key.

Two sides that held the same rows at one instant hold the same rows now if as many of each came and went
since. Both WALs say what did: with replica identity FULL they name a row by all its values, before and
after. So tables of any size are compared without reading them, and a row that is equal for PostgreSQL
and not the same (1.0 and 1.00, 0.0 and -0.0) is another one here, also where replication took one for
the other.

Pure: transactions come in, differences go out.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Self

from core.sessions.connections import Side
from migration.catalog.tables import TableName
from migration.verify.model import Difference, Kind
from migration.verify.pgoutput import Change, Row, Transaction

_WRAP = 1 << 32


@dataclass(frozen=True)
class Instant:
    """Which transactions of a server a snapshot holds."""

    following: int
    """The number of the first that had not begun."""
    running: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of `pg_current_snapshot()::text`: `xmin:xmax:running,...`."""
        _, following, running = text.split(":")
        return cls(int(following), frozenset(int(xid) for xid in running.split(",") if xid))

    def holds(self, xid: int) -> bool:
        """Whether the transaction, of which the low 32 bits are given, is in the snapshot."""
        whole = self.following - self.following % _WRAP + xid
        # Numbers are nearer to each other than half of what 32 bits tell apart.
        if whole - self.following > _WRAP // 2:
            whole -= _WRAP
        elif self.following - whole > _WRAP // 2:
            whole += _WRAP
        return whole < self.following and whole not in self.running


@dataclass
class _Told:
    """What one side's WAL tells of one table."""

    emptied: bool = False
    """It was truncated; `rows` are what came since."""
    rows: Counter[bytes] = field(default_factory=Counter)


@dataclass
class ChangedRows:
    """What both sides' WAL tells since an instant at which they held the same rows."""

    keyless: Collection[TableName]
    """Tables whose rows are counted; of all others only that they were truncated."""
    tables: Collection[TableName]
    _waiting: dict[Side, list[Transaction]] = field(default_factory=lambda: {"source": [], "target": []})
    _told: dict[tuple[Side, TableName], _Told] = field(default_factory=lambda: defaultdict(_Told))

    def add(self, side: Side, transaction: Transaction) -> None:
        """Remember a transaction until `until` says whether it is counted."""
        kept = tuple(c for c in transaction.changes if c.table in self.keyless or c.truncated)
        if kept:
            self._waiting[side].append(Transaction(transaction.xid, kept))

    def until(self, source: Instant | None, target: Instant | None) -> None:
        """Count what these two instants hold, which are the same one; None: all there is."""
        instants: dict[Side, Instant | None] = {"source": source, "target": target}
        for side, instant in instants.items():
            later = []
            for transaction in self._waiting[side]:
                if instant is None or instant.holds(transaction.xid):
                    for change in transaction.changes:
                        self._count(side, change)
                else:
                    later.append(transaction)
            self._waiting[side] = later

    def settled(self) -> None:
        """Both sides hold the same rows at the instant of the last `until`: forget what came before."""
        self._told.clear()

    def differences(self) -> list[Difference]:
        """The tables that do not hold the same rows at the instant of the last `until`."""
        found = []
        for name in sorted({table for _, table in self._told}):
            there, here = self._told["source", name], self._told["target", name]
            if there.emptied != here.emptied:
                where = "source" if there.emptied else "target"
                found.append(Difference(name, "changed", {"truncated": f"on the {where} only"}))
                continue
            missing, extra = _more(there.rows, here.rows), _more(here.rows, there.rows)
            if missing or extra:
                kind: Kind = "changed" if missing and extra else "missing" if missing else "extra"
                found.append(Difference(name, kind, {"rows": str(max(missing, extra))}))
        return found

    def __len__(self) -> int:
        """Rows counted since they were settled last."""
        return sum(len(told.rows) for told in self._told.values())

    def _count(self, side: Side, change: Change) -> None:
        if change.table not in self.tables:
            return
        told = self._told[side, change.table]
        if change.truncated:
            told.emptied = True
            told.rows.clear()
            return
        old, new = change.old, change.new
        if new is not None and old is not None:
            # Values out of line that did not change are sent with the old row only.
            new = {**old, **new}
        for row, times in ((old, -1), (new, 1)):
            if row is not None:
                image = _image(row)
                told.rows[image] += times
                if not told.rows[image]:
                    del told.rows[image]


def _more(one: Counter[bytes], other: Counter[bytes]) -> int:
    """How many rows of the one are not in the other; counts may be negative on both sides."""
    return sum(max(0, one[image] - other[image]) for image in one.keys() | other.keys())


def _image(row: Row) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for column, value in sorted(row.items()):
        for part in (column, value):
            encoded = b"" if part is None else part.encode()
            digest.update(b"-" if part is None else b"%d:" % len(encoded))
            digest.update(encoded)
    return digest.digest()
