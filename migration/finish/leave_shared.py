"""The way of a service's servers to the shared database, taken away once nothing of it is needed any more.

A finished service may still read others there, by `reference`; so each `finish` looks at all that are
finished. The gateway's routes file keeps that one is done with it: no `pulumi up` brings the way back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.contract import KubernetesLink, Service
from core.errors import GatewayFailed
from core.gateway.gateway import Gateway
from migration.references.model import read_links
from migration.steps.context import OfflineMove
from servers.docker_engine import Engine
from servers.errors import ServerError
from servers.kubernetes_api import ClusterApi


def leave_shared(move: OfflineMove) -> Mapping[str, Any]:
    """Take those services that are finished and follow nothing in the shared database out of its network.

    What cannot be taken out is named, and goes with the next `pulumi up`.
    """
    with move.source.connect() as connection, move.source.translated("reading the references"):
        following = {link.dependent for link in read_links(connection) if link.publisher == "shared"}
    # Another one that is only being finished takes itself out.
    over = {one.service for one in move.journal.moves() if one.state == "finished"} | {move.name}
    left = []
    for name in sorted((over & move.contract.services.keys()) - following):
        service = move.contract.services[name]
        try:
            Gateway(service, move.contract.source).settle()
            _take_out(service)
        except (GatewayFailed, ServerError) as error:
            move.progress.note(f"{name} keeps its way to the shared database until `pulumi up`: {error}")
        else:
            left.append(name)
    return {"left": left}


def _take_out(service: Service) -> None:
    link = service.instance_control.link
    if link is None:
        return
    if isinstance(link, KubernetesLink):
        # Replication back has ended by now: a policy that goes ends no connection.
        api = ClusterApi(link.context, link.kubeconfig)
        for kind, name in link.objects:
            api.delete(kind, name, link.namespace)
        return
    engine = Engine(link.socket)
    for container in link.containers:
        if engine.is_in(link.network, container):
            engine.disconnect(link.network, container)
