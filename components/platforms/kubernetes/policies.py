"""Who may reach whom in a service's namespace, as NetworkPolicies. Pure.

Nobody, but: the instances each other, the operator, the API server; the gateway its instances; the service's
own pods (by their label) the gateway; where the stack is administered from, both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any

from components.platforms.kubernetes.plan import CLUSTER, PORT, PROVEN, RESTORED

Manifest = dict[str, Any]

STATUS_PORT = 8000
"""Of the operator's program in an instance's pod."""
CLIENT = "waqiti/client"
"""Label of a pod, in any namespace, that is a client of the service that it names."""
APP: Mapping[str, str] = {"app": "gateway"}
_INSTANCES = {"matchLabels": {"cnpg.io/cluster": CLUSTER}}
_DNS = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
}


def policies(
    service: str,
    gateway_port: int,
    operator_namespace: str,
    api_servers: Sequence[tuple[str, int]],
    administration: Sequence[IPv4Network],
) -> dict[str, Manifest]:
    """Name to spec. A policy sees the address behind the API server's Service: `api_servers` are those."""
    both = ["Ingress", "Egress"]
    operator = _operator(operator_namespace)
    found: dict[str, Manifest] = {
        "deny": {"podSelector": {}, "policyTypes": both},
        "instances": {
            # The jobs that make an instance have the cluster's label, and no role yet.
            "podSelector": _INSTANCES,
            "policyTypes": both,
            "ingress": [
                {"from": [{"podSelector": _INSTANCES}, operator], "ports": _ports(PORT, STATUS_PORT)},
                {"from": [{"podSelector": {"matchLabels": dict(APP)}}], "ports": _ports(PORT)},
            ],
            "egress": [
                {"to": [{"podSelector": _INSTANCES}], "ports": _ports(PORT, STATUS_PORT)},
                _DNS,
                *({"to": [_block(address)], "ports": _ports(port)} for address, port in api_servers),
            ],
        },
        "gateway": {
            "podSelector": {"matchLabels": dict(APP)},
            "policyTypes": both,
            "ingress": [
                {
                    "from": [
                        {"namespaceSelector": {}, "podSelector": {"matchLabels": {CLIENT: service}}},
                    ],
                    "ports": _ports(gateway_port),
                }
            ],
            "egress": [{"to": [{"podSelector": _INSTANCES}], "ports": _ports(PORT)}, _DNS],
        },
    }
    if administration:
        found["administration"] = {
            "podSelector": {},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [{"ipBlock": {"cidr": str(one)}} for one in administration],
                    "ports": _ports(PORT, gateway_port),
                }
            ],
        }
    return found


def store_policies(
    addresses: Sequence[IPv4Network],
    port: int,
    operator_namespace: str,
    api_servers: Sequence[tuple[str, int]],
) -> dict[str, Manifest]:
    """Name to spec: the way to the archive for the instances and for those that are restored beside them;
    nobody but the operator (and the administration) reaches a restored one, which reaches no server."""
    beside = _clusters(RESTORED, PROVEN)
    return {
        "archive": {
            "podSelector": _clusters(CLUSTER, RESTORED, PROVEN),
            "policyTypes": ["Egress"],
            "egress": [{"to": [{"ipBlock": {"cidr": str(one)}} for one in addresses], "ports": _ports(port)}],
        },
        "restored": {
            "podSelector": beside,
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [_operator(operator_namespace)], "ports": _ports(PORT, STATUS_PORT)}],
            "egress": [
                _DNS,
                *({"to": [_block(address)], "ports": _ports(number)} for address, number in api_servers),
            ],
        },
    }


def link_policy(address: str, port: int) -> Manifest:
    """Both ways between a service's pods and the shared database."""
    return {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{"to": [_block(address)], "ports": _ports(port)}],
        "ingress": [{"from": [_block(address)], "ports": _ports(PORT)}],
    }


def _operator(namespace: str) -> Manifest:
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "cloudnative-pg"}},
    }


def _clusters(*names: str) -> Manifest:
    return {"matchExpressions": [{"key": "cnpg.io/cluster", "operator": "In", "values": list(names)}]}


def _block(address: str) -> Manifest:
    return {"ipBlock": {"cidr": f"{address}/32"}}


def _ports(*ports: int) -> list[Manifest]:
    return [{"port": port, "protocol": "TCP"} for port in _once(ports)]


def _once(ports: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(ports))
