"""The lasting way from a service's servers to those of a service that it reads. Pure.

A policy at either end, and the other's CA certificate: a ConfigMap that the reader's servers mount. It is
optional there, because services may read each other, and a CA is known only once its cluster is there.
"""

from __future__ import annotations

from typing import Any

from components.platforms.kubernetes.plan import CLUSTER, PORT

Manifest = dict[str, Any]

FOLDER = "/projected"
"""Where the operator mounts what a cluster's `projectedVolumeTemplate` names."""


def object_name(service: str) -> str:
    """Of the ConfigMap and the policy of who reads `service`, in the reader's namespace."""
    return f"reads-{service}"


def authority_key(service: str) -> str:
    """The file with the CA certificate of `service`."""
    return f"{service}-ca.crt"


def mounted(service: str) -> Manifest:
    """A source of the reader's `projectedVolumeTemplate`."""
    key = authority_key(service)
    items = [{"key": key, "path": key}]
    return {"configMap": {"name": object_name(service), "items": items, "optional": True}}


def way_out(namespace: str) -> Manifest:
    """Policy of the reader: its instances reach those in `namespace`."""
    return {
        "podSelector": _INSTANCES,
        "policyTypes": ["Egress"],
        "egress": [{"to": [_instances_in(namespace)], "ports": _PORTS}],
    }


def way_in(namespace: str) -> Manifest:
    """Policy of the service that is read: the instances in `namespace` reach its own."""
    return {
        "podSelector": _INSTANCES,
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [_instances_in(namespace)], "ports": _PORTS}],
    }


_INSTANCES: Manifest = {"matchLabels": {"cnpg.io/cluster": CLUSTER}}
_PORTS = [{"port": PORT, "protocol": "TCP"}]


def _instances_in(namespace: str) -> Manifest:
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "podSelector": _INSTANCES,
    }
