"""Where a gateway's pods begin: a Secret that `pulumi up` makes once, and `migration`'s after that."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.platforms.provider import LocalProvider


class RouteProvider(LocalProvider):
    """Makes the Secret where there is none, leading to the shared database; never changes it."""

    inputs = ("context", "kubeconfig", "namespace", "secret", "labels", "folder")
    replaced_by = ("namespace", "secret")

    def create(self, props: dict[str, Any]) -> CreateResult:
        _make(props)
        return CreateResult(f"{props['namespace']}/{props['secret']}", self._outputs(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        return ReadResult(None, {}) if _missing(props) else ReadResult(id_, self._outputs(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        _make(_news)
        return UpdateResult(self._outputs(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """The route stays, beside the data that it may lead to: a later `up` finds both."""
        from servers.errors import ServerError
        from servers.kubernetes_api import ClusterApi

        if _props.get("keep_route", True):
            return
        with suppress(ServerError):  # its namespace may be gone, which is as good
            ClusterApi(_props["context"], _props.get("kubeconfig")).delete(
                "Secret", _props["secret"], _props["namespace"]
            )

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        return _missing(props) or not Path(props["folder"]).is_dir()

    def _outputs(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.kept(props), "keep_route": props.get("keep_route", True)}


class GatewayRoute(Resource, module="kubernetes", name="Route"):
    """Where a gateway's pods begin."""

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(RouteProvider(), name, props, opts)


def settled(props: Mapping[str, Any]) -> bool:
    """Whether `migration finish` has noted that the gateway leads to the service's own database for good."""
    from servers.kubernetes_api import ClusterApi

    found = ClusterApi(props["context"], props.get("kubeconfig")).find(
        "Secret", props["secret"], props["namespace"]
    )
    return found is not None and "settled" in (found.get("data") or {})


def _missing(props: Mapping[str, Any]) -> bool:
    from servers.kubernetes_api import ClusterApi

    api = ClusterApi(props["context"], props.get("kubeconfig"))
    return api.find("Secret", props["secret"], props["namespace"]) is None


def _make(props: Mapping[str, Any]) -> None:
    from servers import paths
    from servers.kubernetes_api import ClusterApi

    # Locks of this machine's runs are there.
    paths.make_private(Path(props["folder"]))
    ClusterApi(props["context"], props.get("kubeconfig")).create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": props["secret"],
                "namespace": props["namespace"],
                "labels": dict(props["labels"]),
            },
            "data": {"route": base64.b64encode(b"source").decode()},
        }
    )
