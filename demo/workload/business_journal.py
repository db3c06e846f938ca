"""The workload's own record of what it began and finished, against which the databases are checked.

One JSON line when a business transaction begins, with all that is needed to repeat it, and one when
it has ended. A line is one write to a file opened for appending, so killing the process loses none
that was acknowledged. Repeating a transaction that did finish changes nothing.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

Kind = Literal["register", "fund", "pay", "refund", "report"]
KINDS: tuple[Kind, ...] = ("register", "fund", "pay", "refund", "report")
Ending = Literal["done", "declined"]


@dataclass(frozen=True)
class BusinessTransaction:
    """What a customer asked for; the same values each time it is tried."""

    id: UUID
    kind: Kind
    values: Mapping[str, int | str]
    """Wallets, users, amount (in cents) and what else the kind needs."""

    def number(self, name: str) -> int:
        """A value that is a number."""
        return int(self.values[name])


@dataclass(frozen=True)
class JournalContents:
    """A journal read back."""

    done: dict[UUID, BusinessTransaction]
    declined: dict[UUID, BusinessTransaction]
    unfinished: dict[UUID, BusinessTransaction]


class BusinessJournal:
    """The file, opened for appending; used from many threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            os.write(self._file, b"\n")  # a line cut off by a full disk or a crash of the machine

    def begin(self, transaction: BusinessTransaction) -> None:
        """Note that `transaction` is about to be tried."""
        self._write(
            {
                "event": "begin",
                "id": str(transaction.id),
                "kind": transaction.kind,
                "values": dict(transaction.values),
            }
        )

    def end(self, transaction: BusinessTransaction, ending: Ending) -> None:
        """Note that every step of `transaction` was acknowledged, or that it was turned down."""
        self._write({"event": ending, "id": str(transaction.id)})

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, line: dict[str, object]) -> None:
        data = json.dumps({"time": round(time.time(), 6), **line}, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            os.write(self._file, data)


def read_journal(path: Path) -> JournalContents:
    """Read a journal, which may be being written; a half-written last line is left out."""
    begun: dict[UUID, BusinessTransaction] = {}
    ended: dict[UUID, str] = {}
    if path.exists():
        for line in path.read_bytes().split(b"\n"):
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            identity = UUID(entry["id"])
            if entry["event"] == "begin":
                begun[identity] = BusinessTransaction(identity, entry["kind"], entry["values"])
            else:
                ended[identity] = entry["event"]
    return JournalContents(
        done={key: value for key, value in begun.items() if ended.get(key) == "done"},
        declined={key: value for key, value in begun.items() if ended.get(key) == "declined"},
        unfinished={key: value for key, value in begun.items() if key not in ended},
    )
