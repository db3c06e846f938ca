"""What `backups check` finds and `barman check` does not: each is harmed for real, found, and put back."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from operations.backup import locks, task
from operations.backup.catalogue import backups
from operations.backup.state import read_state
from operations.restore.segments import read_wal
from tests.support.archives import Kept, kept_service, until
from tests.support.clusters import Clusters

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def kept(clusters: Clusters) -> Iterator[Kept]:
    """A service with a backup and three whole segments after it."""
    with kept_service(clusters, "ledger", {"lagLimit": "2s"}) as made:
        made.execute("CREATE TABLE entries (id bigint PRIMARY KEY)")
        made.wait_for_first_backup()
        for number in range(3):
            made.execute("INSERT INTO entries VALUES (%s)", number)
            made.execute("SELECT pg_switch_wal()")
        made.execute("INSERT INTO entries VALUES (99)")
        until(lambda: len(read_wal(made.archive).files) >= 5, "no segments")
        task.run(made.archive, "wal")
        assert sum(1 for _ in made.archive.wals.rglob("0000*0*")) >= 4
        made.operations("backups", "check", "ledger", "--everything")
        yield made


def findings(kept: Kept, *options: str) -> dict[str, str]:
    """By check, what is said; the exit status says the same."""
    done = kept.operations("backups", "check", "ledger", *options, "--json", check=False)
    document: dict[str, Any] = json.loads(done.stdout)
    found = document["services"]["ledger"]["findings"]
    assert done.returncode == (52 if found else 0), done.stderr
    return {one["check"]: f"{one['problem']}; {one['remedy']}" for one in found}


def newest_whole(kept: Kept) -> Path:
    """The newest segment that Barman keeps."""
    wal = read_wal(kept.archive)
    segment = max(one for one in wal.files if one not in wal.partial)
    return wal.files[segment]


def test_a_sound_archive_has_nothing_to_say(kept: Kept) -> None:
    assert findings(kept, "--everything") == {}


def test_a_missing_segment_is_a_hole_that_is_named(kept: Kept) -> None:
    wal = read_wal(kept.archive)
    whole = sorted(one for one in wal.files if one not in wal.partial)
    file = wal.files[whole[-2]]
    aside = kept.archive.folder / "aside"
    file.rename(aside)
    try:
        assert file.name in findings(kept)["hole"]
        refused = kept.operations("restore", "ledger", check=False)
        assert refused.returncode == 53
        assert file.name in refused.stderr
    finally:
        aside.rename(file)


def test_one_flipped_bit_in_a_segment_is_found_and_named(kept: Kept) -> None:
    file = newest_whole(kept)
    with flipped(file):
        assert file.name in findings(kept)["damaged"]


def test_one_flipped_bit_in_a_base_backup_is_found_and_named(kept: Kept) -> None:
    (file,) = (kept.backups()[-1].folder / "data").glob("base.tar*")
    with flipped(file):
        assert str(file) in findings(kept, "--everything")["damaged"]


def test_a_backup_that_was_killed_is_not_under_way_for_ever(kept: Kept) -> None:
    info = kept.archive.meta / "20200101T000000-backup.info"
    newest = kept.archive.meta / f"{kept.backups()[-1].id}-backup.info"
    text = newest.read_text().replace("status=DONE", "status=STARTED")
    info.write_text(text)
    try:
        assert "20200101T000000" in findings(kept)["killed"]
    finally:
        info.unlink()


def test_a_failing_archive_command_is_found_beside_streaming(kept: Kept) -> None:
    server = kept.cluster.server
    before = {name: value.strip("'") for name, value in server.configured().items()}
    hba = server.hba()
    server.configure({**before, "archive_mode": "on", "archive_command": "false"}, hba)
    server.restart()
    try:
        kept.execute("SELECT pg_switch_wal()")
        until(
            lambda: kept.execute("SELECT failed_count FROM pg_stat_archiver")[0][0] > 0, "it has not failed"
        )
        assert "archive_command has failed" in findings(kept)["archive_command"]
    finally:
        server.configure(before, hba)
        server.restart()
        until(lambda: locks.holder(kept.archive.receiver_lock), "no receiver")


def test_a_receiver_that_stands_still_shows_as_lag_in_seconds(kept: Kept) -> None:
    pid = read_state(kept.archive).receiver.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        kept.execute("INSERT INTO entries SELECT generate_series(1000, 3000)")
        assert "has not been received" in findings(kept)["lag"]
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_backup_from_the_future_says_that_a_clock_is_wrong(kept: Kept) -> None:
    newest = kept.archive.meta / f"{kept.backups()[-1].id}-backup.info"
    text = newest.read_text()
    year = time.gmtime().tm_year
    newest.write_text(text.replace(f"end_time={year}", f"end_time={year + 1}"))
    try:
        assert "in the future" in findings(kept)["clock"]
        refused = kept.operations("backup", "ledger", check=False)
        assert refused.returncode == 51
        assert "clock is behind" in refused.stderr
    finally:
        newest.write_text(text)


def test_a_strangers_server_at_the_address_is_found(kept: Kept) -> None:
    newest = kept.archive.meta / f"{kept.backups()[-1].id}-backup.info"
    text = newest.read_text()
    system = next(one for one in backups(kept.archive)).system
    assert system is not None
    newest.write_text(text.replace(f"systemid={system}", "systemid=7000000000000000001"))
    try:
        assert "system identifier" in findings(kept)["stranger"]
    finally:
        newest.write_text(text)


def test_a_lost_slot_is_found_and_the_remedy_that_is_printed_works(kept: Kept) -> None:
    kept.stop_supervisor()
    kept.execute("SELECT pg_drop_replication_slot('waqiti_backup')")
    kept.execute("INSERT INTO entries SELECT generate_series(5000, 6000)")
    kept.start_supervisor()
    until(lambda: "does not exist" in read_state(kept.archive).receiver.said, "it does not say so")
    said = findings(kept)
    assert "slot waqiti_backup is gone" in said["slot"]
    assert "backup ledger --new-slot" in said["slot"]
    kept.operations("backup", "ledger", "--new-slot")
    assert "slot" not in findings(kept)
    kept.operations("restore", "ledger")
    kept.operations("restore", "ledger", "--give-up")


class flipped:  # noqa: N801 (reads as a word of the test)
    """One bit in the middle of a file is another while the context lasts."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> None:
        self._flip()

    def __exit__(self, *_: object) -> None:
        self._flip()

    def _flip(self) -> None:
        with self._file.open("r+b") as opened:
            at = self._file.stat().st_size // 2
            opened.seek(at)
            byte = opened.read(1)[0]
            opened.seek(at)
            opened.write(bytes([byte ^ 1]))
