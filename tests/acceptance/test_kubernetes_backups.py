"""Backups on a real Kubernetes: to an object store, by the same verbs as everywhere, and back.

The tests share one stack and stand in the order of its life. They run where WAQITI_KUBERNETES_TESTS=1 is set.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from core.sessions.stack import endpoint_database, target_database
from demo.environment.own_cluster import HOST_ADDRESS
from tests.acceptance.logins import connect
from tests.support.folders import own_folder
from tests.support.kubernetes_stacks import (
    SERVICES,
    KubernetesStack,
    kubernetes_cluster,
    kubernetes_stack,
)
from tests.support.object_stores import ObjectStore, object_store
from tests.support.places import REPOSITORY
from tests.support.writer import Writer

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1200)]

QUEUE = "INSERT INTO jobs (payload) VALUES (to_jsonb(%s::text))"


@dataclass
class Backed:
    """A stack whose archives are in a store."""

    stack: KubernetesStack
    store: ObjectStore

    def operations(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """`python -m operations`, its JSON."""
        done = subprocess.run(
            [sys.executable, "-m", "operations", *arguments, "--json", "--contract",
             str(self.stack.contract_file())],
            cwd=REPOSITORY, env=self.stack.stack.environment(), capture_output=True, text=True, timeout=900,
            check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    def rows(self) -> int:
        """How many jobs the notification service's endpoint has."""
        service = self.stack.contract.services["notification"]
        with connect(service.endpoint, service.service) as connection:
            return len(connection.execute("SELECT FROM jobs").fetchall())


@pytest.fixture(scope="module")
def backed() -> Iterator[Backed]:
    """Two services up, with archives, one of them moved and finished."""
    folder = own_folder()
    with (
        kubernetes_cluster() as kubeconfig,
        object_store(folder / "store", HOST_ADDRESS, SERVICES) as store,
        kubernetes_stack(kubeconfig, backups=store) as made,
    ):
        made.stack.up()
        for verb in ("start", "verify", "cutover", "finish"):
            options = [] if verb == "verify" else ["--yes"]
            done = made.migration(verb, "notification", *options, "--json")
            assert done.returncode == 0, done.stderr[-3000:]
        yield Backed(made, store)


def until_backed_up(backed: Backed, seconds: float = 300.0) -> dict[str, Any]:
    """What `backups list` says once every service has a whole backup."""
    deadline = time.monotonic() + seconds
    while True:
        found: dict[str, Any] = backed.operations("backups", "list")["services"]
        if all(any(each["status"] == "DONE" for each in one["backups"]) for one in found.values()):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(3)


def test_each_service_has_a_first_backup_in_a_place_of_its_own(backed: Backed) -> None:
    found = until_backed_up(backed)
    assert {name: one["archive"] for name, one in found.items()} == {
        name: f"s3://waqiti-test-{name}" for name in SERVICES
    }
    assert [one["not_archived"] for one in found.values()] == [None, None]
    for name in SERVICES:
        assert (backed.store.data / f"waqiti-test-{name}" / "db" / "base").is_dir()


def test_a_preview_right_after_an_up_is_empty(backed: Backed) -> None:
    assert backed.stack.stack.changes() == {}


def test_a_sound_archive_has_nothing_to_say(backed: Backed) -> None:
    for one in backed.operations("backups", "check")["services"].values():
        assert (one["sound"], one["findings"]) == (True, [])
        assert one["lag_seconds"] < 30


def test_a_services_key_opens_no_other_services_archive(backed: Backed) -> None:
    identity, _, secret = backed.store.keys["user"].partition(":")
    for name, opens in (("user", True), ("notification", False)):
        listed = backed.stack.inside(
            "user",
            f"export AWS_ACCESS_KEY_ID={identity} AWS_SECRET_ACCESS_KEY={secret} AWS_CA_BUNDLE=/tmp/ca;"
            f" cat >$AWS_CA_BUNDLE; barman-cloud-backup-list --endpoint-url {backed.store.endpoint}"
            f" s3://waqiti-test-{name} db",
            backed.store.authority.read_text(),
        )
        assert (name, listed.returncode == 0) == (name, opens), listed.stderr
        assert ("Backup ID" in listed.stdout) == opens


def test_a_restore_to_a_point_is_what_was_there_and_can_be_given_up(backed: Backed) -> None:
    backed.operations("restore-point", "create", "before-all")
    backed.operations("backup", "notification")
    backed.operations("restore-point", "create", "after-a-backup")
    before = backed.rows()
    done = backed.operations("restore", "notification", "--to-point", "after-a-backup")
    assert done["point"]["sound"] is True
    assert done["point"]["rows"] > 0
    assert backed.operations("restore", "notification", code=55)["error"]["class"] == "RestoreInTheWay"
    backed.operations("restore", "notification", "--give-up")
    assert backed.rows() == before
    assert backed.stack.objects("notification", "Cluster") == ["db"]


def test_a_service_goes_back_to_a_time_and_its_clients_only_wait(backed: Backed) -> None:
    before = backed.rows()
    time.sleep(1.5)
    wanted = datetime.now(UTC).isoformat()
    time.sleep(1.5)
    service = backed.stack.contract.services["notification"]
    with closing(target_database(service).connect()) as session:
        session.execute("DELETE FROM notification_schema.jobs")
    assert backed.rows() == 0
    backed.operations("restore", "notification", "--to-time", wanted)
    with Writer(endpoint_database(service), QUEUE) as writer:
        writer.wait_for_more(5)
        done = backed.operations("restore", "notification", "--swap", "--yes")
        writer.wait_for_more(5, seconds=60)
    assert writer.failed == []
    assert done["state"] == "exchanged"
    assert backed.rows() >= before
    kept = done["kept"].rpartition("/")[2]
    assert kept in backed.stack.objects("notification", "PersistentVolumeClaim")
    assert backed.stack.stack.changes() == {}
    newest = backed.operations("backups", "list")["services"]["notification"]["backups"][-1]
    assert (newest["backup"], newest["timeline"]) == (done["backup"], 2)


def test_a_backup_is_proven_and_nothing_of_it_stays(backed: Backed) -> None:
    done = backed.operations("proof", "notification")["services"]["notification"]
    assert (done["sound"], done["rows"] > 0) == (True, True)
    assert backed.stack.objects("notification", "Cluster") == ["db"]
    shown = backed.operations("backups", "list")["services"]["notification"]["backups"]
    assert [one["proven"] is not None for one in shown if one["backup"] == done["backup"]] == [True]


@pytest.mark.parametrize(
    "verb",
    [
        ("backup", "user", "--incremental"),
        ("backup", "user", "--new-slot"),
        ("backups", "check", "user", "--everything"),
        ("restore", "user", "--no-verify"),
    ],
)
def test_what_cannot_be_had_there_is_refused_by_name(backed: Backed, verb: tuple[str, ...]) -> None:
    refused = backed.operations(*verb, code=29)
    assert verb[-1] in refused["error"]["message"]


def test_a_store_that_is_down_is_said(backed: Backed) -> None:
    backed.store.stop()
    said = backed.operations("backups", "check", "user", code=52)["services"]["user"]
    assert {one["check"] for one in said["findings"]} & {"lag", "archiving", "archive_command"}
