"""Archives in an object store: which backup leads to a target, what is restored, what the operator says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NoSuchBackup
from operations.backup.catalogue import Backup
from operations.object_store.archive import as_backup
from operations.object_store.check import _is_newer, check_cluster
from operations.object_store.recovery import ALONE, find_way, restored_spec
from operations.object_store.restore import reason, switch_point
from operations.object_store.volumes import claim_like
from operations.restore.target import Target
from servers.kubernetes_archiving import barmans_word

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def made(hour: int, lsn: int, timeline: int = 1, phase: str = "completed") -> Backup:
    """A backup that took a minute, as the operator shows it."""
    at = NOON + timedelta(hours=hour)
    status: dict[str, Any] = {"phase": phase, "startedAt": at.isoformat()}
    if phase == "completed":
        status |= {
            "backupId": f"{at:%Y%m%dT%H%M%S}",
            "stoppedAt": (at + timedelta(minutes=1)).isoformat().replace("+00:00", "Z"),
            "beginWal": f"{timeline:08X}0000000000000001",
            "beginLSN": f"0/{lsn:X}",
            "endLSN": f"0/{lsn + 0x100:X}",
        }
    spec = {"cluster": {"name": "db"}}
    return as_backup({"metadata": {"name": f"b{hour}"}, "spec": spec, "status": status}, Path("/"))


DAY = NOON + timedelta(days=1)
TWO = [made(0, 0x1000), made(2, 0x9000)]


def test_a_backup_of_the_operators_is_one_like_all_others() -> None:
    done, running, failed = (
        made(0, 0x1000, timeline=2),
        made(1, 1, phase="running"),
        made(2, 1, phase="failed"),
    )
    assert (done.is_whole, done.timeline, done.id) == (True, 2, "20261130T120000")
    assert (running.is_whole, running.status, running.id) == (False, "STARTED", "b1")
    assert (failed.is_whole, failed.status) == (False, "FAILED")


@pytest.mark.parametrize(
    ("target", "backup", "told"),
    [
        (Target(), TWO[1], {}),
        (Target(time=NOON + timedelta(hours=1)), TWO[0], {"targetTime": "2026-11-30 13:00:00.000000+00:00"}),
        (Target(lsn=0x8000), TWO[0], {"targetLSN": "0/8000", "exclusive": True}),
        (Target(point="before", point_lsn=0x9500), TWO[1], {"targetName": "before"}),
        (Target(point="before", point_lsn=0x9050), TWO[0], {"targetName": "before"}),
    ],
)
def test_a_target_is_reached_from_the_newest_backup_before_it(
    target: Target, backup: Backup, told: dict[str, Any]
) -> None:
    way = find_way("user", TWO, target, None, DAY)
    assert way.target == {"backupID": backup.id, **told}


@pytest.mark.parametrize(
    ("backups", "target", "why"),
    [
        ([], Target(), "no backup that is whole"),
        ([made(0, 1, phase="running")], Target(), "no backup that is whole"),
        (TWO, Target(time=NOON), "ends after it"),
        (TWO, Target(lsn=0x1050), "ends after it"),
        (TWO, Target(time=DAY + timedelta(seconds=1)), "in the future"),
    ],
)
def test_what_nothing_leads_to_is_said(backups: list[Backup], target: Target, why: str) -> None:
    with pytest.raises(NoSuchBackup, match=why):
        find_way("user", backups, target, None, DAY)


def test_a_time_line_that_is_asked_for_is_not_reached_from_a_later_one() -> None:
    both = [made(0, 0x1000), made(2, 0x9000, timeline=2)]
    assert find_way("user", both, Target(), 1, DAY).target == {"backupID": both[0].id, "targetTLI": "1"}
    assert find_way("user", both, Target(), None, DAY).backup is both[1]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8, unique=True), st.integers(0, 60 * 42))
def test_the_chosen_backup_ends_before_the_time_and_none_is_nearer(hours: list[int], minutes: int) -> None:
    backups = [made(hour, 0x1000 * (hour + 1)) for hour in sorted(hours)]
    wanted = NOON + timedelta(minutes=minutes)
    before = [one for one in backups if one.end is not None and one.end <= wanted]
    if not before:
        with pytest.raises(NoSuchBackup):
            find_way("user", backups, Target(time=wanted), None, DAY + timedelta(days=9))
        return
    assert find_way("user", backups, Target(time=wanted), None, DAY + timedelta(days=9)).backup is before[-1]


def test_what_is_restored_follows_nobody_and_writes_to_no_archive() -> None:
    own = {
        "spec": {
            "instances": 3,
            "imageName": "postgresql:17",
            "storage": {"size": "20Gi"},
            "backup": {"barmanObjectStore": {"destinationPath": "s3://own"}},
            "plugins": [{"name": "barman-cloud.cloudnative-pg.io"}],
            "certificates": {"serverAltDNSNames": ["postgres-user"]},
            "bootstrap": {"initdb": {}},
            "postgresql": {
                "parameters": {"max_connections": "100", **dict.fromkeys(ALONE, "4")},
                "pg_hba": ["x"],
            },
        }
    }
    way = find_way("user", TWO, Target(), None, DAY)
    spec = restored_spec(own, way, {"barmanObjectStore": {"serverName": "db"}})
    assert spec["instances"] == 1
    assert {"backup", "plugins", "certificates"}.isdisjoint(spec)
    assert spec["postgresql"]["parameters"] == {"max_connections": "100", **ALONE}
    assert spec["bootstrap"] == {"recovery": {"source": "archive", "recoveryTarget": way.target}}
    assert spec["externalClusters"] == [{"name": "archive", "barmanObjectStore": {"serverName": "db"}}]
    assert own["spec"]["instances"] == 3


def test_a_failed_backup_counts_until_a_whole_one_came_after_it() -> None:
    name = "full-20261130130000"
    failed = as_backup(
        {
            "metadata": {"name": name, "creationTimestamp": "2026-11-30T13:00:00Z"},
            "status": {"phase": "failed", "error": "exit status 3"},
        },
        Path("/"),
    )
    assert _is_newer(failed, [TWO[0]])
    assert not _is_newer(failed, TWO)
    assert _is_newer(failed, [])


def test_barmans_own_word_is_found_in_an_instances_log() -> None:
    lines: list[dict[str, Any]] = [
        {"logger": "barman-cloud-backup", "msg": "usage: barman-cloud-backup"},
        {"logger": "barman-cloud-backup", "msg": "barman-cloud-backup: error: unrecognized arguments: --lz4"},
        {"logger": "postgres", "msg": "record", "record": {"message": "an error of somebody else"}},
    ]
    assert barmans_word("no JSON\n" + "\n".join(map(json.dumps, lines))) == lines[1]["msg"]
    assert barmans_word("") is None


def test_a_jobs_last_error_is_the_reason() -> None:
    lines = [
        {"level": "info", "msg": "Starting"},
        {"level": "error", "msg": "Error while restoring a backup", "error": "exit status 1"},
    ]
    assert reason("\n".join(map(json.dumps, lines)) + "\nno JSON") == "exit status 1"
    fatal = {
        "level": "info",
        "msg": "record",
        "record": {
            "error_severity": "FATAL",
            "message": "recovery ended before configured recovery target was reached",
        },
    }
    assert "ends before the target" in reason(json.dumps(fatal))
    assert "no reason" in reason("")


def test_a_time_line_began_where_its_history_ends() -> None:
    history = "1\t0/3000000\tno recovery target specified\n\n2\t0/5000148\tbefore 2026\n"
    assert switch_point(history) == 0x5000148
    assert switch_point("") == 0


CLAIM: dict[str, Any] = {
    "metadata": {
        "name": "db-1",
        "labels": {"cnpg.io/cluster": "db", "cnpg.io/instanceRole": "primary"},
        "annotations": {"cnpg.io/nodeSerial": "1", "pv.kubernetes.io/bind-completed": "yes"},
        "ownerReferences": [{"kind": "Cluster", "name": "db", "uid": "of-the-cluster"}],
        "finalizers": ["kubernetes.io/pvc-protection"],
        "uid": "old",
    },
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "20Gi"}},
        "storageClassName": "standard",
        "volumeName": "old-volume",
    },
}


def test_the_claim_that_is_made_anew_is_the_operators_still() -> None:
    made_anew = claim_like(CLAIM, "db-1", "waqiti-test-user", "restored-volume", own=True)
    meta = made_anew["metadata"]
    assert meta["labels"] == CLAIM["metadata"]["labels"]
    assert meta["ownerReferences"] == CLAIM["metadata"]["ownerReferences"]
    assert meta["annotations"] == {"cnpg.io/nodeSerial": "1"}
    assert made_anew["spec"] == {**CLAIM["spec"], "volumeName": "restored-volume"}
    assert "uid" not in meta


def test_the_claim_of_what_was_there_before_is_nobodys() -> None:
    kept = claim_like(CLAIM, "db-1-before", "waqiti-test-user", "old-volume", own=False)
    assert kept["metadata"] == {"name": "db-1-before", "namespace": "waqiti-test-user"}


@pytest.mark.parametrize(
    ("condition", "remedy"),
    [
        (None, "check the key"),
        ({"status": "True"}, ""),
        ({"status": "False", "message": "Expected empty archive"}, "another database's archive"),
        ({"status": "False", "message": "exit status 1"}, "check the key"),
    ],
)
def test_what_the_operator_says_of_archiving_has_a_remedy(
    condition: dict[str, str] | None, remedy: str
) -> None:
    conditions = [] if condition is None else [{"type": "ContinuousArchiving", **condition}]
    found: list[tuple[str, str, str]] = []
    check_cluster({"status": {"conditions": conditions}}, "kubectl", lambda *one: found.append(one))
    assert [remedy in one[2] for one in found] == ([True] if remedy else [])
