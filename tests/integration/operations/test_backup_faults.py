"""An archive's disk that is full, and a restore that is killed in the middle: said, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from migration.report.backups import backup_problems
from operations.backup.state import read_state
from operations.restore.beside import beside
from tests.support.archives import Kept, kept_service, until
from tests.support.clusters import Clusters
from tests.support.disks import small_disk

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def kept(clusters: Clusters) -> Iterator[Kept]:
    with small_disk(320) as disk, kept_service(clusters, "ledger", archive=disk / "ledger") as made:
        made.wait_for_first_backup()
        made.execute("CREATE TABLE entries (id bigint PRIMARY KEY)")
        yield made


@contextmanager
def full(kept: Kept) -> Iterator[None]:
    """No byte is left on the archive's disk."""
    filler = kept.archive.folder.parent / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(65536)):
            pass
    try:
        yield
    finally:
        filler.unlink()


def write(kept: Kept, first: int, last: int) -> None:
    kept.execute("INSERT INTO entries SELECT generate_series(%s::bigint, %s::bigint)", first, last)
    kept.execute("SELECT pg_switch_wal()")


def restored_count(kept: Kept) -> int:
    kept.json("restore", "ledger")
    service = kept.contract.services["ledger"]
    try:
        with beside(service).database(service.instance.database).connect() as connection:
            row = connection.execute("SELECT count(*) FROM entries").fetchone()
        assert row is not None
        return int(row[0])
    finally:
        kept.operations("restore", "ledger", "--give-up")


def test_a_full_archive_is_said_and_nothing_is_lost_when_there_is_room(kept: Kept) -> None:
    write(kept, 1, 100)
    service = kept.contract.services["ledger"]
    with full(kept):
        write(kept, 101, 200)
        write(kept, 201, 300)
        until(lambda: "No space left" in read_state(kept.archive).receiver.said, "it does not say so")
        assert "No space left" in backup_problems(service.backups)[0]
        refused = kept.operations("backup", "ledger", check=False)
        assert refused.returncode == 51
        assert "Traceback" not in refused.stderr
        said = json.loads(kept.operations("backups", "check", "--json", check=False).stdout)
        remedies = [one["remedy"] for one in said["services"]["ledger"]["findings"]]
        assert f"make room at {kept.archive.folder}" in remedies
        write(kept, 301, 400)
    until(lambda: kept.execute("SELECT 1 FROM pg_replication_slots WHERE active"), "nobody receives")
    assert json.loads(kept.operations("backups", "check", "--json").stdout)["services"]["ledger"]["sound"]
    assert restored_count(kept) == 400


def test_a_restore_that_is_killed_is_removed_by_the_next_one(kept: Kept) -> None:
    folder = beside(kept.contract.services["ledger"]).folder
    process = subprocess.Popen(
        [sys.executable, "-m", "operations", "restore", "ledger", "--contract", str(kept.contract_file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until((folder / "data" / "postmaster.pid").exists, "it does not come so far", 60)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)
    left = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    done = kept.operations("restore", "ledger")
    assert "what a restore that was cut off had left was removed" in done.stderr
    kept.operations("restore", "ledger", "--give-up")
    assert not folder.exists()
    assert not psutil.pid_exists(left) or Path(f"/proc/{left}/stat").read_text().split()[2] == "Z"
