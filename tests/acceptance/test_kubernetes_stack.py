"""A stack of two services on a real Kubernetes with CloudNativePG: deployed, moved, brought back, destroyed.

The tests share one stack and stand in the order of its life. They run where WAQITI_KUBERNETES_TESTS=1 is set.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from core.gateway.gateway import Gateway
from core.gateway.pods import PodRoutes
from core.sessions.stack import endpoint_database
from tests.acceptance.logins import connect
from tests.support.docker_looks import passwords
from tests.support.kubernetes_stacks import SERVICES, KubernetesStack, kubernetes_cluster, kubernetes_stack
from tests.support.writer import Writer

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1200)]

QUEUE = "INSERT INTO jobs (payload) VALUES (to_jsonb(%s::text))"
"""The notification service's; its keys are of a sequence."""


@pytest.fixture(scope="module")
def deployed() -> Iterator[KubernetesStack]:
    """Two services up, their gateways leading to the demo's shared database."""
    with kubernetes_cluster() as kubeconfig, kubernetes_stack(kubeconfig) as made:
        made.stack.up()
        yield made


def begins(stack: KubernetesStack, service: str) -> str:
    """Where the service's gateway pods would begin."""
    pods = stack.contract.services[service].gateway_control.pods
    assert pods is not None
    return PodRoutes(pods, service).read()["route"]


def test_a_preview_right_after_an_up_is_empty(deployed: KubernetesStack) -> None:
    assert deployed.stack.changes() == {}


def test_a_gateway_has_two_pods_and_no_password_is_in_their_specs(deployed: KubernetesStack) -> None:
    secrets = passwords(deployed.contract)
    for service in SERVICES:
        pods = deployed.api.listed("Pod", f"waqiti-test-{service}")
        gateways = [pod for pod in pods if pod["metadata"]["labels"].get("app") == "gateway"]
        assert len(gateways) == 2
        assert not [name for name, word in secrets.items() if word in json.dumps(pods)]


def test_each_services_applications_reach_its_gateway_and_no_more(deployed: KubernetesStack) -> None:
    done = deployed.isolation()
    assert done.returncode == 0, done.stdout + done.stderr
    tried = json.loads(done.stdout)["attempts"]
    assert {"user", "notification", "elsewhere", "inside user", "inside notification"} == set(tried)


def test_a_service_moves_back_forward_and_finishes_under_load(deployed: KubernetesStack) -> None:
    service = deployed.contract.services["notification"]
    verbs = [
        ("start", "source", "--yes"),
        ("verify", "source"),
        ("cutover", "target", "--yes"),
        ("rollback", "source", "--immediate", "--yes"),
        ("cutover", "target", "--yes"),
        ("finish", "target", "--yes"),
    ]
    with Writer(endpoint_database(service), QUEUE) as writer:
        writer.wait_for_more()
        for verb, leads_to, *options in verbs:
            done = deployed.migration(verb, service.name, *options, "--json")
            assert done.returncode == 0, (verb, done.stderr[-3000:])
            assert (verb, begins(deployed, service.name)) == (verb, leads_to)
            assert (verb, Gateway(service, deployed.contract.source).route()) == (verb, leads_to)
            if verb == "start":
                deployed.kill_primary(service.name)  # the shared database serves
            writer.wait_for_more(20)
    assert writer.failed == []
    assert_all_are_there(deployed, writer)


def assert_all_are_there(stack: KubernetesStack, writer: Writer) -> None:
    """Each write that was acknowledged is in the service's own database, once."""
    service = stack.contract.services["notification"]
    with connect(service.endpoint, service.service) as connection:
        written = connection.execute(
            "SELECT payload #>> '{}' FROM jobs WHERE payload #>> '{}' = ANY(%s)", [writer.acknowledged]
        ).fetchall()
    assert sorted(word for (word,) in written) == sorted(writer.acknowledged)


def test_a_primary_that_is_killed_comes_back_with_every_write(deployed: KubernetesStack) -> None:
    with Writer(endpoint_database(deployed.contract.services["notification"]), QUEUE) as writer:
        writer.wait_for_more(20)
        deployed.kill_primary("notification")
        writer.wait_for_more(20, seconds=90)
    assert_all_are_there(deployed, writer)


def test_a_finished_service_has_no_way_to_the_shared_database(deployed: KubernetesStack) -> None:
    assert "way-back" not in deployed.objects("notification", "Service")
    assert "link" not in deployed.objects("notification", "NetworkPolicy")
    assert "way-back" in deployed.objects("user", "Service")
    assert deployed.stack.changes() == {}


def test_a_destroy_leaves_nothing(deployed: KubernetesStack) -> None:
    deployed.stack.destroy()
    for service in SERVICES:
        assert deployed.api.find("Namespace", f"waqiti-test-{service}") is None
