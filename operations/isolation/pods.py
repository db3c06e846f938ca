"""Tries to get from everywhere to everywhere in a stack on Kubernetes.

For each service a pod labelled as its application, in a namespace of the probe's own; one there with no
label; and in each service's namespace one that is none of its own. Each tries every service's gateway and
instance, by name, Service address, pod address and node port. Pods in a service's namespace try the API
server, the shared database and the way out (192.0.2.1, for documentation: nobody has it), too. Whether a
service account may read the Secrets of a namespace that is not its own is asked of the API server.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from components.contract import Contract, GatewayPods, Service
from operations.isolation.matrix import ELSEWHERE, Attempt
from operations.isolation.probe import OUTSIDE, Target, attempts_of, script
from servers.errors import ServerError
from servers.kubernetes_api import ClusterApi, Object

INSIDE = "inside "
"""Before a service's name: the pod in its namespace that is none of its own."""
SECONDS = 240.0
_WAITS = 60
"""Seconds that an application's pod waits for its own gateway: policies are in force some after a pod is."""
_OTHERS_WAIT = 15
_STATUS_PORT = 8000


@dataclass
class PodFindings:
    """What was tried from which pod, and which service account may read whose Secrets."""

    services: tuple[str, ...]
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    """By the service whose application tried, ELSEWHERE, and INSIDE with a service's name."""
    accounts: list[tuple[str, str]] = field(default_factory=list)
    """(service account as `namespace/name`, the namespace whose Secrets it may read and should not)."""
    linked: frozenset[str] = frozenset()
    """Services that still have their way to the shared database."""

    def breaches(self) -> list[str]:
        """A line for everything that was reached and should not have been, or the other way round."""
        return [*self._reached(), *(f"{one} may read the Secrets of {other}" for one, other in self.accounts)]

    def _reached(self) -> Iterator[str]:
        for origin, tried in self.attempts.items():
            own = [one for one in tried if one.target == f"gateway:{origin}"]
            for one in tried:
                # A policy may answer for what it keeps out, so that only what is open was reached.
                if one.result == "open" and one not in own and not self._is_link(origin, one):
                    yield f"from {origin}: {one.target} at {one.address}:{one.port} is open"
            if origin in self.services and not all(one.result == "open" for one in own):
                yield f"from {origin}: its own gateway is not in reach everywhere"

    def _is_link(self, origin: str, one: Attempt) -> bool:
        return one.target == "shared" and origin.removeprefix(INSIDE) in self.linked


def find_out(contract: Contract) -> PodFindings:
    """Try everything. Makes pods and a namespace, and removes them. Raises ServerError."""
    places = {name: _pods(service) for name, service in contract.services.items()}
    first = next(iter(places.values()))
    api = ClusterApi(first.context, first.kubeconfig)
    findings = PodFindings(tuple(places), linked=_linked(api, contract))
    image = _image(api, first.namespace)
    stack = f"{contract.project}-{contract.stack}"
    space = f"{stack}-probe-{secrets.token_hex(3)}"
    served = [target for service in contract.services.values() for target in _served(api, service)]
    beyond = [*_api_servers(api), ("out", OUTSIDE, 80)]
    source = contract.source.endpoint
    beyond += [("shared", address, source.port) for address in (source.address,) if address]
    probes = {}
    for name, place in places.items():
        label = {"waqiti/client": name}
        probes[name] = _pod(space, f"as-{name}", image, label, _patient(contract.services[name], served))
        probes[f"{INSIDE}{name}"] = _pod(place.namespace, "probe", image, {}, _late([*served, *beyond]))
    probes[ELSEWHERE] = _pod(space, "elsewhere", image, {}, _late(served))
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    try:
        with ThreadPoolExecutor(len(probes)) as pool:
            for origin, said in zip(
                probes, pool.map(lambda one: _run(api, one), probes.values()), strict=True
            ):
                expected = len(served) + (len(beyond) if origin.startswith(INSIDE) else 0)
                findings.attempts[origin] = attempts_of(said, origin, expected)
    finally:
        api.delete("Namespace", space)
        for place in places.values():
            api.delete("Pod", "probe", place.namespace)
    findings.accounts = list(_accounts(api, [place.namespace for place in places.values()]))
    return findings


