"""What a stack on Kubernetes says of a cluster that it cannot use: a line each, before anything is made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.catalogue.model import Catalogue
from components.catalogue.read import read_catalogue
from components.platforms.kubernetes.cluster import KubernetesCluster
from components.problems import ConfigurationError
from components.settings.model import Settings
from demo.environment import own_cluster
from servers.kubernetes_api import ClusterApi
from tests.support.kubernetes_stacks import kubernetes_cluster, kubernetes_stack
from tests.support.places import REPOSITORY

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1200)]

STACK = "refused"


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[Path]:
    with kubernetes_cluster() as found:
        yield found


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(REPOSITORY / "services.yaml")


def problem(catalogue: Catalogue, kubeconfig: Path, changes: dict[str, Any], **more: Any) -> str:
    """The one line that a stack with these settings ends with."""
    login = {"name": "somebody", "password": "of-nothing"}
    source = {"host": "postgres-shared", "address": own_cluster.HOST_ADDRESS}
    settings = Settings.model_validate(
        {
            "platform": "kubernetes",
            "services": ["user"],
            "source": {**source, "administrator": login, "application": login},
            "kubernetes": {**own_cluster.settings(kubeconfig), **changes},
            **more,
        }
    )
    with pytest.raises(ConfigurationError) as raised:
        KubernetesCluster.look(settings, catalogue, "waqiti", STACK)
    (found,) = raised.value.problems
    assert "\n" not in str(found)
    return str(found)


def test_a_context_that_the_kubeconfig_lacks_is_named(catalogue: Catalogue, kubeconfig: Path) -> None:
    said = problem(catalogue, kubeconfig, {"context": "staging"})
    assert "Kubernetes context staging is not in the kubeconfig" in said
    assert "kubectl config get-contexts" in said


def test_a_cluster_that_does_not_answer_is_named(
    catalogue: Catalogue, kubeconfig: Path, tmp_path: Path
) -> None:
    dead = yaml.safe_load(kubeconfig.read_text())
    dead["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "dead").write_text(yaml.safe_dump(dead))
    said = problem(catalogue, kubeconfig, {"kubeconfig": str(tmp_path / "dead")})
    assert f"Kubernetes context {own_cluster.CONTEXT} does not answer" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"operatorNamespace": "default"}, "its operator does not run in the namespace default"),
        ({"storageClass": "fast"}, "fast is not in waqiti-test"),
    ],
)
def test_what_the_cluster_lacks_is_named(
    catalogue: Catalogue, kubeconfig: Path, changes: dict[str, Any], said: str
) -> None:
    assert said in problem(catalogue, kubeconfig, changes)


def test_a_stack_that_no_node_holds_is_refused(catalogue: Catalogue, kubeconfig: Path) -> None:
    said = problem(catalogue, kubeconfig, {}, scale=30)
    assert "services.user.resources.memory" in said
    assert "the largest node of waqiti-test has" in said


def test_more_instances_than_the_nodes_hold_are_refused(catalogue: Catalogue, kubeconfig: Path) -> None:
    said = problem(catalogue, kubeconfig, {"instances": 9}, scale=8)
    assert "the stack asks for" in said


@pytest.fixture
def namespace(kubeconfig: Path) -> Iterator[tuple[ClusterApi, str]]:
    """The name of the user service's namespace, which is gone afterwards."""
    api, name = ClusterApi(own_cluster.CONTEXT, str(kubeconfig)), f"waqiti-{STACK}-user"
    yield api, name
    api.delete("Namespace", name)
    deadline = time.monotonic() + 300
    while api.find("Namespace", name) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_a_namespace_of_somebody_else_is_not_touched(
    catalogue: Catalogue, kubeconfig: Path, namespace: tuple[ClusterApi, str]
) -> None:
    api, name = namespace
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    assert "is not of the stack waqiti-refused" in problem(catalogue, kubeconfig, {})


def test_volumes_of_an_earlier_cluster_are_not_taken_over(
    catalogue: Catalogue, kubeconfig: Path, namespace: tuple[ClusterApi, str]
) -> None:
    api, name = namespace
    labels = {"waqiti/stack": f"waqiti-{STACK}"}
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    meta = {"name": "db-1", "namespace": name}
    api.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": claim})
    said = problem(catalogue, kubeconfig, {})
    assert "holds data of an earlier cluster (db-1)" in said
    assert f"-n {name} delete pvc db-1" in said


def test_an_image_that_cannot_be_had_ends_the_up_with_its_name(kubeconfig: Path) -> None:
    absent = {**own_cluster.settings(kubeconfig), "postgresImage": "localhost/absent:17"}
    with kubernetes_stack(kubeconfig, {"kubernetes": absent, "services": ["user"]}) as made:
        done = made.stack.up(check=False)
    said = done.output
    assert done.code != 0
    assert "cluster waqiti-test-user/db cannot come up: db-1-initdb" in said
    assert "cannot get its image localhost/absent:17" in said
