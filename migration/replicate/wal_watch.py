"""Watches how much WAL slots keep on their servers' disks; stops what is done before a disk is at risk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from core.errors import GateClosed, Interrupted, MigrationError
from migration.replicate.flow import Flow

POLL_SECONDS = 1.0
WAL_LIMIT_BYTES = 10 << 30
"""What a slot may keep where nobody says otherwise."""


@dataclass(frozen=True)
class WatchedSlot:
    """A slot, and how to learn what it keeps."""

    name: str
    label: str
    """Its server, as a person calls it."""
    retained: Callable[[], int]
    """Bytes of WAL that it keeps; raises MigrationError."""

    def check(self, retained_bytes: int, limit_bytes: int) -> None:
        """Raises GateClosed when the slot retains more than it may."""
        if retained_bytes > limit_bytes:
            raise GateClosed(
                f"the slot {self.name} keeps {retained_bytes >> 20} MiB of WAL on {self.label}, over the "
                f"limit of {limit_bytes >> 20} MiB; the move was stopped before that disk is full: move at a "
                "quieter time, or raise --wal-limit if the disk has room"
            )


def slot_of(flow: Flow) -> WatchedSlot:
    """The slot that a flow's subscriber reads."""

    def retained() -> int:
        slot = flow.lag_of_slot()
        return 0 if slot is None else slot[3]

    return WatchedSlot(flow.name, flow.publisher.label, retained)


@contextmanager
def wal_watch(
    slots: Sequence[WatchedSlot], limit_bytes: int, stop: threading.Event
) -> Iterator[threading.Event]:
    """Yield an event that is set when `stop` is, or when a slot retains more than `limit_bytes`.

    What is done inside takes that event as its own `stop`, and raises Interrupted when it is set; that
    becomes GateClosed where the limit was the reason.
    """
    ours, done = threading.Event(), threading.Event()
    reached: list[tuple[WatchedSlot, int]] = []
    lost: list[MigrationError] = []

    def look() -> None:
        while not done.wait(POLL_SECONDS if not stop.is_set() else 0):
            if stop.is_set():
                ours.set()
                return
            try:
                reached.extend((slot, kept) for slot in slots if (kept := slot.retained()) > limit_bytes)
            except MigrationError as error:
                # Work that only client programs do would wait on for a server that is silent.
                lost.append(error)
            if reached or lost:
                ours.set()
                return

    thread = threading.Thread(target=look, name="wal-watch", daemon=True)
    thread.start()
    try:
        yield ours
    except Interrupted:
        for slot, kept in reached:
            slot.check(kept, limit_bytes)
        for error in lost:
            raise error from None
        raise
    finally:
        done.set()
        thread.join()
