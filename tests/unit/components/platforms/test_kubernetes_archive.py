"""A service's archive in an object store: what CloudNativePG is told, what cannot be had, who reaches it."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components import program
from components.backup.entry import BackupEntry
from components.catalogue.model import Catalogue
from components.catalogue.read import read_catalogue
from components.contract import BackupControl
from components.platforms.kubernetes import archive, manifests, plan, policies
from components.platforms.kubernetes.cluster import KubernetesCluster
from components.platforms.kubernetes.platform import KubernetesPlatform
from components.settings.model import Settings
from components.settings.object_store import ObjectStoreSettings
from servers.kubernetes_api import ClusterApi
from tests.support.places import REPOSITORY
from tests.unit.recording import Registered, record

pytestmark = pytest.mark.unit

CATALOGUE = read_catalogue(REPOSITORY / "services.yaml")
STORE: dict[str, Any] = {"endpoint": "https://store.example:7070", "addresses": ["10.99.0.1/32"]}
KEY = "the-id:the-key"


def settings(store: dict[str, Any] | None = None, **changes: Any) -> Settings:
    login = {"name": "somebody", "password": "of-nothing"}
    return Settings.model_validate(
        {
            "platform": "kubernetes",
            "services": ["user"],
            "source": {
                "host": "postgres-shared",
                "address": "10.99.0.1",
                "administrator": login,
                "application": login,
            },
            "kubernetes": {
                "context": "production",
                "gatewayImage": "pgbouncer:1",
                "addresses": "10.96.0.64/26",
                "nodeAddress": "10.99.0.2",
                "backups": {**STORE, **(store or {})},
            },
            "backupKeys": {"user": KEY},
            **changes,
        }
    )


def with_backup(**entry: Any) -> Catalogue:
    """The project's catalogue, the user service's backups otherwise."""
    changed = CATALOGUE.services["user"].model_copy(
        update={"backup": BackupEntry.model_validate(entry, context={"folder": REPOSITORY})}
    )
    return CATALOGUE.model_copy(update={"services": {**CATALOGUE.services, "user": changed}})


def stored(
    *, plugin: bool = False, store: dict[str, Any] | None = None, **entry: Any
) -> archive.StoredArchive:
    wanted, catalogue = settings(store), with_backup(**entry)
    stack = plan.stack_plan(wanted, catalogue, "waqiti", "prod")
    return archive.archives(wanted, catalogue, stack, plugin=plugin)["user"]


def said(wanted: Settings, catalogue: Catalogue = CATALOGUE) -> list[str]:
    return [str(one) for one in archive.problems(wanted, catalogue)]


def test_the_defaults_of_services_yaml_are_what_the_operator_is_told() -> None:
    backup = stored().in_cluster()["backup"]
    assert backup["retentionPolicy"] == "14d"
    store = backup["barmanObjectStore"]
    assert store["destinationPath"] == "s3://waqiti-prod-user"
    assert (store["wal"]["compression"], store["data"]["compression"]) == ("zstd", "gzip")
    assert stored().schedule()["schedule"] == "@every 86400s"
    assert stored().parameters() == {"archive_timeout": "60s"}


def test_no_key_is_in_what_the_cluster_is_told() -> None:
    for plugin in (False, True):
        one = stored(plugin=plugin)
        told = str([one.in_cluster(), one.object_store(), one.backup(), one.source(), one.schedule()])
        assert "the-id" not in told
        assert "the-key" not in told


def test_both_ways_name_the_same_place_and_server() -> None:
    inside, plugin = stored(), stored(plugin=True)
    own, beside = inside.in_cluster()["backup"]["barmanObjectStore"], plugin.object_store()
    assert beside is not None
    assert {**beside["configuration"], "serverName": "db"} == own
    assert beside["retentionPolicy"] == inside.in_cluster()["backup"]["retentionPolicy"]
    (used,) = plugin.in_cluster()["plugins"]
    assert used["isWALArchiver"] is True
    assert used["parameters"] == plugin.source()["plugin"]["parameters"]
    assert inside.object_store() is None


def test_each_service_has_a_place_of_its_own() -> None:
    wanted = settings({"place": "backups/{service}"}, services=None)
    stack = plan.stack_plan(wanted, CATALOGUE, "waqiti", "prod")
    found = [one.url for one in archive.archives(wanted, CATALOGUE, stack, plugin=False).values()]
    assert len(set(found)) == 8
    assert "s3://backups/user" in found


@pytest.mark.parametrize(
    ("store", "why"),
    [
        ({"endpoint": "http://store.example"}, "in clear"),
        ({"endpoint": "https://store.example/path"}, "HOST"),
        ({"place": "one-for-all"}, "share it"),
        ({"addresses": []}, "at least 1"),
    ],
)
def test_a_store_that_would_not_be_safe_is_refused(store: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ObjectStoreSettings.model_validate({**STORE, **store})


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({"incremental": "1h"}, "incremental"),
        ({"synchronous": True}, "synchronous"),
        ({"keepAtLeast": 3}, "keepAtLeast"),
    ],
)
def test_what_cannot_be_had_there_is_refused_by_name(entry: dict[str, Any], key: str) -> None:
    (line,) = said(settings(), with_backup(**entry))
    assert line.startswith(f"services.yaml: services.user.backup.{key}: ")


def test_a_key_that_is_missing_or_none_is_named_with_its_variable() -> None:
    (missing,) = said(settings(backupKeys={}))
    assert "backupKeys.user: not set; export USER_DB_BACKUP_KEY=ID:SECRET" in missing
    (wrong,) = said(settings(backupKeys={"user": "only-an-id"}))
    assert "only-an-id" not in wrong


def test_without_backups_nothing_is_asked_for() -> None:
    assert said(settings(backups=False, backupKeys={})) == []
    assert said(settings(backupKeys={}), with_backup(enabled=False)) == []


@given(
    full=st.integers(min_value=60, max_value=40 * 86_400),
    window=st.none() | st.tuples(st.integers(0, 1439), st.integers(0, 1439)),
)
def test_a_schedule_is_never_rarer_than_it_says(full: int, window: tuple[int, int] | None) -> None:
    policy = BackupEntry(full=full).policy.model_copy(update={"window": window})
    text = archive.schedule(policy)
    if window is None:
        assert text == f"@every {full}s"
        return
    seconds, minute, hour, days, *rest = text.split()
    assert (seconds, rest) == ("0", ["*", "*"])
    assert int(hour) * 60 + int(minute) == window[0]
    every = 1 if days == "*" else int(days.removeprefix("*/"))
    # By day of the month: from the last one of a month to the first of the next is never longer.
    run = [
        at
        for at in (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(i) for i in range(400))
        if (at.day - 1) % every == 0
    ]
    longest = max((after - before).days for before, after in itertools.pairwise(run))
    assert longest <= max(1, full // 86_400)


def test_only_instances_reach_the_store_and_restored_ones_no_server() -> None:
    found = policies.store_policies(
        settings().kubernetes.backups.addresses,  # type: ignore[union-attr]
        7070,
        "cnpg-system",
        [("10.0.0.1", 6443)],
    )
    store = found["archive"]
    assert store["policyTypes"] == ["Egress"]
    assert store["egress"] == [
        {"to": [{"ipBlock": {"cidr": "10.99.0.1/32"}}], "ports": [{"port": 7070, "protocol": "TCP"}]}
    ]
    (clusters,) = store["podSelector"]["matchExpressions"]
    assert clusters["values"] == ["db", "db-restored", "db-proof"]
    restored = found["restored"]
    ports = {port["port"] for rule in restored["egress"] for port in rule["ports"]}
    assert ports == {53, 6443}
    (way,) = restored["ingress"]
    assert "namespaceSelector" in way["from"][0]


def test_the_quota_leaves_room_for_what_is_restored_beside() -> None:
    wanted = settings()
    one = plan.stack_plan(wanted, CATALOGUE, "waqiti", "prod").services["user"]
    without = wanted.kubernetes.model_copy(update={"backups": None})
    bare, roomy = (manifests.quota(one, each)["hard"] for each in (without, wanted.kubernetes))
    assert int(roomy["pods"]) == int(bare["pods"]) + 2


@pytest.fixture(scope="module")
def declared() -> tuple[Mapping[str, Registered], BackupControl]:
    """Resources by name, and the contract's part."""
    wanted = settings()
    stack = plan.stack_plan(wanted, CATALOGUE, "waqiti", "test")
    looked_at = KubernetesCluster(
        api=ClusterApi("production"),
        plan=stack,
        settings=wanted.kubernetes,
        api_servers=(("10.0.0.1", 6443),),
        folder=Path("/state/stacks/waqiti-test"),
        source_authority=None,
        archives=archive.archives(wanted, CATALOGUE, stack, plugin=False),
    )
    controls: list[BackupControl] = []
    with pytest.MonkeyPatch.context() as own:
        own.setattr(KubernetesCluster, "look", lambda *_: looked_at)

        def deploy() -> None:
            platform = KubernetesPlatform(wanted, CATALOGUE, "waqiti", "test")
            made = program.service_database("user", CATALOGUE, wanted, platform)
            assert made.backups is not None
            controls.append(made.backups)
            pulumi.export("nothing", None)

        registered = record(deploy)
    return {one.name: one for one in registered}, controls[0]


def test_the_key_is_there_before_the_cluster_archives(
    declared: tuple[Mapping[str, Registered], BackupControl],
) -> None:
    found, _ = declared
    assert "user-instance-store" in found["user-instance-cluster"].dependencies
    assert "user-instance" in found["user-backup-archive"].dependencies
    given = str(found["user-instance-store"].inputs)
    assert "the-key" in given or base64.b64encode(b"the-key").decode() in given
    others = {name: str(one.inputs) for name, one in found.items() if name != "user-instance-store"}
    assert [name for name, inputs in others.items() if "the-key" in inputs] == []


def test_the_contract_says_how_it_is_restored_and_has_no_key(
    declared: tuple[Mapping[str, Registered], BackupControl],
) -> None:
    _, control = declared
    again = BackupControl.model_validate(control.model_dump(mode="json"))
    assert again.stored is not None
    assert again.stored.url == "s3://waqiti-test-user"
    assert (
        again.stored.source["barmanObjectStore"]
        == archive.archives(
            settings(), CATALOGUE, plan.stack_plan(settings(), CATALOGUE, "waqiti", "test"), plugin=False
        )["user"].source()["barmanObjectStore"]
    )
    assert "the-key" not in again.model_dump_json()
