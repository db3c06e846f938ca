"""The Kubernetes cluster of a demo: the one whose context is named, or one of the demo's own.

What the demo has to know of it is kept in its folder: the stack's settings, where pods find the shared
database, and from where they come.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from demo.environment import own_cluster, pulumi_stack
from demo.environment.home import Home, Options
from demo.errors import DemoError
from servers.kubernetes_api import ClusterApi
from servers.osuser import write_private

_STACK = "waqiti/stack"
"""Label of all that a stack makes there."""


@dataclass(frozen=True)
class Cluster:
    """What a demo has to know of its cluster."""

    settings: dict[str, Any]
    """The stack's `kubernetes`."""
    address: str
    """This machine's, at which pods find the shared database."""
    clients: tuple[str, ...]
    """Networks that the shared database is reached from."""


def bring_up(home: Home, options: Options, tell: Callable[[str], None], *, kept: bool) -> str:
    """A cluster that the stack can be brought up on, noted in the home. Returns what it is, for people.

    With `kept` it is the earlier demo's. Raises DemoError, ServerError.
    """
    if options.context:
        found = _theirs(options)
        what = f"context {options.context}"
    else:
        if os.geteuid() != 0:
            raise DemoError("a cluster of the demo's own needs root: run it as root, or name a --context")
        kubeconfig = own_cluster.start(home.cluster, tell)
        clients = (f"{own_cluster.HOST_ADDRESS}/32", f"{own_cluster.NODE_ADDRESS}/32", own_cluster.PODS)
        found = Cluster(own_cluster.settings(kubeconfig), own_cluster.HOST_ADDRESS, clients)
        what = f"its own, KUBECONFIG={kubeconfig}"
    if not kept:
        _refuse_another_stack(_api(found))
    write_private(home.cluster_facts, json.dumps(asdict(found)), ours=True)
    return what


def known(home: Home) -> Cluster | None:
    """The cluster of the demo in `home`; None where it has none."""
    if not home.cluster_facts.exists():
        return None
    noted = json.loads(home.cluster_facts.read_text(encoding="utf-8"))
    return Cluster(noted["settings"], noted["address"], tuple(noted["clients"]))


def take_down(home: Home, trouble: str) -> bool:
    """Remove the demo's own cluster with all that is on it, or from yours what a destroy with `trouble`
    left; returns whether there was one of its own. Raises DemoError, ServerError."""
    if home.cluster.exists():
        own_cluster.stop(home.cluster)
        return True
    if trouble and (theirs := known(home)) is not None:
        api = _api(theirs)
        for name in _namespaces(api):
            api.delete("Namespace", name)
    return False


def _theirs(options: Options) -> Cluster:
    """The cluster of that context, as the settings file describes it."""
    file = Path(options.settings)
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))["config"]
        settings, address = config["waqiti:kubernetes"], config["waqiti:source"]["address"]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise DemoError(
            f"{file} does not say what the cluster is like ({type(error).__name__}: {error}); it needs"
            " waqiti:kubernetes and the address of waqiti:source, as Pulumi.prod.yaml has them"
        ) from None
    if not _is_of_this_machine(address):
        raise DemoError(
            f"{address}, where pods would look for the shared database (address of waqiti:source in {file}),"
            " is no address of this machine; set it to the one at which pods reach this machine"
        )
    found = Cluster({**settings, "context": options.context}, address, ())
    return Cluster(found.settings, address, (f"{address}/32", *_origins(_api(found))))


def _is_of_this_machine(address: str) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind((address, 0))
        except OSError:
            return False
    return True


def _origins(api: ClusterApi) -> Iterator[str]:
    """From where connections of pods come: their own addresses, or their nodes'."""
    for node in api.listed("Node"):
        yield from node["spec"].get("podCIDRs") or ()
        for one in node["status"].get("addresses") or ():
            if one["type"] == "InternalIP" and ":" not in one["address"]:
                yield f"{one['address']}/32"


def _api(cluster: Cluster) -> ClusterApi:
    return ClusterApi(str(cluster.settings["context"]), cluster.settings.get("kubeconfig"))


def _namespaces(api: ClusterApi) -> list[str]:
    found = api.listed("Namespace", labels=f"{_STACK}={pulumi_stack.LABEL}")
    return [str(one["metadata"]["name"]) for one in found]


def _refuse_another_stack(api: ClusterApi) -> None:
    """Raises DemoError where a stack of the demo's name is on the cluster already."""
    if there := _namespaces(api):
        raise DemoError(
            f"{api.where}: the stack {pulumi_stack.LABEL} is on it already (namespace {there[0]}); remove it"
            " where it was made, or name another cluster"
        )
