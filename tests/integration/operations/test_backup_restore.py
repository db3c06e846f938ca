"""A service's archive, filled by the supervisor, and what is brought back from it: one world for all."""

from __future__ import annotations

import hashlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import psutil
import pytest
from psycopg import sql

from operations.backup import task
from operations.backup.dumps import dumps
from operations.backup.locks import holder
from operations.backup.state import read_state, supervisor
from operations.proof.results import read_proofs
from tests.support.archives import Kept, kept_service, until
from tests.support.clusters import Clusters

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def kept(clusters: Clusters) -> Iterator[Kept]:
    with kept_service(clusters, "user") as made:
        made.execute("CREATE SCHEMA user_schema")
        made.execute("CREATE TABLE user_schema.users (id bigint PRIMARY KEY, name text NOT NULL)")
        made.execute("INSERT INTO user_schema.users SELECT i, 'user ' || i FROM generate_series(1, 5000) i")
        made.wait_for_first_backup()
        yield made


@pytest.fixture(autouse=True)
def nothing_beside(kept: Kept) -> Iterator[None]:
    yield
    kept.operations("restore", "user", "--give-up", check=False)


def ids(kept: Kept, psql: str) -> list[int]:
    """What a restored instance has, through the very command that is printed."""
    done = subprocess.run(
        [*shlex.split(psql), "-Atc", "SELECT id FROM user_schema.users WHERE id > 5000 ORDER BY 1"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "PATH": f"{kept.archive.binaries}:{os.environ['PATH']}"},
    )
    return [int(line) for line in done.stdout.split()]


def add(kept: Kept, id_: int) -> None:
    kept.execute("INSERT INTO user_schema.users VALUES (%s, 'later')", id_)


def test_the_supervisor_takes_the_first_backup_by_itself(kept: Kept) -> None:
    (shown,) = kept.json("backups", "list")["services"].values()
    first = shown["backups"][0]
    assert (first["kind"], first["status"], first["timeline"]) == ("full", "DONE", 1)
    assert shown["receiver"]


def test_a_receiver_that_is_killed_is_back_within_2_s(kept: Kept) -> None:
    before = read_state(kept.archive).receiver.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    begun = time.monotonic()

    def active() -> bool:
        rows = kept.execute("SELECT active_pid FROM pg_replication_slots WHERE active")
        return bool(rows) and read_state(kept.archive).receiver.pid not in (None, before)

    until(active, "nobody receives")
    assert time.monotonic() - begun < 2.0


def test_an_orphaned_receiver_is_taken_over_by_the_next_supervisor(kept: Kept) -> None:
    orphan = read_state(kept.archive).receiver.pid
    assert orphan is not None
    kept.stop_supervisor(signal.SIGKILL)
    assert psutil.pid_exists(orphan)
    kept.start_supervisor()
    until(lambda: read_state(kept.archive).receiver.pid not in (None, orphan), "it was not taken over")
    assert not psutil.pid_exists(orphan) or psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE


def test_a_time_an_lsn_a_point_and_the_end_are_each_met_exactly(kept: Kept) -> None:
    add(kept, 6001)
    time.sleep(0.05)
    at = datetime.now(UTC)
    time.sleep(0.05)
    add(kept, 6002)
    ((lsn,),) = kept.execute("SELECT pg_current_wal_insert_lsn()")
    add(kept, 6003)
    kept.execute("SELECT pg_create_restore_point('between 3 and 4')")
    add(kept, 6004)
    kept.json("backup", "user", "--incremental")
    add(kept, 6005)
    for target, expected in (
        (["--to-time", at.isoformat()], [6001]),
        (["--to-lsn", lsn], [6001, 6002]),
        (["--to-point", "between 3 and 4"], [6001, 6002, 6003]),
        ([], [6001, 6002, 6003, 6004, 6005]),
    ):
        done = kept.json("restore", "user", *target)
        assert ids(kept, done["psql"]) == expected, target
        kept.operations("restore", "user", "--give-up")


def test_a_time_after_the_last_commit_is_the_end(kept: Kept) -> None:
    add(kept, 7001)
    time.sleep(1.0)
    done = kept.json("restore", "user", "--to-time", datetime.now(UTC).isoformat())
    assert 7001 in ids(kept, done["psql"])


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (["--to-point", "of nobody"], "nothing in the archive of user leads to restore point 'of nobody'"),
        (["--to-lsn", "7/0"], "before LSN 7/0"),
        (["--to-time", "2001-01-01T00:00:00"], "ends after it"),
        (["--timeline", "9"], "has no time-line 9"),
    ],
)
def test_what_nothing_leads_to_is_said_in_one_line(kept: Kept, target: list[str], said: str) -> None:
    done = kept.operations("restore", "user", *target, check=False)
    assert done.returncode == 53
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_second_restore_waits_for_a_persons_decision(kept: Kept) -> None:
    kept.json("restore", "user")
    done = kept.operations("restore", "user", check=False)
    assert done.returncode == 55
    assert "--give-up" in done.stderr


