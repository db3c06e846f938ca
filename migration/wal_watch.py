"""Watches how much WAL a slot keeps on the publisher's disk, and stops a move before that disk is at risk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from migration.errors import GateClosed, Interrupted, MigrationError
from migration.replication import Flow

POLL_SECONDS = 1.0
WAL_LIMIT_BYTES = 10 << 30
"""What a slot may keep where nobody says otherwise."""


def check_retained(flow: Flow, retained_bytes: int, limit_bytes: int) -> None:
    """Raises GateClosed when the slot retains more than it may."""
    if retained_bytes > limit_bytes:
        raise GateClosed(
            f"the slot {flow.name} keeps {retained_bytes >> 20} MiB of WAL on {flow.publisher.label}, over "
            f"the limit of {limit_bytes >> 20} MiB; the move was stopped before that disk is full: move at a "
            "quieter time, or raise --wal-limit if the disk has room"
        )


@contextmanager
def wal_watch(flow: Flow, limit_bytes: int, stop: threading.Event) -> Iterator[threading.Event]:
    """Yield an event that is set when `stop` is, or when the slot retains more than `limit_bytes`.

    What is done inside takes that event as its own `stop`, and raises Interrupted when it is set; that
    becomes GateClosed where the limit was the reason.
    """
    ours, done = threading.Event(), threading.Event()
    reached: list[int] = []
    lost: list[MigrationError] = []

    def look() -> None:
        while not done.wait(POLL_SECONDS if not stop.is_set() else 0):
            if stop.is_set():
                ours.set()
                return
            try:
                slot = flow.lag_of_slot()
            except MigrationError as error:
                # Work that only client programs do would wait on for a server that is silent.
                lost.append(error)
                ours.set()
                return
            if slot is not None and slot[3] > limit_bytes:
                reached.append(slot[3])
                ours.set()
                return

    thread = threading.Thread(target=look, name="wal-watch", daemon=True)
    thread.start()
    try:
        yield ours
    except Interrupted:
        for retained in reached:
            check_retained(flow, retained, limit_bytes)
        for error in lost:
            raise error from None
        raise
    finally:
        done.set()
        thread.join()
