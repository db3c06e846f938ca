"""A service with an instance of its own, its archive and the supervisor that fills it, without a stack."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql
from pydantic import SecretStr

from components.backup import files
from components.backup.entry import BackupEntry
from components.backup.rights import FUNCTIONS, MEMBERSHIPS, RELOAD, SYNCHRONOUS
from components.contract import BackupControl, Contract, LocalGatewayControl, LocalInstanceControl, Login
from core.sessions.connections import Database
from operations.backup.archive import Archive
from operations.backup.catalogue import Backup, backups
from operations.backup.state import read_state, supervisor
from tests.support import forks
from tests.support.clusters import Cluster, Clusters
from tests.support.contracts import NOBODY, make_contract, make_service

SLOT = "waqiti_backup"
NEVER = {"dump": None, "proof": None, "full": "3650d"}
"""A policy that takes nothing by itself but the first backup."""


@dataclass
class Kept:
    """One service whose backups are kept."""

    name: str
    cluster: Cluster
    database: Database
    """As the superuser."""
    archive: Archive
    contract: Contract
    contract_file: Path

    def execute(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement as the superuser, committed; returns its rows."""
        with self.database.connect() as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def operations(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`python -m operations ... --contract FILE`."""
        words = ("operations", *arguments, "--contract", str(self.contract_file))
        done = forks.run(*words, environment={**os.environ, "NO_COLOR": "1"}, timeout=180)
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done

    def json(self, *arguments: str) -> Any:
        """What a command says with --json."""
        return json.loads(self.operations(*arguments, "--json").stdout)

    def backups(self) -> list[Backup]:
        """What is in the archive."""
        return backups(self.archive)

    def wait_for_first_backup(self) -> None:
        """Until the one that is scheduled has ended: its checksums are written after it is there."""

        def is_done() -> bool:
            task = read_state(self.archive).tasks.get("full")
            return task is not None and task.done is not None

        until(is_done, "no first backup", 90)

    def start_supervisor(self) -> int:
        """Start it as the platform does, and wait until it is there; returns its process id."""
        pid = files.start_supervisor(self.archive.folder)
        until(lambda: supervisor(self.archive) is not None, "the supervisor is not there")
        return pid

    def stop_supervisor(self, number: int = signal.SIGTERM) -> None:
        """End it, and wait until it is gone."""
        pid = supervisor(self.archive)
        if pid is not None:
            os.kill(pid, number)
            until(lambda: supervisor(self.archive) is None, "the supervisor does not end")


def until(true: Callable[[], object], why: str, seconds: float = 30.0) -> None:
    """Wait until something is so; fails with `why`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, why
        time.sleep(0.05)


def grant_backup(cluster: Cluster, database: Database, role: str, password: str) -> None:
    """Make a backup role with what the stack gives it, `database` being as the superuser sees it."""
    with cluster.database().connect() as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN REPLICATION BYPASSRLS PASSWORD {}").format(
                sql.Identifier(role), sql.Literal(password)
            )
        )
        for membership in MEMBERSHIPS:
            connection.execute(
                sql.SQL("GRANT {} TO {}").format(sql.Identifier(membership), sql.Identifier(role))
            )
        connection.execute(
            sql.SQL("GRANT ALTER SYSTEM ON PARAMETER {} TO {}").format(
                sql.Identifier(SYNCHRONOUS), sql.Identifier(role)
            )
        )
    with database.connect() as connection:
        for function in (*FUNCTIONS, RELOAD):
            connection.execute(
                sql.SQL("GRANT EXECUTE ON FUNCTION pg_catalog.{} TO {}").format(
                    sql.Identifier(function), sql.Identifier(role)
                )
            )


@contextmanager
def kept_service(
    clusters: Clusters,
    name: str,
    policy: dict[str, Any] | None = None,
    archive: Path | None = None,
    *,
    parameters: Mapping[str, str] | None = None,
) -> Iterator[Kept]:
    """A service `name` with a server of its own, whose backups begin at once, in the folder `archive`."""
    of_server = {"summarize_wal": "on", "fsync": "on", **(parameters or {})}
    with clusters.private("target", 17, of_server) as cluster:
        folder = cluster.server.data.parent
        password = secrets.token_hex(8)
        role = f"waqiti_{name}_backup"
        with cluster.database().connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(f"waqiti_{name}")))
        database = cluster.database(f"waqiti_{name}")
        grant_backup(cluster, database, role, password)
        control = BackupControl(
            service=name,
            folder=str(archive or folder / "archive"),
            slot=SLOT,
            binaries=str(cluster.server.binaries),
            policy=BackupEntry.model_validate({**NEVER, **(policy or {})}).policy,
        )
        files.write(control, database.endpoint, role, password)
        service = make_service(name, database.endpoint, database.login, data=cluster.server.data).model_copy(
            update={
                "backups": control,
                "backup": Login(name=role, password=SecretStr(password)),
                "instance_control": LocalInstanceControl(
                    binaries=str(cluster.server.binaries),
                    data=str(cluster.server.data),
                    sockets=str(cluster.server.sockets),
                ),
                "gateway_control": LocalGatewayControl(
                    sockets=str(folder),
                    port=1,
                    administrator=NOBODY,
                    routes=str(folder / "routes.ini"),
                    service_userlist=str(folder / "users.txt"),
                ),
            }
        )
        contract = make_contract(database, [service])
        contract_file = folder / "contract.json"
        contract_file.touch(0o600)
        contract_file.write_text(json.dumps(_revealed(contract)), encoding="utf-8")
        kept = Kept(name, cluster, database, Archive.of(control), contract, contract_file)
        try:
            kept.start_supervisor()
            yield kept
        finally:
            kept.stop_supervisor()


def _revealed(contract: Contract) -> Any:
    from tests.support.moves import revealed

    return revealed(contract.model_dump())
