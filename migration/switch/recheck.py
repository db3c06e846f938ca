"""What changed while a service was verified is compared again: outside the pause until little is left, and
the rest inside it. The same before a cutover and before a rollback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Self

from core.errors import VerificationFailed
from core.progress.units import size
from core.sessions.connections import Side
from core.sessions.session import Connection
from migration.copy.pace import held_back
from migration.replicate.flow import Direction
from migration.replicate.wal_watch import WatchedSlot, wal_watch
from migration.steps.context import OnlineMove
from migration.verify.change_stream import ChangeStream
from migration.verify.changed_compare import WHOLE_TABLE_BYTES, ComparedKeys, compare_changed
from migration.verify.changed_keys import Changed, ChangedKeys
from migration.verify.changed_rows import Instant
from migration.verify.compare import compare
from migration.verify.model import Difference, Verification
from migration.verify.scan import Reader, readers
from migration.verify.snapshots import Snapshots, consistent_snapshots

FEW_KEYS = 300
"""So many changed keys compare in some milliseconds."""
ROUNDS = 5
REPAIR = "`verify --repair` gives the side that follows the rows of the side that serves"


@dataclass(frozen=True)
class Found:
    """What the comparison inside the pause found."""

    differences: tuple[Difference, ...]
    figures: Mapping[str, Any]


@dataclass
class Recheck:
    """Verifies a service while it is written to, and what changes afterwards right up to the switch.

    `direction` is the replication that runs now: `forward` before a cutover, `back` before a rollback.
    """

    move: OnlineMove
    direction: Direction = "forward"
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _collecting: list[Future[None]] = field(default_factory=list)

    def __enter__(self) -> Self:
        move = self.move
        with contextlib.ExitStack() as stack:
            self._flow = stack.enter_context(move.forward() if self.direction == "forward" else move.back())
            self._tables = [t for t in move.own.relations if t.holds_rows and not t.unlogged]
            self._names = [table.name for table in self._tables]
            self._keys = stack.enter_context(ChangedKeys(self._flow, self._tables))
            self._collector = stack.enter_context(ThreadPoolExecutor(2, thread_name_prefix="changed-keys"))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """The slots go with the context: they keep WAL."""
        wait(self._collecting)  # their sessions are the ones that drop the slots
        with contextlib.suppress(Exception):
            self._keys.drop()
        self._stack.close()

    def verify(self) -> Verification:
        """Compare every row at one instant of both sides; changes from before it are remembered.

        Raises GateClosed when the slots that remember them keep more WAL than they may.
        """
        move = self.move
        self._keys.begin()
        slots = [WatchedSlot(s.slot, s.database.label, s.retained) for s in self._keys.streams]
        with (
            wal_watch(slots, move.wal_limit_bytes, move.stop) as stop,
            held_back(self._flow.publisher, move.pace, move.progress, what="comparison") as throttle,
            consistent_snapshots(self._flow, self._names) as snapshots,
            self._readers(snapshots) as sides,
        ):
            compared = compare(
                move.source,
                move.target,
                self._tables,
                source_snapshot=self._snapshot(snapshots, "source"),
                target_snapshot=self._snapshot(snapshots, "target"),
                workers=move.workers,
                progress=move.progress,
                stop=stop,
                throttle=throttle,
            )
            self._begin_from(sides)
        return compared

    def begin(self) -> None:
        """Instead of `verify`: compare only what changes from now on."""
        self._keys.begin()
        with (
            consistent_snapshots(self._flow, self._names) as snapshots,
            self._readers(snapshots) as sides,
        ):
            self._begin_from(sides)

    def narrow(self) -> int:
        """Compare what changed since, until it is little; returns how many keys and rows were compared.

        Raises VerificationFailed.
        """
        total = 0
        for _ in range(ROUNDS):
            # Before the snapshots: what is taken must be in them, or it would never be compared as it is.
            self._keys.collect()
            changed = self._keys.take()
            with (
                consistent_snapshots(self._flow, self._names) as snapshots,
                self._readers(snapshots) as sides,
            ):
                found, rows = self._compare_at(sides, changed)
            total += found.keys + rows
            if found.keys + rows <= FEW_KEYS:
                break
        self._keys.collect()
        for stream in self._keys.streams:
            stream.note_restart_point()
        return total

    def collect_there(self) -> None:
        """Begin to read, beside other steps, what changed last on the side that has no writer any more."""
        self._collect(self._keys.publisher)

    def collect_here(self) -> None:
        """The same on the side that followed, once it has applied everything and follows no more."""
        self._collect(self._keys.subscriber)

    def final(self, source: Connection, target: Connection) -> Found:
        """Inside the pause, with no writer on either side and all applied: compare the rest.

        Raises VerificationFailed where something cannot be compared in the time that there is.
        """
        collecting, self._collecting = self._collecting, []
        for one in collecting:
            one.result()
        changed, rows = self._keys.take(), self._keys.rows
        rows.until(None, None)
        move = self.move
        found = compare_changed(move.source, move.target, (source, target), self._tables, changed)
        if found.not_compared:
            raise VerificationFailed(
                f"which rows of {found.not_compared[0]} changed is not known, and it is larger than the "
                f"{size(WHOLE_TABLE_BYTES)} that are compared whole while clients wait; nothing was "
                "switched: run it again at a quieter time"
            )
        return Found(
            (*found.differences, *rows.differences()), {"keys": found.keys, "rows_without_key": len(rows)}
        )

    def require(self, differences: Sequence[Difference]) -> None:
        """Raise VerificationFailed, with what to do, unless there are none."""
        if not differences:
            return
        following = self._flow.subscriber.label
        shown = "; ".join(str(d) for d in differences[:3])
        more = f"; and {len(differences) - 3} more" if len(differences) > 3 else ""
        raise VerificationFailed(
            f"what changed since the verification differs on {following}: {shown}{more}; nothing was "
            f"switched: {REPAIR}, then run it again"
        )

    def _collect(self, stream: ChangeStream) -> None:
        self._collecting.append(self._collector.submit(self._keys.read, stream))

    def _begin_from(self, sides: Mapping[Side, Reader]) -> None:
        """Rows without a key are counted from these snapshots on."""
        self._keys.collect()
        self._keys.rows.until(_instant(sides["source"]), _instant(sides["target"]))
        self._keys.rows.settled()

    def _compare_at(self, sides: Mapping[Side, Reader], changed: Changed) -> tuple[ComparedKeys, int]:
        """Compare what changed up to these snapshots; returns how many rows without a key those were, too."""
        move, rows = self.move, self._keys.rows
        sessions = (sides["source"].coordinator, sides["target"].coordinator)
        found = compare_changed(
            move.source, move.target, sessions, self._tables, changed, whole_bytes=float("inf")
        )
        # Both are read beyond the snapshots, so that all of these is counted.
        self._keys.collect()
        rows.until(_instant(sides["source"]), _instant(sides["target"]))
        self.require((*found.differences, *rows.differences()))
        counted = len(rows)
        rows.settled()
        return found, counted

    @contextlib.contextmanager
    def _readers(self, snapshots: Snapshots) -> Iterator[dict[Side, Reader]]:
        source, target = self._snapshot(snapshots, "source"), self._snapshot(snapshots, "target")
        with readers(self.move.source, self.move.target, source, target) as sides:
            yield sides

    def _snapshot(self, snapshots: Snapshots, side: Side) -> str:
        return snapshots.publisher if self._flow.publisher.side == side else snapshots.subscriber


def _instant(reader: Reader) -> Instant:
    with reader.database.translated("reading its snapshot"):
        row = reader.coordinator.execute("SELECT pg_catalog.pg_current_snapshot()::text").fetchone()
    if row is None:
        raise AssertionError("a function returns its value")
    return Instant.parse(row[0])
