"""The pods of a gateway on Kubernetes: where their consoles are, and what says where a new one begins.

Where a pod leads is which of its two whole configurations PgBouncer reads: `SET conffile` on its console and
RELOAD lead it elsewhere, no file in a pod is written. A pod that is made or started anew reads the Secret's
key `route`, which is patched first.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from psycopg import sql

from components.contract import GatewayPods, LocalGatewayControl
from core.errors import GatewayFailed
from servers.errors import ServerError
from servers.kubernetes_api import ClusterApi, Object

ROUTE, SETTLED = "route", "settled"
"""Keys of the Secret: where it leads; that it does so for good."""
TOUCHED = "waqiti/route-read"
"""Annotation of a pod: a kubelet that sees it change brings mounted Secrets up to date at once, where it
would take a minute or more by itself."""


@cache
def api(context: str, kubeconfig: str | None) -> ClusterApi:
    """One client a cluster: its connection is kept."""
    return ClusterApi(context, kubeconfig)


def places(control: LocalGatewayControl, label: str) -> dict[str, dict[str, Any]]:
    """libpq's parameters of each console, by pod; of the one on this machine under an empty name.

    Raises GatewayFailed where no pod is ready.
    """
    found = control.pods
    if found is None:
        return {"": {"host": control.sockets, "port": control.port}}
    ready = {
        pod["metadata"]["name"]: pod["status"]["podIP"]
        for pod in listed(found, label)
        if _is_ready(pod) and "deletionTimestamp" not in pod["metadata"]
    }
    if not ready:
        raise GatewayFailed(
            f"{label} has no pod that is ready; see `kubectl --context {found.context} -n {found.namespace}"
            f" get pods -l {found.labels}`"
        )
    return {
        name: {
            "host": found.host,
            "hostaddr": address,
            "port": control.port,
            "sslmode": "verify-full",
            "sslrootcert": found.authority,
            "gssencmode": "disable",
        }
        for name, address in sorted(ready.items())
    }


def listed(of: GatewayPods, label: str) -> list[Object]:
    """The pods, as the API has them. Raises GatewayFailed."""
    try:
        return api(of.context, of.kubeconfig).listed("Pod", of.namespace, of.labels)
    except ServerError as error:
        raise GatewayFailed(f"{label} cannot be found: {error}") from None


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


class PodRoutes:
    """Where the pods of a gateway lead, as the Secret has it."""

    def __init__(self, control: GatewayPods, label: str) -> None:
        self._of, self._label = control, label

    def read(self) -> Mapping[str, str]:
        """The Secret's keys. Raises GatewayFailed."""
        try:
            found = api(self._of.context, self._of.kubeconfig).find(
                "Secret", self._of.secret, self._of.namespace
            )
        except ServerError as error:
            raise GatewayFailed(f"{self._label} cannot be asked: {error}") from None
        if found is None:
            raise GatewayFailed(
                f"{self._label} has lost its Secret {self._of.namespace}/{self._of.secret}; run `pulumi up`"
            )
        return {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}

    def write(self, **keys: str) -> None:
        """Set some of them. Raises GatewayFailed."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in keys.items()}
        try:
            api(self._of.context, self._of.kubeconfig).change(
                "Secret", self._of.secret, self._of.namespace, {"data": data}
            )
        except ServerError as error:
            raise GatewayFailed(f"{self._label} cannot be led elsewhere: {error}") from None

    def configuration(self, to: str) -> sql.Composed:
        """What a console is told to read the configuration of that way."""
        return sql.SQL("SET conffile = {}").format(sql.Literal(f"{self._of.folder}/{to}.ini"))

    def bring_mounts_up_to_date(self) -> None:
        """So that a container that is started anew in its pod begins there, too. Not waited for."""
        threading.Thread(target=self._touch, name="gateway-pods").start()

    def _touch(self) -> None:
        annotations = {"metadata": {"annotations": {TOUCHED: str(time.time())}}}
        with suppress(ServerError, GatewayFailed):
            for pod in listed(self._of, self._label):
                name = pod["metadata"]["name"]
                api(self._of.context, self._of.kubeconfig).change(
                    "Pod", name, self._of.namespace, annotations
                )
