"""Whether a stack fits: what its pods ask for, what nodes have, volumes that are in its way. Looks only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.platforms.kubernetes.manifests import STACK
from components.platforms.kubernetes.plan import CLUSTER, GATEWAY_MEMORY, StackPlan
from components.problems import Problem
from servers.kubernetes_api import ClusterApi, Object

if TYPE_CHECKING:
    from components.settings.kubernetes import KubernetesSettings

_SUFFIXES = {
    "Ki": 1,
    "Mi": 1024,
    "Gi": 1024**2,
    "Ti": 1024**3,
    "k": 1e3 / 1024,
    "M": 1e6 / 1024,
    "G": 1e9 / 1024,
}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G)?")
_VOLUME = re.compile(rf"{CLUSTER}-\d+(-wal)?")
"""Names that the operator gives the volumes of a service's cluster."""


def kilobytes(quantity: str) -> int:
    """kB of a quantity of memory as the API has it (`24599368Ki`, `2G`, `1048576`); 0 for what is none."""
    found = _QUANTITY.fullmatch(quantity)
    return 0 if found is None else int(float(found[1]) * (_SUFFIXES[found[2]] if found[2] else 1 / 1024))


def memory(api: ClusterApi, plan: StackPlan, settings: KubernetesSettings) -> Iterator[Problem]:
    """Pods that no node could ever hold, and more of them than all nodes together could: they would wait
    for ever. What others have on the nodes is left out, because it comes and goes."""
    if not api.may_list("nodes"):
        return  # a cluster's nodes are not for everybody to see who may make namespaces
    nodes = [kilobytes(str(one["status"].get("allocatable", {}).get("memory", ""))) for one in _ready(api)]
    if not nodes:
        yield Problem("nodes", f"none of {api.context} is ready", "see `kubectl get nodes`")
        return
    largest = max(plan.services.items(), key=lambda one: one[1].memory)
    if largest[1].memory > max(nodes):
        what = (
            f"an instance asks for {_gb(largest[1].memory)}, and the largest node of {api.context} has"
            f" {_gb(max(nodes))}"
        )
        fix = "give it less memory, lower waqiti:scale, or add a larger node"
        yield Problem(f"services.yaml: services.{largest[0]}.resources.memory", what, fix)
        return
    wanted = sum(
        settings.instances * one.memory + settings.gateways * GATEWAY_MEMORY for one in plan.services.values()
    )
    if wanted > sum(nodes):
        what = f"the stack asks for {_gb(wanted)}, and all nodes of {api.context} have {_gb(sum(nodes))}"
        yield Problem("memory", what, "lower kubernetes.instances or waqiti:scale, or add nodes")


def volumes(api: ClusterApi, plan: StackPlan) -> Iterator[Problem]:
    """Volumes in the stack's namespaces under the names that the operator is going to use, without the
    cluster that they were of."""
    for service in plan.services.values():
        there = api.find("Namespace", service.namespace)
        if there is None or (there["metadata"].get("labels") or {}).get(STACK) != plan.label:
            continue
        if api.find("Cluster", CLUSTER, service.namespace) is not None:
            continue
        claims = api.listed("PersistentVolumeClaim", service.namespace)
        names = sorted(str(one["metadata"]["name"]) for one in claims)
        if left := [name for name in names if _VOLUME.fullmatch(name)]:
            where = f"namespace {service.namespace}"
            what = f"holds data of an earlier cluster ({', '.join(left)}), which is not taken over by itself"
            fix = (
                "keep it where it is and deploy under another stack's name, or remove it for good:"
                f" `kubectl --context {api.context} -n {service.namespace} delete pvc {' '.join(left)}`"
            )
            yield Problem(where, what, fix)


def _ready(api: ClusterApi) -> list[Object]:
    """Nodes that take pods."""
    return [
        node
        for node in api.listed("Node")
        if not node["spec"].get("unschedulable")
        and any(
            one["type"] == "Ready" and one["status"] == "True"
            for one in node["status"].get("conditions") or ()
        )
    ]


def _gb(kilobytes_: int) -> str:
    return f"{kilobytes_ / 1024**2:.1f} GB"
