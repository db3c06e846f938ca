"""Reads what the output plugin `pgoutput` writes, protocol version 1: whose rows changed, by which values.

The format is PostgreSQL's, "Logical Replication Message Formats" in its documentation. Only what names
rows, and the transaction that wrote them, is kept: commit, origin and type messages are passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from migration.catalog.tables import TableName

Value = str | None
Row = dict[str, Value]
"""Column to value as text. Columns whose values were not sent (unchanged, out of line) are left out."""


@dataclass(frozen=True)
class Change:
    """One row that was written, as it was named before and after; or a truncated table."""

    table: TableName
    new: Row | None = None
    """The row as it is afterwards; None where it was deleted."""
    old: Row | None = None
    """The row as it was, or its key, where the server sent one."""
    whole: bool = False
    """Whether `old` is all of the row: its table's replica identity is FULL."""
    truncated: bool = False

    @property
    def rows(self) -> tuple[Row, ...]:
        """What names the row, before and after."""
        return tuple(row for row in (self.old, self.new) if row is not None)


@dataclass(frozen=True)
class Transaction:
    """What one transaction wrote, in the order in which transactions were committed."""

    xid: int
    """The low 32 bits of its number."""
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class _Relation:
    name: TableName
    columns: tuple[str, ...]


@dataclass
class Decoder:
    """Keeps what a stream of messages says about tables; one for each call that starts a stream."""

    _relations: dict[int, _Relation] = field(default_factory=dict)

    def decode(self, message: bytes) -> Iterator[Change]:
        """The changes of one message: none, one, or one for each truncated table."""
        reader = _Reader(message)
        kind = reader.char()
        if kind == "R":
            number = reader.unsigned32()
            # pgoutput sends an empty name for pg_catalog.
            name = TableName(reader.string() or "pg_catalog", reader.string())
            reader.char()
            self._relations[number] = _Relation(name, tuple(_columns(reader)))
        elif kind in "IUD":
            relation = self._relations[reader.unsigned32()]
            rows: dict[str, Row] = {}
            while reader.left:
                marker = reader.char()
                rows[marker] = _tuple(reader, relation.columns)
            key, old, new = rows.get("K"), rows.get("O"), rows.get("N")
            if key is not None:
                # The key columns alone come as a whole row whose other columns are null.
                old = {column: value for column, value in key.items() if value is not None}
            yield Change(relation.name, new, old, whole="O" in rows)
        elif kind == "T":
            count = reader.unsigned32()
            reader.char()
            for _ in range(count):
                yield Change(self._relations[reader.unsigned32()].name, truncated=True)

    def transactions(self, messages: Iterable[bytes]) -> Iterator[Transaction]:
        """The same by transaction, from messages that begin with one's beginning."""
        xid: int | None = None
        changes: list[Change] = []
        for message in messages:
            if message.startswith(b"B"):
                if xid is not None:
                    yield Transaction(xid, tuple(changes))
                reader = _Reader(message)
                reader.bytes(1 + 8 + 8)
                xid, changes = reader.unsigned32(), []
            else:
                changes += self.decode(message)
        if xid is not None:
            yield Transaction(xid, tuple(changes))


def _columns(reader: _Reader) -> Iterator[str]:
    for _ in range(reader.unsigned16()):
        reader.char()
        yield reader.string()
        reader.unsigned32()
        reader.unsigned32()


def _tuple(reader: _Reader, columns: tuple[str, ...]) -> Row:
    row: Row = {}
    for index in range(reader.unsigned16()):
        kind = reader.char()
        if kind == "n":
            row[columns[index]] = None
        elif kind in "tb":
            row[columns[index]] = reader.bytes(reader.unsigned32()).decode()
    return row


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def bytes(self, count: int) -> bytes:
        if count > self.left:
            raise ValueError(f"a message of pgoutput ends {count - self.left} bytes early")
        self._at += count
        return self._data[self._at - count : self._at]

    def char(self) -> str:
        return self.bytes(1).decode("latin-1")

    def unsigned16(self) -> int:
        value: int = struct.unpack(">H", self.bytes(2))[0]
        return value

    def unsigned32(self) -> int:
        value: int = struct.unpack(">I", self.bytes(4))[0]
        return value

    def string(self) -> str:
        end = self._data.index(b"\0", self._at)
        text = self._data[self._at : end].decode()
        self._at = end + 1
        return text
