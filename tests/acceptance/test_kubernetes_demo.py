"""`script/demo --platform kubernetes --context ...`: eight databases on a cluster that is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.database import SERVICES
from demo.environment import own_cluster
from servers.kubernetes_api import ClusterApi
from tests.support.demos import Demo, new_demo
from tests.support.kubernetes_stacks import kubernetes_cluster

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[Path]:
    with kubernetes_cluster() as found:
        yield found


@pytest.fixture(scope="module")
def demo(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    file = tmp_path_factory.mktemp("settings") / "Pulumi.theirs.yaml"
    config = {
        "waqiti:kubernetes": own_cluster.settings(kubeconfig),
        "waqiti:source": {"address": own_cluster.HOST_ADDRESS},
    }
    file.write_text(yaml.safe_dump({"config": config}))
    named = ("--context", own_cluster.CONTEXT, "--settings", str(file))
    with new_demo("--platform", "kubernetes", *named, scale=0.002) as made:
        yield made


@pytest.fixture(scope="module")
def facts(demo: Demo) -> dict[str, Any]:
    """The summary of one that was made from nothing."""
    return demo.up()


def test_all_services_move_to_the_cluster_and_nobody_notices(facts: dict[str, Any]) -> None:
    assert {name: one["verified"] for name, one in facts["moved"].items()} == dict.fromkeys(SERVICES, "equal")
    assert len(set(facts["own_database"].values())) == len(SERVICES)
    assert (facts["violations"], facts["workload"]["failures"]) == ([], [])


def test_a_second_demo_of_another_folder_leaves_it_alone(demo: Demo, facts: dict[str, Any]) -> None:
    with new_demo(*demo.more) as another:
        status, _, error = another.run("up", *another.options)
    assert status == 1
    assert error.splitlines()[-1].startswith("error: Kubernetes context waqiti-test: the stack waqiti-dev is")


def test_down_leaves_nothing_on_the_cluster(demo: Demo, facts: dict[str, Any], kubeconfig: Path) -> None:
    status, _, error = demo.run("down")
    assert status == 0, error
    assert demo.processes() == []
    assert not demo.root.exists()
    api = ClusterApi(own_cluster.CONTEXT, str(kubeconfig))
    assert api.listed("Namespace", labels="waqiti/stack=waqiti-dev") == []
