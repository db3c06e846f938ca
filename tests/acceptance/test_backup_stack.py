"""Backups of a deployed stack: declared by services.yaml, kept by a supervisor, restored and swapped in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.contract import Contract, Service
from core.errors import MigrationError
from core.sessions.connections import Database
from core.sessions.stack import target_database
from operations.backup.archive import Archive
from operations.backup.catalogue import backups
from operations.backup.scheduled_points import SCHEDULE
from operations.backup.state import supervisor
from tests.acceptance.stack import Stack
from tests.support import forks
from tests.support.archives import until
from tests.support.moves import revealed
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def contract(deployed: Stack) -> Contract:
    return deployed.contract()


@pytest.fixture(scope="module")
def contract_file(contract: Contract, deployed: Stack) -> Iterator[Path]:
    file = deployed.folder / "backups-contract.json"
    file.touch(0o600)
    file.write_text(json.dumps(revealed(contract.model_dump())), encoding="utf-8")
    yield file
    file.unlink()


def archive(service: Service) -> Archive:
    assert service.backups is not None
    return Archive.of(service.backups)


def operations(file: Path, *arguments: str) -> Any:
    words = ("operations", *arguments, "--contract", str(file), "--json")
    done = forks.run(*words, environment=os.environ, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_every_service_is_backed_up_by_default(contract: Contract) -> None:
    for service in contract.services.values():
        kept = archive(service)
        assert kept.folder.stat().st_mode & 0o777 == 0o700
        until(lambda kept=kept: backups(kept) and backups(kept)[-1].is_whole, "no first backup", 90)  # type: ignore[misc]
        assert supervisor(kept) is not None


def test_no_password_is_in_an_archive_but_in_its_passfile(contract: Contract) -> None:
    for service in contract.services.values():
        secret = service.backup.password.get_secret_value()
        folder = archive(service).folder
        holders = [
            file.name
            for file in folder.rglob("*")
            if file.is_file() and file.suffix != ".partial" and secret.encode() in file.read_bytes()
        ]
        assert holders == ["passfile"]


def test_a_supervisor_has_no_password_in_its_environment(contract: Contract, deployed: Stack) -> None:
    for service in contract.services.values():
        pid = supervisor(archive(service))
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"PASSPHRASE" not in environment
        for secret in deployed.variables.values():
            assert secret.encode() not in environment


def test_the_backup_role_may_what_barman_asks_for_and_no_more(contract: Contract) -> None:
    service = contract.services["user"]
    own = target_database(service)
    asked = Database("as backup", "target", own.endpoint, service.backup)
    with asked.connect() as connection:
        (row,) = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication,"
            " has_function_privilege('pg_switch_wal()', 'EXECUTE'),"
            " has_function_privilege('pg_create_restore_point(text)', 'EXECUTE'),"
            " has_function_privilege('pg_read_binary_file(text)', 'EXECUTE'),"
            " pg_has_role('pg_write_all_data', 'MEMBER')"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchall()
    assert row == (False, False, False, True, True, True, False, False)


def test_another_services_backup_role_is_not_let_in(contract: Contract) -> None:
    user, wallet = contract.services["user"], contract.services["wallet"]
    with pytest.raises(MigrationError, match="rejects connection"):
        Database("a stranger", "target", target_database(user).endpoint, wallet.backup).connect()


def test_a_service_goes_back_to_a_point_and_its_endpoint_serves_it(
    contract: Contract, contract_file: Path
) -> None:
    service = contract.services["user"]
    own = target_database(service)
    with own.connect() as connection:
        connection.execute("CREATE TABLE user_schema.restored_to (what text)")
        connection.execute("INSERT INTO user_schema.restored_to VALUES ('before')")
        ((lsn,),) = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchall()
        connection.execute("INSERT INTO user_schema.restored_to VALUES ('after')")
    try:
        operations(contract_file, "restore", "user", "--to-lsn", lsn)
        swapped = operations(contract_file, "restore", "user", "--swap", "--yes")
        assert Path(swapped["kept"]).exists()
        with own.connect() as connection:
            assert connection.execute("SELECT what FROM user_schema.restored_to").fetchall() == [("before",)]
            connection.execute("INSERT INTO user_schema.restored_to VALUES ('on the new time-line')")
        shown = operations(contract_file, "backups", "list", "user")["services"]["user"]
        assert shown["backups"][-1]["timeline"] == 2
        assert shown["receiver"]
        operations(contract_file, "restore", "user")
        operations(contract_file, "restore", "user", "--give-up")
    finally:
        with own.connect() as connection:
            connection.execute("DROP TABLE user_schema.restored_to")


def test_an_exchange_that_is_killed_goes_on_with_the_same_command(
    contract: Contract, contract_file: Path
) -> None:
    own = target_database(contract.services["user"])
    with own.connect() as connection:
        connection.execute("CREATE TABLE user_schema.exchanged (what text)")
        connection.execute("INSERT INTO user_schema.exchanged VALUES ('before')")
    operations(contract_file, "restore", "user")
    swap = ("restore", "user", "--swap", "--yes")
    process = subprocess.Popen(
        [sys.executable, "-m", "operations", *swap, "--contract", str(contract_file), "--json"],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "exchanging the data" in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    operations(contract_file, *swap)
    with own.connect() as connection:
        assert connection.execute("SELECT what FROM user_schema.exchanged").fetchall() == [("before",)]
        connection.execute("DROP TABLE user_schema.exchanged")
    assert operations(contract_file, "backups", "list", "user")["services"]["user"]["receiver"]


def test_restore_points_are_scheduled_without_the_shared_databases_secrets(
    contract: Contract, deployed: Stack
) -> None:
    (service, *_) = contract.services.values()
    file = archive(service).folder.parent / SCHEDULE
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text(encoding="utf-8")
    said = json.loads(text)
    assert (said["every"], said["keep"]) == (86_400, 14 * 86_400)
    source = contract.source
    for secret in (source.administrator.password, source.application.password, service.service.password):
        assert secret.get_secret_value() not in text
    assert Contract.model_validate(said["contract"]).services.keys() == contract.services.keys()


def test_a_second_preview_is_empty_after_a_restore(deployed: Stack) -> None:
    assert deployed.changes() == {}
