"""A server's base backup and WAL kept in a folder, and a scratch server restored from them to a point."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from psycopg.errors import OperationalError

from core.errors import MigrationError
from core.sessions.connections import Database
from servers import osuser, paths, ports
from servers.postgres import PostgresServer
from tests.support.clusters import HBA, PARAMETERS, SUPERUSER, Cluster

SAFE = {
    "max_logical_replication_workers": "0",
    "archive_mode": "off",
    "synchronous_standby_names": "",
    "hot_standby": "off",
    "max_wal_size": "1GB",
    "shared_buffers": "32MB",
}
"""A scratch instance that is started as it was restored steals the real one's replication slots."""


@dataclass(frozen=True)
class Archive:
    """Where a server's WAL and base backup are."""

    folder: Path

    @property
    def wal(self) -> Path:
        """The segments."""
        return self.folder / "wal"

    @property
    def base(self) -> Path:
        """The base backup."""
        return self.folder / "base"

    def take(self, cluster: Cluster) -> None:
        """A base backup of a running server."""
        paths.make_private(self.folder)
        environment = {"PGPASSWORD": SUPERUSER.password.get_secret_value()}
        server = cluster.server
        osuser.run(
            [server.binaries / "pg_basebackup", "-h", server.address, "-p", str(server.port),
             "-U", SUPERUSER.name, "-D", self.base, "-X", "none", "-c", "fast", "--no-sync"],
            env=environment,
        )  # fmt: skip


def archiving(archive: Archive) -> Mapping[str, str]:
    """The parameters with which a server keeps its WAL there."""
    paths.make_private(archive.folder)
    paths.make_private(archive.wal)
    return {
        "archive_mode": "on",
        "archive_command": f'test ! -f "{archive.wal}/%f" && cp "%p" "{archive.wal}/%f"',
        "shared_buffers": "32MB",
    }


def ship(cluster: Cluster, archive: Archive, seconds: float = 30.0) -> None:
    """End the segment that is being written to, and wait until it is in the archive."""
    with cluster.database().connect() as connection:
        # Where nothing was written since the last one, a switch does nothing.
        connection.execute("SELECT pg_logical_emit_message(true, 'ship', '')")
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    assert row is not None
    deadline = time.monotonic() + seconds
    while not (archive.wal / row[0]).exists():
        assert time.monotonic() < deadline, f"{row[0]} was not archived"
        time.sleep(0.02)


@contextmanager
def restored(
    cluster: Cluster, archive: Archive, folder: Path, target: Mapping[str, str]
) -> Iterator[PostgresServer]:
    """A scratch server recovered to `target` (recovery_target_...), open to be read and written."""
    paths.make_private(folder)
    data = folder / "data"
    done = osuser.run(["/bin/cp", "-r", archive.base, data], check=False)
    assert done.returncode == 0, done.stderr
    server = replace(
        cluster.server,
        data=data,
        port=ports.free_port(),
        sockets=paths.socket_dir(folder),
        log=folder / "log" / "log",
    )
    (data / "recovery.signal").touch()
    osuser.hand_over(data / "recovery.signal")
    restore = {"restore_command": f'cp "{archive.wal}/%f" "%p"', "recovery_target_action": "promote"}
    server.configure({**PARAMETERS, **SAFE, **restore, **target}, HBA)
    server.start()
    try:
        _wait_for_promotion(cluster, server)
        yield server
    finally:
        server.destroy()
        shutil.rmtree(folder, ignore_errors=True)


def recover_in_place(cluster: Cluster, archive: Archive, target: Mapping[str, str]) -> None:
    """Make a server that lost its disk anew, at its own place, as it was at `target`; it runs and is open."""
    server = cluster.server
    kept = (archive.base / "waqiti.conf").read_text(encoding="utf-8")
    done = osuser.run(["/bin/cp", "-r", archive.base, server.data], check=False)
    assert done.returncode == 0, done.stderr
    (server.data / "recovery.signal").touch()
    osuser.hand_over(server.data / "recovery.signal")
    lines = {
        "restore_command": f'cp "{archive.wal}/%f" "%p"',
        "recovery_target_action": "promote",
        "archive_mode": "off",
        **target,
    }
    text = kept + "".join(f"{name} = '{value}'\n" for name, value in lines.items())
    osuser.write_private(server.data / "waqiti.conf", text)
    server.start()
    _wait_for_promotion(cluster, server)


def as_restored(database: Database, server: PostgresServer) -> Database:
    """The same database on the scratch server."""
    endpoint = database.endpoint.model_copy(
        update={"address": server.address, "port": server.port, "sslmode": "disable", "sslrootcert": None}
    )
    return replace(database, label=f"{database.label}, restored", endpoint=endpoint)


def _wait_for_promotion(cluster: Cluster, server: PostgresServer) -> None:
    scratch = as_restored(cluster.database(), server)
    deadline = time.monotonic() + 60
    while True:
        try:
            with scratch.connect() as connection:
                row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
                if row == (False,):
                    return
        except (MigrationError, OperationalError):
            pass
        assert time.monotonic() < deadline, server.log.read_text()[-2000:]
        time.sleep(0.05)
