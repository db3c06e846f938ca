"""What a restore takes and what a lost server loses.

`python -m bench.backups [MEGABYTES]`: an instance of so many megabytes (400), with an archive that its
supervisor fills. In turn, five times: its data folder copied by `cp -r` and synced; its newest backup
unpacked and synced, without and with its files verified. Then, ten times: clients commit, the server is
killed, and what they were told was committed is looked for in what the archive alone gives.
"""

from __future__ import annotations

import argparse
import json
import secrets
import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from bench.common import ADMINISTRATOR, HBA, PARAMETERS, ending, machine, work_folder
from components.backup import files
from components.backup.entry import BackupEntry
from components.backup.rights import FUNCTIONS, MEMBERSHIPS, RELOAD, SYNCHRONOUS
from components.contract import BackupControl, Endpoint
from operations.backup import catalogue
from operations.backup.archive import Archive
from operations.backup.state import read_state
from operations.backup.take import take
from operations.restore.restore import restore
from operations.restore.scratch import Scratch
from operations.restore.target import Target
from operations.restore.unpack import unpack
from servers import binaries, paths, ports
from servers.postgres import PostgresServer

ROUNDS, KILLS = 5, 10
ROLE, DATABASE = "keeper", "bench"
ROWS_PER_MEGABYTE = 7_000
COMMITTERS, SECONDS = 4, 2.0


def session(server: PostgresServer, database: str = DATABASE) -> psycopg.Connection[tuple[object, ...]]:
    """As the administrator."""
    return psycopg.connect(
        host=server.address,
        port=server.port,
        dbname=database,
        user=ADMINISTRATOR.name,
        password=ADMINISTRATOR.password.get_secret_value(),
        autocommit=True,
    )


@contextmanager
def kept_server(folder: Path, *, synchronous: bool) -> Iterator[tuple[PostgresServer, Archive]]:
    """A server and its archive, which a supervisor fills."""
    paths.make_private(folder)
    server = PostgresServer(
        binaries.postgres_bin(17),
        folder / "data",
        ports.free_port(),
        paths.socket_dir(folder),
        folder / "log" / "server.log",
    )
    server.initialise(ADMINISTRATOR.name, ADMINISTRATOR.password.get_secret_value())
    server.configure(PARAMETERS, [*HBA, "host replication all 127.0.0.1/32 scram-sha-256"])
    server.start()
    password = secrets.token_hex(8)
    with session(server, "postgres") as connection:
        role = sql.Identifier(ROLE)
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN REPLICATION PASSWORD {}").format(role, sql.Literal(password))
        )
        for membership in MEMBERSHIPS:
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(membership), role))
        connection.execute(
            sql.SQL("GRANT ALTER SYSTEM ON PARAMETER {} TO {}").format(sql.Identifier(SYNCHRONOUS), role)
        )
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    with session(server) as connection:
        for function in (*FUNCTIONS, RELOAD):
            connection.execute(
                sql.SQL("GRANT EXECUTE ON FUNCTION pg_catalog.{} TO {}").format(
                    sql.Identifier(function), role
                )
            )
    control = BackupControl(
        service="bench",
        folder=str(folder / "archive"),
        slot="bench",
        binaries=str(server.binaries),
        policy=BackupEntry.model_validate(
            {"full": "3650d", "dump": None, "proof": None, "synchronous": synchronous}
        ).policy,
    )
    endpoint = Endpoint(
        host="127.0.0.1", address=server.address, port=server.port, database=DATABASE, sslmode="disable"
    )
    files.write(control, endpoint, ROLE, password)
    files.start_supervisor(Path(control.folder))
    archive = Archive.of(control)
    try:
        while not any(one.status == "DONE" for one in catalogue.backups(archive)):
            time.sleep(0.2)
        yield server, archive
    finally:
        files.stop_supervisor(Path(control.folder))
        server.destroy()


def fill(server: PostgresServer, megabytes: int) -> None:
    """Rows that compress about as an application's do."""
    with session(server) as connection:
        connection.execute(
            "CREATE TABLE payments AS SELECT i AS id, md5(i::text) AS reference, (i %% 9973) / 100.0 AS"
            " amount, now() AS at FROM generate_series(1, %s::bigint) i",
            [megabytes * ROWS_PER_MEGABYTE],
        )
        connection.execute("ALTER TABLE payments ADD PRIMARY KEY (id)")
        connection.execute("CREATE TABLE told (id bigint PRIMARY KEY)")
        connection.execute("CHECKPOINT")


