"""The temporary way between a service's pods and the shared database.

To it: a Service without a selector under the name of its certificate, with its address, and a policy. Back
from it: a port of a node. `migration finish` takes all of it away, and no `up` brings it back after that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.platforms.kubernetes.manifests import way_back
from components.platforms.kubernetes.policies import link_policy
from components.platforms.kubernetes.route import settled
from components.platforms.provider import LocalProvider

Manifest = dict[str, Any]


class LinkProvider(LocalProvider):
    """Makes, looks, takes away."""

    inputs = ("context", "kubeconfig", "namespace", "secret", "manifests")
    replaced_by = ("namespace",)

    def create(self, props: dict[str, Any]) -> CreateResult:
        _bring_about(props)
        return CreateResult(f"{props['namespace']}/link", self.kept(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        as_wanted = _there(props) or settled(props)
        return ReadResult(id_, self.kept(props)) if as_wanted else ReadResult(None, {})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        wanted = objects(_news["manifests"])
        _remove(_olds, [one for one in objects(_olds["manifests"]) if one not in wanted])
        _bring_about(_news)
        return UpdateResult(self.kept(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from servers.errors import ServerError

        with suppress(ServerError):  # its namespace may be gone by now, which is as good
            _remove(_props, objects(_props["manifests"]))

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        return _there(props) == settled(props)


class Link(Resource, module="kubernetes", name="Link"):
    """The way to the shared database and back."""

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(LinkProvider(), name, props, opts)


def manifests(
    namespace: str, labels: Manifest, *, host: str, address: str, port: int, node_port: int | None
) -> list[Manifest]:
    """What the link is made of. `host` is the shared database's name, `address` and `port` where it is."""
    meta = {"namespace": namespace, "labels": labels}
    ports = [{"name": "postgres", "port": port, "protocol": "TCP"}]
    found: list[Manifest] = [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {**meta, "name": host},
            "spec": {"clusterIP": "None", "ports": ports},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                **meta,
                "name": f"{host}-shared",
                "labels": {**labels, "kubernetes.io/service-name": host},
            },
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
            "ports": ports,
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {**meta, "name": "link"},
            "spec": link_policy(address, port),
        },
    ]
    if node_port is not None:
        found.append(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {**meta, "name": "way-back"},
                "spec": way_back(node_port),
            }
        )
    return found


def objects(made: Sequence[Manifest]) -> list[tuple[str, str]]:
    """Kind and name of each."""
    return [(str(one["kind"]), str(one["metadata"]["name"])) for one in made]


def _there(props: Mapping[str, Any]) -> bool:
    """Whether all of it is there; where some is missing there is none that works."""
    from servers.kubernetes_api import ClusterApi

    api = ClusterApi(props["context"], props.get("kubeconfig"))
    return all(api.find(kind, name, props["namespace"]) for kind, name in objects(props["manifests"]))


def _bring_about(props: Mapping[str, Any]) -> None:
    from servers.kubernetes_api import ClusterApi

    if settled(props):
        _remove(props, objects(props["manifests"]))
        return
    api = ClusterApi(props["context"], props.get("kubeconfig"))
    for manifest in props["manifests"]:
        api.apply(_whole_numbers(manifest))


def _remove(props: Mapping[str, Any], named: Sequence[tuple[str, str]]) -> None:
    from servers.kubernetes_api import ClusterApi

    api = ClusterApi(props["context"], props.get("kubeconfig"))
    for kind, name in named:
        api.delete(kind, name, props["namespace"])


def _whole_numbers(value: Any) -> Any:
    """Pulumi hands numbers over as floating ones, which the API refuses for ports."""
    if isinstance(value, Mapping):
        return {key: _whole_numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
