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

from components.platforms.kubernetes.plan import CLUSTER
from components.platforms.provider import LocalProvider
from servers.errors import ServerError

READY_SECONDS = 180.0
_POLL_SECONDS = 0.5


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
        there = _authority(props) is not None
        return ReadResult(id_, {**self.kept(props), "running": True}) if there else ReadResult(None, {})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._serving(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        Path(_props["authority"]).unlink(missing_ok=True)

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        """The certificate on this machine is not the cluster's."""
        path = Path(props["authority"])
        return not path.is_file() or path.read_text(encoding="utf-8") != _authority(props)

    def _serving(self, props: Mapping[str, Any]) -> dict[str, Any]:
        from servers import paths

        deadline = time.monotonic() + READY_SECONDS
        while (authority := _authority(props)) is None:
            _wait(deadline, props, "has no CA yet")
        path = Path(props["authority"])
        paths.make_passable(path.parent)
        # The shared database's server, another user's, trusts by it what it follows on the way back.
        path.write_text(authority, encoding="utf-8")
        path.chmod(0o644)
        while True:
            try:
                connection = _connect(props)
            except psycopg.OperationalError as error:
                _wait(deadline, props, str(error).strip().splitlines()[-1])
            else:
                break
        with connection:
            _keep_passwords_out_of_the_log(connection, str(props["administrator"]))
        return {**self.kept(props), "running": True}


class KubernetesInstance(Resource, module="kubernetes", name="Instance"):
    """A service's PostgreSQL, once it serves."""

    running: pulumi.Output[bool]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(InstanceProvider(), name, {**props, "running": None}, opts)


def _authority(props: Mapping[str, Any]) -> str | None:
    from servers.kubernetes_api import ClusterApi

    api = ClusterApi(props["context"], props.get("kubeconfig"))
    found = api.find("Secret", f"{CLUSTER}-ca", props["namespace"])
    return None if found is None else base64.b64decode(found["data"]["ca.crt"]).decode()


def _wait(deadline: float, props: Mapping[str, Any], seen: str) -> None:
    if time.monotonic() > deadline:
        namespace, context = props["namespace"], props["context"]
        raise ServerError(
            f"does not serve after {READY_SECONDS:g} s ({seen})",
            where=f"cluster {namespace}/{CLUSTER}",
            to_do=f"see `kubectl --context {context} -n {namespace} describe cluster {CLUSTER}`, then run it"
            " again",
        )
    time.sleep(_POLL_SECONDS)


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