def test_without_a_supervisor_a_backup_is_refused(kept: Kept) -> None:
    kept.stop_supervisor()
    try:
        done = kept.operations("backup", "user", check=False)
        assert done.returncode == 51
        assert "pulumi up" in done.stderr.splitlines()[-1]
    finally:
        kept.start_supervisor()
    assert supervisor(kept.archive) is not None


def test_a_restored_instance_leaves_the_real_ones_slot_alone(kept: Kept) -> None:
    """The worst trap: started as it was backed up, it would take the changes that the real one waits for."""
    kept.execute("CREATE DATABASE publisher")
    publisher = kept.cluster.database("publisher")
    with publisher.connect() as connection:
        connection.execute("CREATE TABLE told (id int PRIMARY KEY)")
        connection.execute("CREATE PUBLICATION told FOR TABLE told")
        connection.execute("SELECT pg_create_logical_replication_slot('told', 'pgoutput')")
        kept.execute("CREATE TABLE told (id int PRIMARY KEY)")
        with kept.database.connect() as own:
            own.execute(
                sql.SQL(
                    "CREATE SUBSCRIPTION told CONNECTION {} PUBLICATION told WITH (connect = false)"
                ).format(sql.Literal(publisher.conninfo()))
            )
            own.execute("ALTER SUBSCRIPTION told ENABLE")
            own.execute("SELECT pg_create_restore_point('it follows')")
            own.execute("ALTER SUBSCRIPTION told DISABLE")
        slot = "SELECT active, confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'told'"
        until(lambda: connection.execute(slot).fetchall()[0][0] is False, "it is still active")
        before = connection.execute(slot).fetchall()
        connection.execute("INSERT INTO told VALUES (1)")
        try:
            done = kept.json("restore", "user", "--to-point", "it follows")
            enabled = subprocess.run(
                [*shlex.split(done["psql"]), "-Atc", "SELECT subenabled FROM pg_subscription"],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "PATH": f"{kept.archive.binaries}:{os.environ['PATH']}"},
            )
            assert enabled.stdout.strip() == "t", "it would follow, if it could"
            time.sleep(2)
            assert connection.execute(slot).fetchall() == before
            refused = kept.operations("restore", "user", "--swap", "--yes", check=False)
            assert refused.returncode == 29
            assert "rollback --quick" in refused.stderr
        finally:
            with kept.database.connect() as own:
                own.execute("ALTER SUBSCRIPTION told SET (slot_name = NONE)")
                own.execute("DROP SUBSCRIPTION told")
            connection.execute("SELECT pg_drop_replication_slot('told')")


def test_a_proof_reads_all_of_it_and_is_kept_with_the_backup(kept: Kept) -> None:
    (proof,) = kept.json("proof", "user")["services"].values()
    assert proof["sound"]
    assert proof["rows"] >= 5000
    assert {"amcheck", "digests", "checksums"} <= proof["seconds"].keys()
    shown = kept.json("backups", "list", "user")["services"]["user"]["backups"]
    assert next(one for one in shown if one["backup"] == proof["backup"])["proven"]
    assert not (kept.archive.folder / "proof").exists()


def test_a_proof_of_a_damaged_backup_fails_and_says_so_for_good(kept: Kept) -> None:
    (file,) = (kept.backups()[-1].folder / "data").glob("base.tar*")
    whole = file.read_bytes()
    file.write_bytes(
        whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :]
    )
    try:
        done = kept.operations("proof", "user", check=False)
        assert done.returncode == 56
        assert "damaged" in done.stderr
        assert not read_proofs(kept.archive)[-1].sound
    finally:
        file.write_bytes(whole)


def test_a_dated_dump_is_restored_by_another_name_with_its_checksum(kept: Kept) -> None:
    task.run(kept.archive, "dump")
    (made,) = dumps(kept.archive)
    for file in (made, made.with_name(made.name.replace(".dump", ".roles.sql"))):
        expected, name = file.with_name(f"{file.name}.sha256").read_text().split()
        assert name == file.name
        assert hashlib.sha256(file.read_bytes()).hexdigest() == expected
    kept.execute("CREATE DATABASE by_another_name")
    with kept.cluster.database("by_another_name").client_environment() as environment:
        subprocess.run(
            [kept.archive.binaries / "pg_restore", "--exit-on-error", "--dbname", "by_another_name", made],
            env=environment,
            check=True,
            capture_output=True,
        )
    with kept.cluster.database("by_another_name").connect() as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM user_schema.users WHERE id <= 5000").fetchall()
    assert count == 5000


def test_a_backup_that_is_killed_is_removed_by_the_next_one(kept: Kept) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "operations", "backup", "user", "--contract", str(kept.contract_file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def taking() -> int | None:
        begun = any(one.status in ("EMPTY", "STARTED") for one in kept.backups())
        return holder(kept.archive.backup_lock) if begun else None

    until(taking, "it was not taken")
    pid = taking()
    assert pid is not None
    os.killpg(pid, signal.SIGKILL)
    process.wait(30)
    dead = [one.id for one in kept.backups() if one.status in ("EMPTY", "STARTED")]
    kept.operations("backup", "user")
    assert dead
    assert not {one.id for one in kept.backups()} & set(dead)
