"""What is due, what is obsolete, where a time is in the WAL: pure rules of the backups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.backup.entry import BackupEntry, format_duration, parse_duration, parse_window
from core.errors import NoSuchBackup
from operations.backup.catalogue import Backup
from operations.backup.due import due
from operations.backup.retention import obsolete
from operations.backup.state import TaskState
from operations.backup.wal import Segment, Switch, format_lsn, parse_history, parse_lsn, segments_between
from operations.restore.records import Commit, Records
from operations.restore.target import Stop, stop_at_point, stop_at_time

pytestmark = pytest.mark.unit

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
DAY = 86_400.0


def backup(number: int, ended: datetime, kind: Any = "full", parent: str | None = None) -> Backup:
    return Backup(
        id=f"b{number}", name=None, status="DONE", kind=kind, parent=parent, begin=ended, end=ended,
        begin_lsn=number * 100, end_lsn=number * 100 + 50, begin_wal=None, timeline=1, bytes=1, system="1",
        error=None, folder=Path("/nowhere"),
    )  # fmt: skip


def daily(count: int, until: datetime = NOW) -> list[Backup]:
    return [backup(i, until - timedelta(days=count - 1 - i)) for i in range(count)]


def policy(**said: Any) -> dict[str, Any]:
    return BackupEntry.model_validate(said).policy.model_dump()


def old(found: list[Backup], **said: Any) -> list[str]:
    return [
        one.id
        for one in obsolete(
            found, **{"keep": 3 * DAY, "keep_at_least": 2, "full_every": DAY, "now": NOW.timestamp()} | said
        )
    ]


def test_the_newest_backup_beyond_the_window_stays_for_its_oldest_point() -> None:
    assert old(daily(7)) == ["b0", "b1", "b2"]


def test_the_least_number_stays_whatever_its_age() -> None:
    assert old(daily(3, NOW - timedelta(days=90)), keep=DAY) == ["b0"]


def test_a_clock_30_days_ahead_for_one_run_makes_nothing_obsolete() -> None:
    found = [*daily(3), backup(9, NOW + timedelta(days=30))]
    assert old(found, now=(NOW + timedelta(days=30)).timestamp()) == []


def test_a_first_backup_is_due_at_once_even_outside_the_window() -> None:
    assert due(policy(window="01:00-02:00"), [], {}, now=NOW.timestamp()) == "full"


def test_a_full_one_waits_for_its_window() -> None:
    found = [backup(1, NOW - timedelta(days=3))]
    tasks = {"check": TaskState(done=NOW.timestamp()), "retention": TaskState(done=NOW.timestamp())}
    now, inside = NOW.timestamp(), NOW.replace(hour=1, minute=30).timestamp()
    assert due(policy(window="01:00-02:00"), found, tasks, now=now) is None
    assert due(policy(window="01:00-02:00"), found, tasks, now=inside) == "full"


def test_no_backup_is_taken_by_a_clock_that_was_set_back() -> None:
    found = [backup(1, NOW + timedelta(days=2))]
    assert due(policy(), found, {}, now=NOW.timestamp()) != "full"


def test_a_task_that_failed_is_tried_again_later_and_later() -> None:
    now = NOW.timestamp()
    once = {"full": TaskState(ended=now - 100, failures=1)}
    often = {"full": TaskState(ended=now - 1000, failures=4)}
    assert due(policy(), [], once, now=now) is None
    assert due(policy(), [], often, now=now) is None
    assert due(policy(), [], {"full": TaskState(ended=now - 301, failures=1)}, now=now) == "full"


def test_a_new_archive_has_nothing_to_prove_yet() -> None:
    found = [backup(1, NOW)]
    soon, later = NOW.timestamp() + 60, NOW.timestamp() + 7 * DAY
    assert due(policy(full="3650d"), found, {}, now=soon) is None
    done = {name: TaskState(done=later) for name in ("check", "retention", "dump")}
    assert due(policy(full="3650d"), found, done, now=later) == "proof"


def test_segments_are_archived_together_or_when_one_has_waited() -> None:
    now = NOW.timestamp()
    found = [backup(1, NOW)]
    assert due(policy(), found, {}, now=now, waiting=[now - 10] * 7) is None
    assert due(policy(), found, {}, now=now, waiting=[now - 10] * 8) == "wal"
    assert due(policy(), found, {}, now=now, waiting=[now - 301]) == "wal"


def commits(*seconds: float) -> Records:
    return Records([Commit(100 * (i + 1), NOW + timedelta(seconds=at)) for i, at in enumerate(seconds)])


def test_a_time_is_the_first_commit_after_it() -> None:
    assert stop_at_time(commits(1, 2, 3), NOW + timedelta(seconds=2)) == Stop(300, inclusive=False)


def test_a_time_after_the_last_commit_is_the_end() -> None:
    assert stop_at_time(commits(1, 2), NOW + timedelta(seconds=9)) == Stop(None)


def test_a_clock_set_back_over_the_time_is_refused_with_the_lsns() -> None:
    with pytest.raises(NoSuchBackup, match="clock was set back"):
        stop_at_time(commits(1, 3600, 5, 6), NOW + timedelta(seconds=60))


def test_commits_side_by_side_are_no_clock_that_was_set_back() -> None:
    assert stop_at_time(commits(1, 2.01, 1.99, 3), NOW + timedelta(seconds=2)) == Stop(200, inclusive=False)


def test_a_points_name_that_is_there_twice_is_refused() -> None:
    with pytest.raises(NoSuchBackup, match="2 restore points"):
        stop_at_point(Records(points=[("p", 5), ("p", 9)]), "p")


@given(st.integers(0, 2**64 - 1))
def test_an_lsn_is_read_back(lsn: int) -> None:
    assert parse_lsn(format_lsn(lsn)) == lsn


@given(st.integers(1, 2**32 - 1), st.integers(0, 2**40 - 1))
def test_a_segments_name_is_read_back(timeline: int, number: int) -> None:
    assert Segment.named(Segment(timeline, number).name()) == Segment(timeline, number)


def test_segments_follow_the_history_of_a_time_line() -> None:
    size = 16 * 2**20
    history = parse_history("1\t0/2800000\tbefore\n")
    assert history == [Switch(1, 0x2800000)]
    found = list(segments_between(size, 4 * size, 2, history))
    assert [(one.timeline, one.number) for one in found] == [(1, 1), (2, 2), (2, 3)]


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10min", 600), ("12h", 43_200), ("7d", 604_800)])
def test_a_duration_is_read_and_written_back(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds
    assert format_duration(seconds) == text


@pytest.mark.parametrize("text", ["", "7", "7 weeks", "0d", -1, True])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


def test_a_window_may_be_past_midnight() -> None:
    assert parse_window("23:00-01:30") == (23 * 60, 90)
