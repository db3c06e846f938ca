"""Whatever is wrong is one line, an exit code of its own, and nothing is touched."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from components.contract import Contract
from core.errors import SourceSettings, VersionUnsupported
from migration.journal.journal import open_journal
from migration.plan import preflight
from servers.ports import free_port
from tests.support.clusters import SUPERUSER, Cluster, Clusters
from tests.support.contracts import make_contract, make_service
from tests.support.disks import small_disk
from tests.support.folders import own_folder
from tests.support.moves import World, default_world, world
from tests.support.versions import DEFAULT_VERSIONS

pytestmark = pytest.mark.acceptance

WRONG = SecretStr("a-wrong-password-indeed")


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[World]:
    """One world for all: no test here may change it."""
    with default_world(tmp_path_factory.mktemp("world"), clusters, rows=300) as made:
        yield made


def refused(shared: World, code: int, *words: str, arguments: tuple[str, ...] = ()) -> None:
    """The command refuses with this exit code, in one line with these words, and has touched nothing."""
    done = shared.run(*(arguments or ("run", "--stop-writes", "user", "--yes")))
    assert done.returncode == code, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in last
    for secret in (WRONG.get_secret_value(), "-password-of-nothing"):
        assert secret not in done.stdout + done.stderr
    assert shared.open_sides("user") == {"source"}


@contextmanager
def changed(shared: World, change: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """While the context lasts, the contract is what `change` makes of it."""
    document = shared.contract.model_dump()
    change(document)
    shared.write_contract(Contract.model_validate(document))
    try:
        yield
    finally:
        shared.write_contract()


def user_of(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["services"]["user"]
    return found


def test_a_shared_database_that_is_down(untouched: World) -> None:
    with changed(untouched, lambda d: d["source"]["endpoint"].update(port=free_port())):
        refused(untouched, 12, "shared database", "does not answer")


def test_a_wrong_password_of_the_shared_database(untouched: World) -> None:
    with changed(untouched, lambda d: d["source"]["administrator"].update(password=WRONG)):
        refused(untouched, 13, "shared database", SUPERUSER.name)


def test_a_wrong_password_of_a_services_own_database(untouched: World) -> None:
    with changed(untouched, lambda d: user_of(d)["migration"].update(password=WRONG)):
        refused(untouched, 13, "user's own database")


def test_a_role_that_does_not_exist(untouched: World) -> None:
    with changed(untouched, lambda d: user_of(d)["migration"].update(name="nobody_here")):
        refused(untouched, 13, "nobody_here")


def test_a_services_own_database_that_is_down(untouched: World) -> None:
    with changed(untouched, lambda d: user_of(d)["instance"].update(port=free_port())):
        refused(untouched, 14, "user's own database", "does not answer")


def test_a_schema_that_the_shared_database_does_not_have(untouched: World) -> None:
    with changed(untouched, lambda d: user_of(d).update(schema_name="users_schema")):
        refused(untouched, 15, "users_schema", "did you mean user_schema?")


def test_a_table_in_the_services_schema_that_somebody_else_made(untouched: World) -> None:
    with untouched.target("user").connect() as connection:
        connection.execute("CREATE TABLE user_schema.mine ()")
        try:
            refused(untouched, 16, "user_schema.mine")
        finally:
            connection.execute("DROP TABLE user_schema.mine")


def test_a_database_that_holds_something_else(untouched: World) -> None:
    with untouched.target("user").connect() as connection:
        connection.execute("CREATE SCHEMA other CREATE TABLE mine ()")
        try:
            refused(untouched, 17, "other.mine")
        finally:
            connection.execute("DROP SCHEMA other CASCADE")


def test_a_service_that_is_not_in_the_catalogue(untouched: World) -> None:
    refused(untouched, 11, "'usr'", "did you mean user?", arguments=("run", "--stop-writes", "usr", "--yes"))


def test_no_service_and_not_all(untouched: World) -> None:
    refused(untouched, 11, "user, payment", "--all", arguments=("run", "--stop-writes", "--yes"))


def test_something_that_crosses_services_and_that_nobody_decided_about(untouched: World) -> None:
    with changed(untouched, lambda d: d["services"]["payment"].update(crossing=())):
        refused(
            untouched, 20, "payments_user_id_fkey", arguments=("run", "--stop-writes", "payment", "--yes")
        )


def test_a_gateway_that_is_down(untouched: World) -> None:
    server = untouched.gated["user"].server
    server.stop(0.2)
    try:
        refused(untouched, 24, "the gateway of user")
    finally:
        server.start()


def test_a_second_run_while_one_is_at_work(untouched: World) -> None:
    with open_journal(untouched.source, untouched.contract):
        refused(untouched, 23, "another run is at work", "since")


def test_a_transaction_that_never_ends_makes_the_run_give_up(untouched: World) -> None:
    with untouched.gated["user"].endpoint.connect(autocommit=False) as client:
        client.execute("SELECT 1")
        refused(
            untouched,
            26,
            "could not pause",
            "1 in a transaction",
            arguments=("run", "--stop-writes", "user", "--yes", "--pause-timeout", "1"),
        )
        client.rollback()
    assert not untouched.gateway("user").is_paused()


def test_nobody_there_to_confirm(untouched: World) -> None:
    refused(untouched, 29, "--yes", arguments=("run", "--stop-writes", "user"))


def test_a_contract_that_is_not_there(untouched: World) -> None:
    untouched.contract_file.unlink()
    try:
        refused(untouched, 10, "No such file")
    finally:
        untouched.write_contract()


def test_a_contract_that_others_may_read(untouched: World) -> None:
    untouched.contract_file.chmod(0o644)
    try:
        refused(untouched, 10, "chmod 600")
    finally:
        untouched.contract_file.chmod(0o600)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"version": 2}', '{"services": "password-of"}'])
def test_a_contract_that_is_none(untouched: World, text: str) -> None:
    untouched.contract_file.write_text(text)
    try:
        refused(untouched, 10)
    finally:
        untouched.write_contract()


def test_a_wrong_value_in_a_contract_is_named_by_place_without_passwords(untouched: World) -> None:
    def change(document: dict[str, Any]) -> None:
        document["services"]["user"]["migration"]["password"] = ["-password-of-nothing"]

    document = json.loads(untouched.contract_file.read_text())
    change(document)
    untouched.contract_file.write_text(json.dumps(document))
    try:
        refused(untouched, 10, "services.user.migration.password")
    finally:
        untouched.write_contract()


def test_a_stack_that_is_not_up(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: waqiti\nruntime: python\n")
    (tmp_path / "state").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "migration", "status", "--stack", "nowhere"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=90,
        env={
            "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(Path.cwd()),
            "PULUMI_BACKEND_URL": f"file://{tmp_path}/state", "PULUMI_CONFIG_PASSPHRASE": "none",
        },
    )  # fmt: skip
    assert done.returncode in (10, 30), done.stderr
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def test_errors_are_json_on_standard_output_where_json_was_asked_for(untouched: World) -> None:
    done = untouched.run("plan", "usr", "--json")
    assert json.loads(done.stdout)["error"]["class"] == "UnknownService"
    assert json.loads(done.stdout)["error"]["exit_code"] == done.returncode == 11


def test_a_target_that_is_older_than_the_shared_database(tmp_path: Path, clusters: Clusters) -> None:
    with world(tmp_path, clusters.get("source", 17), clusters.get("target", 15), rows=10) as made:
        refused(made, 18, "older than the shared database's 17")


def test_a_shared_database_that_is_too_old(untouched: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "OLDEST_SUPPORTED", 99)
    with pytest.raises(VersionUnsupported, match="runs PostgreSQL 15; upgrade it to 99"):
        preflight.check_source(untouched.contract, list(untouched.contract.services.values()))


def test_a_shared_database_that_does_not_log_enough(clusters: Clusters) -> None:
    with clusters.private("source", 15, {"wal_level": "replica", "max_wal_senders": "0"}) as cluster:
        contract = make_contract(cluster.database(), [make_service("user")])
        with pytest.raises(SourceSettings, match="wal_level = replica"):
            preflight.check_source(contract, [])


def test_a_shared_database_without_a_free_replication_slot(clusters: Clusters) -> None:
    with clusters.private("source", 15, {"max_replication_slots": "0"}) as cluster:
        contract = make_contract(cluster.database(), [make_service("user")])
        with pytest.raises(SourceSettings, match="max_replication_slots"):
            preflight.check_source(contract, [])


def test_a_disk_that_is_too_small_is_seen_before_anything_is_touched(
    tmp_path: Path, clusters: Clusters
) -> None:
    source = clusters.get("source", DEFAULT_VERSIONS[0])
    with (
        small_disk(110) as disk,
        clusters.private("target", DEFAULT_VERSIONS[1], {"max_wal_size": "32MB"}, disk) as target,
        world(tmp_path, source, target, rows=200_000) as made,
    ):
        refused(made, 22, "free and the move needs")


@contextmanager
def wal_elsewhere(cluster: Cluster) -> Iterator[None]:
    """A server that finds no room for WAL ends; it is the tables' room that is to run out."""
    folder = own_folder()
    wal = cluster.server.data / "pg_wal"
    cluster.server.stop()
    subprocess.run(["cp", "-a", wal, folder / "pg_wal"], check=True)
    shutil.rmtree(wal)
    wal.symlink_to(folder / "pg_wal")
    cluster.server.start()
    try:
        yield
    finally:
        cluster.server.stop()
        shutil.rmtree(folder)


def test_a_disk_that_fills_up_in_the_copy_leaves_the_service_as_it_was(
    tmp_path: Path, clusters: Clusters
) -> None:
    source = clusters.get("source", DEFAULT_VERSIONS[0])
    with (
        small_disk(130) as disk,
        clusters.private("target", DEFAULT_VERSIONS[1], {"max_wal_size": "32MB"}, disk) as target,
        wal_elsewhere(target),
        world(tmp_path, source, target, rows=200_000) as made,
        # What preflight cannot see it does not judge.
        changed(made, lambda d: user_of(d)["instance_control"].update(data="/nowhere/to/be/seen")),
    ):
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(50 << 20))
        try:
            done = made.run("run", "--stop-writes", "user", "--yes")
            assert done.returncode == 22, done.stderr
            assert "no disk space left" in done.stderr.splitlines()[-1]
            assert made.gateway("user").route() == "source"
            assert made.count("user", "SELECT count(*) FROM users") == 200_000
            with made.gated["user"].endpoint.connect() as connection:
                connection.execute("INSERT INTO users (email) VALUES ('works@example.org')")
        finally:
            ballast.unlink()