def against_cp(archive: Archive, folder: Path) -> dict[str, object]:
    """Seconds of `cp -r` of the data, synced, and of unpacking the backup into such data, in turn."""
    backup = catalogue.whole(catalogue.backups(archive))[-1]
    plain = folder / "plain"
    unpack(archive, [backup], plain, lambda phase: None, verify=False)
    took: dict[str, list[float]] = {"cp": [], "restore": [], "restore_verified": []}
    for _ in range(ROUNDS):
        for name, seconds in took.items():
            target = folder / "target"
            begun = time.monotonic()
            if name == "cp":
                subprocess.run(["cp", "-r", str(plain), str(target)], check=True)
                subprocess.run(["sync", "-f", str(target)], check=True)
            else:
                unpack(archive, [backup], target, lambda phase: None, verify=name == "restore_verified")
            seconds.append(time.monotonic() - begun)
            shutil.rmtree(target)
    medians = {name: round(statistics.median(all_of_them), 2) for name, all_of_them in took.items()}
    size = sum(file.stat().st_size for file in plain.rglob("*") if file.is_file())
    shutil.rmtree(plain)
    return {
        "megabytes": round(size / 1e6),
        "archive_megabytes": round(backup.bytes / 1e6),
        **medians,
        "times_cp": round(medians["restore"] / medians["cp"], 2),
        "times_cp_verified": round(medians["restore_verified"] / medians["cp"], 2),
    }


def kill_and_look(server: PostgresServer, archive: Archive, folder: Path, first: int) -> tuple[int, int]:
    """Commit, kill the server, restore from the archive alone; returns commits that were told, and lost."""
    told: list[int] = []
    over = threading.Event()

    def commit(number: int) -> None:
        try:
            with session(server) as connection:
                connection.execute("SET synchronous_commit = on")
                while not over.is_set():
                    connection.execute("INSERT INTO told VALUES (%s)", [number])
                    told.append(number)
                    number += COMMITTERS
        except psycopg.OperationalError:
            pass

    deadline = time.monotonic() + 30
    while archive.policy["synchronous"] and not read_state(archive).synchronous.in_force:
        if time.monotonic() > deadline:
            raise RuntimeError("commits do not wait for the archive")
        time.sleep(0.1)
    threads = [threading.Thread(target=commit, args=(first + i,)) for i in range(COMMITTERS)]
    for thread in threads:
        thread.start()
    time.sleep(SECONDS)
    server.kill()
    over.set()
    for thread in threads:
        thread.join()
    target = folder / "restored"
    restore(archive, Target(), target, lambda phase: None, verify=False)
    scratch = Scratch(target, archive.binaries)
    with scratch.database(DATABASE).connect() as connection:
        there = {row[0] for row in connection.execute("SELECT id FROM told").fetchall()}
    scratch.server.stop("immediate")
    shutil.rmtree(target)
    server.start()
    return len(told), sum(1 for number in told if number not in there)


def measure() -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("megabytes", type=int, nargs="?", default=400)
    parser.add_argument("--synchronous", action="store_true", help="commits wait for the archive")
    parser.add_argument("--kills-only", action="store_true")
    options = parser.parse_args()
    with (
        work_folder() as folder,
        kept_server(folder / "kept", synchronous=options.synchronous) as (server, archive),
    ):
        fill(server, options.megabytes)
        begun = time.monotonic()
        take(archive, "full", at_once=True)
        backup_seconds = round(time.monotonic() - begun, 2)
        scene = folder / "restores"
        paths.make_private(scene)
        copied = None if options.kills_only else against_cp(archive, scene)
        rounds = [kill_and_look(server, archive, scene, 10_000_000 * n) for n in range(1, KILLS + 1)]
        figures = {
            "machine": machine(),
            "backup_seconds": backup_seconds,
            "restore": copied,
            "synchronous": options.synchronous,
            "kills": {
                "rounds": len(rounds),
                "commits": sum(told for told, _ in rounds),
                "lost": sum(lost for _, lost in rounds),
            },
        }
        print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    ending(measure)
