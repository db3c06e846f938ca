"""Containers joined to one more network, and taken out of it, while they run.

A link is a resource of its own rather than an argument of the container, so that making it, and taking it
away after the move, restarts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pulumi
import pulumi_docker as docker
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.platforms.docker.parts import after
from components.platforms.provider import LocalProvider


class LinkProvider(LocalProvider):
    """Joins, looks, leaves."""

    inputs = ("socket", "network", "container", "identity", "routes", "address")
    replaced_by = ("network", "container", "address")

    def create(self, props: dict[str, Any]) -> CreateResult:
        _bring_about(props)
        return CreateResult(f"{props['network']}/{props['container']}", self.kept(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        there = _joined(props) or not _wanted(props)
        return ReadResult(id_, self.kept(props)) if there else ReadResult(None, {})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        _bring_about(_news)
        return UpdateResult(self.kept(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from servers.docker_engine import Engine
        from servers.errors import ServerError

        with suppress(ServerError):  # the container may be gone by now, which is as good
            Engine(_props["socket"]).disconnect(_props["network"], _props["container"])

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        return _joined(props) != _wanted(props)


class Link(Resource, module="docker", name="Link"):
    """A container in a network beside its own."""

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(LinkProvider(), name, props, opts)

    @classmethod
    def join(
        cls,
        name: str,
        network: docker.Network,
        container: docker.Container,
        opts: pulumi.ResourceOptions,
        *,
        socket: str,
        routes: str | None = None,
        address: str | None = None,
    ) -> Link:
        """The container in the network, at `address` or one that Docker chooses; `socket` is Docker's.

        Where `routes` is the path of a routes file: until that leads to the service's own database for good.
        """
        props = {
            "socket": socket,
            "network": network.name,
            "container": container.name,
            "identity": container.id,
            "routes": routes,
            **({} if address is None else {"address": address}),
        }
        return cls(name, props, after(opts, network, container))


def _joined(props: Mapping[str, Any]) -> bool:
    from servers.docker_engine import Engine

    return Engine(props["socket"]).is_in(props["network"], props["container"])


def _wanted(props: Mapping[str, Any]) -> bool:
    """Not once `migration finish` has noted that the service is done with what is there."""
    from servers.errors import ServerError
    from servers.pgbouncer_routes import read_routes

    try:
        route = read_routes(Path(props["routes"])) if props.get("routes") else None
    except ServerError:  # the gateway's files say so
        route = None
    return route is None or not route.for_good


def _bring_about(props: Mapping[str, Any]) -> None:
    from servers.docker_engine import Engine

    joined, wanted = _joined(props), _wanted(props)
    if wanted and not joined:
        Engine(props["socket"]).connect(props["network"], props["container"], props.get("address"))
    if joined and not wanted:
        Engine(props["socket"]).disconnect(props["network"], props["container"])
