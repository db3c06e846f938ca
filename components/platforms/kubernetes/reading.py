"""Makes the lasting way from a service's servers to those that it reads: `reads` says what it is."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.platforms.kubernetes import manifests, reads
from components.platforms.kubernetes.plan import StackPlan


def let_through(
    name: str,
    plan: StackPlan,
    ends: tuple[str, str],
    authority: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """Of `ends` the first reads the second: its instances reach those, and trust their CA certificate."""
    by, service = ends
    reader, read = plan.services[by].namespace, plan.services[service].namespace
    own: Any = {
        "name": reads.object_name(service),
        "namespace": reader,
        "labels": manifests.labels(plan.label, by),
    }
    theirs: Any = {
        "name": f"read-by-{by}",
        "namespace": read,
        "labels": manifests.labels(plan.label, service),
    }
    way_out: Any = reads.way_out(read)
    way_in: Any = reads.way_in(reader)
    policy = kubernetes.networking.v1.NetworkPolicy
    policy(f"{name}-way-out", metadata=own, spec=way_out, opts=opts)
    policy(f"{name}-way-in", metadata=theirs, spec=way_in, opts=opts)
    data = {reads.authority_key(service): authority}
    kubernetes.core.v1.ConfigMap(f"{name}-authority", metadata=own, data=data, opts=opts)
