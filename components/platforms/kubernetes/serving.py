"""After a service's cluster is there: its CA's certificate comes to this machine, and its primary answers."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pulumi
from psycopg import sql
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.platforms.kubernetes import trouble
from components.platforms.kubernetes.plan import CLUSTER
from components.platforms.provider import LocalProvider
from servers.errors import ServerError

READY_SECONDS = 900.0
"""For images that are pulled, and for standbys that copy the primary's data."""
HOPELESS_SECONDS = 30.0
"""So long what will not come by itself may be in the way: a registry that stumbles is tried again."""
_POLL_SECONDS = 0.5
_PODS = f"cnpg.io/cluster={CLUSTER}"


class InstanceProvider(LocalProvider):
    """Waits; changes nothing in the cluster but what the administrator's own statements leave in the log."""

    inputs = (
        "context", "kubeconfig", "namespace", "authority", "host", "address", "port",
        "administrator", "administrator_password", "configuration",
    )  # fmt: skip
    replaced_by = ("namespace",)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(f"{props['namespace']}/{CLUSTER}", self._serving(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        there = _authority(props)
        return ReadResult(None, {}) if there is None else ReadResult(id_, self._found(props, there))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._serving(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        Path(_props["authority"]).unlink(missing_ok=True)

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        """The certificate, here or in the state, is not the cluster's."""
        path, there = Path(props["authority"]), _authority(props)
        here = path.read_text(encoding="utf-8") if path.is_file() else None
        return there is None or here != there or props.get("certificate") != there

    def _serving(self, props: Mapping[str, Any]) -> dict[str, Any]:
        from servers import paths

        waiting = _Waiting(props)
        while (authority := _authority(props)) is None:
            waiting.goes_on("has no CA yet")
        path = Path(props["authority"])
        paths.make_passable(path.parent)
        # The shared database's server, another user's, trusts by it what it follows on the way back.
        path.write_text(authority, encoding="utf-8")
        path.chmod(0o644)
        while not _is_ready(props):
            waiting.goes_on("its instances are not ready yet")
        while True:
            try:
                connection = _connect(props)
            except psycopg.OperationalError as error:
                waiting.goes_on(str(error).strip().splitlines()[-1])
            else:
                break
        with connection:
            _keep_passwords_out_of_the_log(connection, str(props["administrator"]))
        return self._found(props, authority)

    def _found(self, props: Mapping[str, Any], authority: str) -> dict[str, Any]:
        return {**self.kept(props), "running": True, "certificate": authority}


class KubernetesInstance(Resource, module="kubernetes", name="Instance"):
    """A service's PostgreSQL, once it serves."""

    running: pulumi.Output[bool]
    certificate: pulumi.Output[str]
    """Of the CA that signs it."""

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(InstanceProvider(), name, {**props, "running": None, "certificate": None}, opts)


def _authority(props: Mapping[str, Any]) -> str | None:
    from servers.kubernetes_api import ClusterApi

    api = ClusterApi(props["context"], props.get("kubeconfig"))
    found = api.find("Secret", f"{CLUSTER}-ca", props["namespace"])
    return None if found is None else base64.b64decode(found["data"]["ca.crt"]).decode()


def _is_ready(props: Mapping[str, Any]) -> bool:
    """Whether the operator says that all instances are."""
    from servers.kubernetes_api import ClusterApi

    found = ClusterApi(props["context"], props.get("kubeconfig")).find("Cluster", CLUSTER, props["namespace"])
    conditions = (found or {}).get("status", {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


class _Waiting:
    """For a cluster to serve: until its time is up, or something is in its way that will not pass."""

    def __init__(self, props: Mapping[str, Any]) -> None:
        from servers.kubernetes_api import ClusterApi

        self._context, self._namespace = str(props["context"]), str(props["namespace"])
        self._api = ClusterApi(self._context, props.get("kubeconfig"))
        self._deadline = time.monotonic() + READY_SECONDS
        self._hopeless_since: float | None = None

    def goes_on(self, seen: str) -> None:
        """Wait a moment. Raises ServerError."""
        now = time.monotonic()
        why = trouble.hopeless(self._api, self._namespace, _PODS)
        self._hopeless_since = (self._hopeless_since or now) if why else None
        if self._hopeless_since is not None and now - self._hopeless_since > HOPELESS_SECONDS:
            raise self._given_up(f"cannot come up: {why}")
        if now > self._deadline:
            found = trouble.why_not_yet(self._api, self._namespace, _PODS) or seen
            raise self._given_up(f"does not serve after {READY_SECONDS:g} s ({found})")
        time.sleep(_POLL_SECONDS)

    def _given_up(self, seen: str) -> ServerError:
        return ServerError(
            seen,
            where=f"cluster {self._namespace}/{CLUSTER}",
            to_do=f"see `kubectl --context {self._context} -n {self._namespace} describe cluster,pods`; then"
            " run it again",
        )


def _connect(props: Mapping[str, Any]) -> psycopg.Connection[tuple[Any, ...]]:
    given = {"hostaddr": props["address"]} if props.get("address") else {}
    return psycopg.connect(
        host=props["host"],
        port=int(props["port"]),
        dbname="postgres",
        user=props["administrator"],
        password=props["administrator_password"],
        sslmode="verify-full",
        sslrootcert=props["authority"],
        connect_timeout=3,
        autocommit=True,
        application_name="waqiti-stack",
        **given,
    )


def _keep_passwords_out_of_the_log(connection: psycopg.Connection[tuple[Any, ...]], role: str) -> None:
    """The stack's own statements make roles with their passwords: they are not for the audit log."""
    for setting, value in (
        ("log_statement", "none"),
        ("log_min_duration_statement", "-1"),
        ("log_min_error_statement", "panic"),
    ):
        connection.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(
                sql.Identifier(role), sql.Identifier(setting), sql.Literal(value)
            )
        )
