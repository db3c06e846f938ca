"""A throttled copy is slower, whole, and stops as fast as any."""

from __future__ import annotations

import threading
import time

import pytest

from core.errors import Interrupted
from core.pacing import SMALLEST_SHARE
from core.progress.interface import Silent
from core.sessions.connections import Database
from migration.copy.pace import CopyPace, held_back
from migration.copy.tables import CopySizes, copy_tables
from migration.copy.throttle import RateLimit, SourceWatch, Throttle
from tests.support import copies
from tests.support.processes import children
from tests.support.proxy import Proxy

pytestmark = pytest.mark.integration

MEGABYTES = 96
MADE = "CREATE SCHEMA s; CREATE TABLE s.t (id int, filler text)"
FILLED = "INSERT INTO s.t SELECT k, repeat('x', 1000) FROM generate_series(1, 96000) k"
WAYS = {
    # Several pieces: what one moves before anybody looks is made up for ahead of the next.
    "clients": CopySizes(in_process=-1, smallest_piece=8 * 1024**2, smallest_crew=2),
    "in process": CopySizes(in_process=2**40),
}


@pytest.fixture
def ends(source_database: Database, target_database: Database) -> tuple[Database, Database]:
    for database in (source_database, target_database):
        with database.connect() as connection:
            connection.execute(MADE)
    with source_database.connect() as connection:
        connection.execute(FILLED)
    return source_database, target_database


def copy(
    ends: tuple[Database, Database], way: str, throttle: Throttle, stop: threading.Event | None = None
) -> int:
    with copies.exported_snapshot(ends[0]) as snapshot:
        done = copy_tables(
            ends[0],
            copies.tasks_of(*ends, "s"),
            snapshot,
            workers=2,
            progress=Silent(),
            stop=stop or threading.Event(),
            sizes=WAYS[way],
            throttle=throttle,
        )
    return sum(table.rows for table in done)


@pytest.mark.parametrize("way", WAYS)
def test_a_rate_is_kept_and_all_rows_arrive(ends: tuple[Database, Database], way: str) -> None:
    started = time.monotonic()
    assert copy(ends, way, RateLimit(MEGABYTES / 3 * 1e6)) == 96000
    # The last stretch before its end is not measured any more.
    assert time.monotonic() - started > 1.5


@pytest.mark.parametrize("way", WAYS)
def test_a_resting_copy_stops_within_a_second_and_leaves_no_client(
    ends: tuple[Database, Database], way: str
) -> None:
    stop = threading.Event()
    threading.Timer(1.5, stop.set).start()
    started = time.monotonic()
    with pytest.raises(Interrupted):
        copy(ends, way, RateLimit(100_000), stop)
    assert time.monotonic() - started < 1.5 + 1.0 + 0.5  # the catalogue takes its time, too
    assert [child for child in children() if "psql" in child.name] == []


def test_the_source_is_watched_while_it_is_copied_from(ends: tuple[Database, Database]) -> None:
    with SourceWatch(ends[0]) as governor:
        assert copy(ends, "clients", governor) == 96000
        assert governor.allowed > 0
        assert SMALLEST_SHARE <= governor.share.value <= 1


class Watcher(Silent):
    """Remembers why it was told that the copy is held back."""

    def __init__(self) -> None:
        self.reasons: list[str | None] = []
        self.notes: list[str] = []

    def held(self, why: str | None) -> None:
        self.reasons.append(why)

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_source_that_becomes_slow_holds_the_copy_back_and_says_why(
    ends: tuple[Database, Database],
) -> None:
    watcher = Watcher()
    with Proxy.to(ends[0]) as proxy:
        with held_back(proxy.seen_through(ends[0]), CopyPace(), watcher) as held:
            proxy.slow(0.05)
            while held.why() is None:
                time.sleep(0.05)
            assert copy(ends, "in process", held) == 96000
        figures = held.figures()
    assert figures["by"] == "source latency"
    assert figures["commit_ms_slowest"] >= 100 > figures["commit_ms_before"]
    assert figures["rested_s"] > 0.5
    assert any(why and why.startswith("commits took the source ") for why in watcher.reasons)
    assert watcher.reasons[-1] is None, "it is not held back any more"
    assert watcher.notes[0].startswith("the copy rested for the source's clients: ")
