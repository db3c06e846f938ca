"""What the Kubernetes platform declares of a service, and in which order. Shape only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import program
from components.catalogue.read import read_catalogue
from components.contract import LocalGatewayControl, LocalInstanceControl
from components.platforms.kubernetes import plan
from components.platforms.kubernetes.cluster import KubernetesCluster
from components.platforms.kubernetes.platform import KubernetesPlatform
from components.settings.model import Settings
from servers.kubernetes_api import ClusterApi
from tests.support.places import REPOSITORY
from tests.unit.recording import GENERATED, Registered, record

pytestmark = pytest.mark.unit

CATALOGUE = read_catalogue(REPOSITORY / "services.yaml")
SETTINGS = Settings.model_validate(
    {
        "platform": "kubernetes",
        "services": ["user", "analytics"],
        "source": {
            "host": "postgres-shared",
            "address": "10.99.0.1",
            "administrator": {"name": "postgres", "password": "administrator's"},
            "application": {"name": "waqiti_app", "password": "application's"},
        },
        "kubernetes": {
            "context": "production",
            "gatewayImage": "pgbouncer:1",
            "addresses": "10.96.0.64/26",
            "nodeAddress": "10.99.0.2",
        },
    }
)


@pytest.fixture(scope="module")
def declared() -> tuple[Mapping[str, Registered], dict[str, Any]]:
    """Resources by name, and the controls that the contract gets."""
    looked_at = KubernetesCluster(
        api=ClusterApi("production"),
        plan=plan.stack_plan(SETTINGS, CATALOGUE, "waqiti", "test"),
        settings=SETTINGS.kubernetes,
        api_servers=(("10.0.0.1", 6443),),
        folder=Path("/state/stacks/waqiti-test"),
        source_authority="a certificate",
    )
    controls: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as own:
        own.setattr(KubernetesCluster, "look", lambda *_: looked_at)

        def deploy() -> None:
            platform = KubernetesPlatform(SETTINGS, CATALOGUE, "waqiti", "test")
            made, reader = (
                program.service_database(one, CATALOGUE, SETTINGS, platform) for one in ("user", "analytics")
            )
            reader.let_read(made)
            given = {"gateway": dict(made.gateway.control), "instance": dict(made.instance.control)}
            pulumi.Output.from_input(given).apply(controls.update)

        registered = record(deploy)
    return {one.name: one for one in registered}, controls


def test_each_part_waits_for_what_it_needs(declared: tuple[Mapping[str, Registered], Any]) -> None:
    found, _ = declared
    assert {"user-instance-administrator", "user-instance-authority"} <= set(
        found["user-instance-cluster"].dependencies
    )
    assert {"user-instance-cluster", "user-instance-service"} <= set(found["user-instance"].dependencies)
    assert {"user-gateway-files", "user-gateway-route", "user-gateway-link", "user-instance"} <= set(
        found["user-gateway-deployment"].dependencies
    )


def test_what_holds_data_is_protected_and_its_namespace_too(
    declared: tuple[Mapping[str, Registered], Any],
) -> None:
    found, _ = declared
    kept = {name for name, one in found.items() if one.protect and one.type.startswith("kubernetes:")}
    assert {name for name in kept if name.startswith("user-")} == {
        "user-network-namespace",
        "user-instance-cluster",
    }


def test_no_password_is_in_a_deployments_spec(declared: tuple[Mapping[str, Registered], Any]) -> None:
    found, _ = declared
    spec = str(found["user-gateway-deployment"].inputs)
    assert GENERATED not in spec
    assert "waqiti/files" in spec
    assert GENERATED in str(found["user-gateway-files"].inputs)


def test_the_contract_says_where_the_pods_are(declared: tuple[Mapping[str, Registered], Any]) -> None:
    _, controls = declared
    gateway = LocalGatewayControl.model_validate(controls["gateway"])
    instance = LocalInstanceControl.model_validate(controls["instance"])
    assert gateway.pods is not None
    assert gateway.pods.namespace == "waqiti-test-user"
    assert gateway.pods.host == "postgres-user.waqiti-test-user.svc"
    assert instance.link is not None
    assert ("Service", "way-back") in instance.link.objects  # type: ignore[union-attr]


def test_who_reads_another_gets_a_policy_at_either_end_and_its_authority(
    declared: tuple[Mapping[str, Registered], Any],
) -> None:
    found, _ = declared
    places = {
        end: found[f"analytics-reads-user-{end}"].inputs["metadata"]
        for end in ("way-out", "way-in", "authority")
    }
    assert {end: (meta["namespace"], meta["name"]) for end, meta in places.items()} == {
        "way-out": ("waqiti-test-analytics", "reads-user"),
        "way-in": ("waqiti-test-user", "read-by-analytics"),
        "authority": ("waqiti-test-analytics", "reads-user"),
    }
