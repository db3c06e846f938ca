"""Containers joined to one more network, and taken out of it, while they run.

A link is a resource of its own rather than an argument of the container, so that making it, and taking it
away after the move, restarts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pulumi
import pulumi_docker as docker
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.platforms.docker_parts import after
from components.platforms.local_provider import LocalProvider


class LinkProvider(LocalProvider):
    """Joins, looks, leaves."""

    inputs = ("socket", "network", "container", "identity")
    replaced_by = ("network", "container")

    def create(self, props: dict[str, Any]) -> CreateResult:
        _join(props)
        return CreateResult(f"{props['network']}/{props['container']}", self.kept(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        return ReadResult(id_, self.kept(props)) if _joined(props) else ReadResult(None, {})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        _join(_news)
        return UpdateResult(self.kept(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from components.platforms.docker_engine import Engine
        from servers.errors import ServerError

        with suppress(ServerError):  # the container may be gone by now, which is as good
            Engine(_props["socket"]).disconnect(_props["network"], _props["container"])

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        return not _joined(props)


class Link(Resource, module="docker", name="Link"):
    """A container in a network beside its own."""

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(LinkProvider(), name, props, opts)

    @classmethod
    def join(
        cls,
        name: str,
        socket: str,
        network: docker.Network,
        container: docker.Container,
        opts: pulumi.ResourceOptions,
    ) -> Link:
        """The container in the network; `socket` is Docker's."""
        props = {
            "socket": socket,
            "network": network.name,
            "container": container.name,
            "identity": container.id,
        }
        return cls(name, props, after(opts, network, container))


def _joined(props: Mapping[str, Any]) -> bool:
    from components.platforms.docker_engine import Engine

    found = Engine(props["socket"]).container(props["container"])
    return found is not None and props["network"] in found["NetworkSettings"]["Networks"]


def _join(props: Mapping[str, Any]) -> None:
    from components.platforms.docker_engine import Engine

    if not _joined(props):
        Engine(props["socket"]).connect(props["network"], props["container"])
