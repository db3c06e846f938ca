"""What changed while a service was verified is compared again: outside the pause until little is left, and
the rest inside it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Self

import psycopg

from migration.changed_keys import Changed, ChangedKeys, ComparedKeys, compare_changed
from migration.errors import VerificationFailed
from migration.online_move import OnlineMove
from migration.snapshots import consistent_snapshots
from migration.verification import compare
from migration.verification_model import Difference, Verification
from migration.verification_scan import readers

Connection = psycopg.Connection[tuple[Any, ...]]

FEW_KEYS = 300
"""So many changed keys compare in some milliseconds."""
ROUNDS = 5


@dataclass(frozen=True)
class Found:
    """What the comparison inside the pause found."""

    differences: tuple[Difference, ...]
    figures: Mapping[str, Any]


@dataclass
class Recheck:
    """Verifies a service while it is written to, and what changes afterwards right up to the switch."""

    move: OnlineMove
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _collecting: Future[Changed] | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._flow = stack.enter_context(self.move.forward())
            self._tables = [t for t in self.move.own.relations if t.holds_rows and not t.unlogged]
            self._names = [table.name for table in self._tables]
            self._keys = stack.enter_context(ChangedKeys(self._flow, self._tables))
            self._collector = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="changed-keys"))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """The slot goes with the context: it keeps the source's WAL."""
        if self._collecting is not None:
            wait([self._collecting])  # its session is the one that drops the slot
        with contextlib.suppress(Exception):
            self._keys.drop()
        self._stack.close()

    def verify(self) -> Verification:
        """Compare every row at one instant of both sides; changes from before it are remembered."""
        move = self.move
        self._keys.begin()
        with consistent_snapshots(self._flow, self._names) as snapshots:
            return compare(
                move.source, move.target, self._tables,
                source_snapshot=snapshots.publisher, target_snapshot=snapshots.subscriber,
                workers=move.workers, progress=move.progress, stop=move.stop,
            )  # fmt: skip

    def narrow(self) -> int:
        """Compare what changed since, until it is little; returns how many keys were compared.

        Raises VerificationFailed.
        """
        move = self.move
        total = 0
        for _ in range(ROUNDS):
            # Before the snapshots: what is taken must be in them, or it would never be compared as it is.
            changed = self._keys.collect()
            few = len(changed) <= FEW_KEYS
            with (
                consistent_snapshots(self._flow, self._names) as snapshots,
                readers(move.source, move.target, snapshots.publisher, snapshots.subscriber) as sides,
            ):
                sessions = (sides["source"].coordinator, sides["target"].coordinator)
                found = compare_changed(move.source, move.target, sessions, self._tables, changed)
            total += found.keys
            _require(found)
            self._keys.settled()
            if few:
                break
        self._keys.collect(last_before_pause=True)
        return total

    def collect(self) -> None:
        """Begin to read what changed last, beside other steps: the source has no writer any more."""
        self._collecting = self._collector.submit(self._keys.collect)

    def final(self, source: Connection, target: Connection) -> Found:
        """Inside the pause, with no writer on either side and the target caught up: compare the rest."""
        collecting, self._collecting = self._collecting, None
        changed = collecting.result() if collecting else self._keys.collect()
        found = compare_changed(self.move.source, self.move.target, (source, target), self._tables, changed)
        figures = {"keys": found.keys, "tables_left_out": [str(name) for name in found.not_compared]}
        return Found(found.differences, figures)


def _require(found: ComparedKeys) -> None:
    if found.differences:
        raise VerificationFailed(
            f"{len(found.differences)} rows that changed since the verification differ on the target: "
            f"{'; '.join(str(d) for d in found.differences[:3])}; nothing was switched: run `verify`"
        )
