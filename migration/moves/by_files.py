"""The part of `start` that brings tables as files instead of copying them: decisions 0160 to 0162."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any

from migration.catalog.tables import Table
from migration.physical import clone
from migration.physical.bring import Bringing, coming, fitting, give_up, keep_numbers_apart
from migration.physical.choose import decided, look
from migration.physical.places import in_one_line
from migration.replicate.wal_watch import WatchedSlot, wal_watch
from migration.schema.ahead import build_ahead
from migration.steps.context import OnlineMove

APART = "keep numbers of tables apart"


def choose(move: OnlineMove) -> None:
    """Decide whether the service's tables come as files, and say so. Raises FilesRefused."""
    if move.physical == "never":
        return
    found = look(
        move.service,
        move.source,
        move.target,
        move.own.tables,
        replicas=bool(move.own.replicas),
        bytes_per_second=move.pace.bytes_per_second,
    )
    if decided(move.service, found, move.physical):
        move.files = found
        ways = found.estimate
        move.progress.note(
            f"{move.name}: {len(ways.as_files)} of {len(move.own.tables)} tables come as files"
            f" (about {ways.files or 0:.0f} s; copied about {ways.copy:.0f} s)"
        )


def keep_apart(move: OnlineMove) -> Mapping[str, Any]:
    """Before anything is made on the target: no number of it is to be that of a table of long values."""
    if move.files is None:
        return {}
    with in_one_line():
        begin = keep_numbers_apart(move.service, move.target, move.files.numbers())
    return {"next": begin} if begin else {}


def be_running(move: OnlineMove) -> None:
    """The instance runs, and nothing of a base backup is left."""
    give_up(move.service, move.source)


def take(move: OnlineMove) -> Bringing | None:
    """Indexes and keys while the tables are empty, and the base backup; None: all is copied."""
    if move.files is None:
        return None
    files = fitting(move.source, move.target, move.files.estimate.as_files)
    oids = frozenset(table.oid for table in move.own.tables if table.name in files)
    with move.schema_dump() as dump:
        build_ahead(
            move.contract, move.plan, move.name, dump, move.target,
            tables=oids, workers=move.workers, progress=move.progress, stop=move.stop,
        )  # fmt: skip
    own = coming(move.source, move.target, files)
    bringing = Bringing(
        move.service, move.source, move.target, move.progress, move.stop, move.pace.bytes_per_second, own
    )
    with in_one_line(), _watched(move, bringing.slot) as stop:
        bringing.stop = stop
        bringing.take()
    return bringing


def put(move: OnlineMove, bringing: Bringing | None, lsn: str, stop: Event) -> Sequence[Table]:
    """Let the target have the files as of the slot's LSN; returns the tables that are left to be copied."""
    if bringing is None:
        return move.own.tables
    bringing.stop = stop
    move.progress.phase(f"{move.name}: files put in their places")
    with in_one_line():
        bringing.put(lsn)
    return [table for table in move.own.tables if table.name not in bringing.own]


@contextmanager
def _watched(move: OnlineMove, slot: str) -> Iterator[Event]:
    """The WAL that the base backup's slot keeps is limited, too."""
    with move.source.connect(application_name="waqiti-migration-files") as session:

        def kept() -> int:
            with move.source.translated(f"reading the slot {slot}"):
                return clone.retained(session, slot)

        watched = WatchedSlot(slot, move.source.label, kept)
        with wal_watch([watched], move.wal_limit_bytes, move.stop) as stop:
            yield stop