def matrix(findings: PodFindings) -> str:
    """The findings as a table: a row for where it was tried from, a column for what was tried."""
    columns = [*findings.services, "api", "shared", "out"]
    rows = [["from \\ to", *columns]]
    for origin, tried in findings.attempts.items():
        row = [origin]
        for column in columns:
            those = [one for one in tried if one.target == column or one.target.endswith(f":{column}")]
            reached = sorted({one.target.partition(":")[0] for one in those if one.result == "open"})
            row.append("+".join(reached) or ("-" if those else ""))
        rows.append(row)
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _pods(service: Service) -> GatewayPods:
    found = service.gateway_control.pods
    if found is None:
        raise ServerError("is not on Kubernetes", where=service.name, to_do="bring the stack up anew")
    return found


def _image(api: ClusterApi, namespace: str) -> str:
    """An image that is there: the instances', which has bash."""
    pods = api.listed("Pod", namespace, "cnpg.io/podRole=instance")
    if not pods:
        raise ServerError("has no instance", where=f"namespace {namespace}", to_do="bring the stack up")
    return str(pods[0]["spec"]["containers"][0]["image"])


def _linked(api: ClusterApi, contract: Contract) -> frozenset[str]:
    return frozenset(
        name
        for name, service in contract.services.items()
        if api.find("NetworkPolicy", "link", _pods(service).namespace) is not None
    )


def _served(api: ClusterApi, service: Service) -> Iterator[Target]:
    """Where a service's gateway and instance listen."""
    place = _pods(service)
    for kind, endpoint, labels in (
        ("gateway", service.endpoint, place.labels),
        ("instance", service.instance, "cnpg.io/podRole=instance"),
    ):
        pods = api.listed("Pod", place.namespace, labels)
        addresses = [pod["status"]["podIP"] for pod in pods if pod["status"].get("podIP")]
        for address in (endpoint.host, *([endpoint.address] if endpoint.address else []), *addresses):
            yield f"{kind}:{service.name}", address, endpoint.port
        if kind == "instance":
            for address in addresses:
                yield f"instance:{service.name}", address, _STATUS_PORT
    back = service.instance.followers
    if back is not None and back.address:
        yield f"instance:{service.name}", back.address, back.port


def _api_servers(api: ClusterApi) -> Iterator[Target]:
    yield "api", "kubernetes.default.svc", 443
    for piece in api.listed("EndpointSlice", "default", "kubernetes.io/service-name=kubernetes"):
        for end in piece.get("endpoints") or ():
            for port in piece.get("ports") or ():
                yield from (("api", str(address), int(port["port"])) for address in end["addresses"])


def _patient(service: Service, targets: list[Target]) -> str:
    """As an application: it begins once its own gateway answers, or has not for long."""
    address, port = service.endpoint.host, service.endpoint.port
    return (
        f"for _ in $(seq {_WAITS}); do timeout 1 bash -c ': </dev/tcp/{address}/{port}' 2>/dev/null && break;"
        f" sleep 1; done\n{script(targets)}"
    )


def _late(targets: list[Target]) -> str:
    """What holds for it is in force by then."""
    return f"sleep {_OTHERS_WAIT}\n{script(targets)}"


def _pod(namespace: str, name: str, image: str, labels: dict[str, str], what: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"waqiti/probe": "isolation", **labels}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "probe",
                    "image": image,
                    "command": ["bash", "-c", what],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "resources": {"requests": {"memory": "16Mi"}, "limits": {"memory": "64Mi"}},
                }
            ],
        },
    }


def _run(api: ClusterApi, pod: Object) -> list[str]:
    """Make the pod, wait until it has ended, and return what it said. Raises ServerError."""
    name, namespace = str(pod["metadata"]["name"]), str(pod["metadata"]["namespace"])
    deadline = time.monotonic() + SECONDS
    # The service account of a namespace that was made just now may lag it.
    while True:
        try:
            api.create(pod)
            break
        except ServerError:
            if time.monotonic() > deadline - SECONDS + 20:
                raise
            time.sleep(0.5)
    while True:
        found = api.find("Pod", name, namespace) or {}
        phase = found.get("status", {}).get("phase")
        if phase in ("Succeeded", "Failed"):
            return api.log(name, namespace, "probe", 10_000).splitlines()
        if time.monotonic() > deadline:
            raise ServerError(
                f"is {phase} after {SECONDS:g} s",
                where=f"the pod {namespace}/{name}",
                to_do=f"see `kubectl -n {namespace} describe pod {name}`, then run it again",
            )
        time.sleep(1)


def _accounts(api: ClusterApi, namespaces: list[str]) -> Iterator[tuple[str, str]]:
    for own in namespaces:
        for account in api.listed("ServiceAccount", own):
            name = str(account["metadata"]["name"])
            for other in namespaces:
                user = f"system:serviceaccount:{own}:{name}"
                if other != own and any(api.may(user, verb, "secrets", other) for verb in ("get", "list")):
                    yield f"{own}/{name}", other
