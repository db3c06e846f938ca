"""A Kubernetes cluster through its API, as a kubeconfig's context reaches it. Blocking calls, no Pulumi.

The official client brings authentication and transport; objects are plain dictionaries as the API has them.
It is imported only where a cluster is asked: that takes a second.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from servers.errors import ServerError

MANAGER = "waqiti"
"""Field manager of what is applied here: https://kubernetes.io/docs/reference/using-api/server-side-apply/"""
SECONDS = 15.0

KINDS: Mapping[str, tuple[str, str]] = {
    "CustomResourceDefinition": ("apis/apiextensions.k8s.io/v1", "customresourcedefinitions"),
    "Backup": ("apis/postgresql.cnpg.io/v1", "backups"),
    "Cluster": ("apis/postgresql.cnpg.io/v1", "clusters"),
    "ConfigMap": ("api/v1", "configmaps"),
    "Deployment": ("apis/apps/v1", "deployments"),
    "EndpointSlice": ("apis/discovery.k8s.io/v1", "endpointslices"),
    "Event": ("api/v1", "events"),
    "Namespace": ("api/v1", "namespaces"),
    "NetworkPolicy": ("apis/networking.k8s.io/v1", "networkpolicies"),
    "Node": ("api/v1", "nodes"),
    "PersistentVolume": ("api/v1", "persistentvolumes"),
    "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims"),
    "Pod": ("api/v1", "pods"),
    "ScheduledBackup": ("apis/postgresql.cnpg.io/v1", "scheduledbackups"),
    "Secret": ("api/v1", "secrets"),
    "Service": ("api/v1", "services"),
    "ServiceAccount": ("api/v1", "serviceaccounts"),
    "StorageClass": ("apis/storage.k8s.io/v1", "storageclasses"),
}
"""Where the API has each kind: its group and version, its plural."""

Object = dict[str, Any]
_GROUPS = ["system:serviceaccounts", "system:authenticated"]


class _Refused(ServerError):
    """The API's own refusal, with its HTTP status."""

    def __init__(self, seen: str, *, where: str, to_do: str, status: int) -> None:
        super().__init__(seen, where=where, to_do=to_do)
        self.status = status


@dataclass(frozen=True)
class ClusterApi:
    """One cluster. All that fails is a ServerError of one line."""

    context: str
    """Of the kubeconfig: the stack's settings pin it."""
    kubeconfig: str | None = None
    """Path; None: $KUBECONFIG, else ~/.kube/config."""

    @property
    def where(self) -> str:
        """The cluster, for messages."""
        return f"Kubernetes context {self.context}"

    def version(self) -> str:
        """The server's, for example `v1.34.4`."""
        return str(self._exchange("GET", "version")["gitVersion"])

    def find(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """The object, or None where there is none. Raises ServerError."""
        return self._exchange("GET", _path(kind, namespace, name), missing=True) or None

    def listed(self, kind: str, namespace: str | None = None, labels: str = "") -> list[Object]:
        """Those with the labels (`app=gateway,...`). Raises ServerError."""
        query = [("labelSelector", labels)] if labels else []
        return list(self._exchange("GET", _path(kind, namespace), query=query).get("items") or [])

    def create(self, manifest: Object) -> bool:
        """Make the object; False where one of its name is there already, which is left as it is."""
        kind, namespace = str(manifest["kind"]), manifest["metadata"].get("namespace")
        made = self._exchange("POST", _path(kind, namespace), body=manifest, conflict=True)
        return bool(made)

    def may(self, user: str, verb: str, resource: str, namespace: str) -> bool:
        """Whether the cluster lets a user (`system:serviceaccount:NAMESPACE:NAME`) do that there: asked, not
        tried. Raises ServerError."""
        asked = {"verb": verb, "resource": resource, "namespace": namespace}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "groups": _GROUPS, "resourceAttributes": asked},
        }
        answer = self._exchange("POST", "apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        return bool(answer["status"].get("allowed"))

    def may_list(self, resource: str) -> bool:
        """Whether the context's own user may list those of the whole cluster. Raises ServerError."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"verb": "list", "resource": resource}},
        }
        answer = self._exchange("POST", "apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
        return bool(answer["status"].get("allowed"))

    def apply(self, manifest: Object) -> None:
        """Make the object, or change it to this (server-side apply). Raises ServerError."""
        meta = manifest["metadata"]
        path = _path(str(manifest["kind"]), meta.get("namespace"), meta["name"])
        query = [("fieldManager", MANAGER), ("force", "true")]
        self._exchange("PATCH", path, manifest, "application/apply-patch+yaml", query)

    def change(self, kind: str, name: str, namespace: str | None, patch: Object) -> None:
        """A JSON merge patch of an object that is there. Raises ServerError."""
        path = _path(kind, namespace, name)
        self._exchange("PATCH", path, patch, "application/merge-patch+json")

    def delete(self, kind: str, name: str, namespace: str | None = None) -> None:
        """Remove the object, where it is there. Raises ServerError."""
        self._exchange("DELETE", _path(kind, namespace, name), missing=True)

    def log(self, pod: str, namespace: str, container: str, lines: int) -> str:
        """The last lines that a container of the pod wrote; empty where there is no such pod, or it has not
        begun. Raises ServerError."""
        path = f"{_path('Pod', namespace, pod)}/log"
        query = [("container", container), ("tailLines", str(lines))]
        try:
            said = self._answer("GET", path, None, "application/json", query)
        except _Refused as refused:
            if refused.status in {400, 404}:
                return ""
            raise
        return said.decode(errors="replace")

    @cached_property
    def _client(self) -> Any:
        from kubernetes import config
        from kubernetes.config.config_exception import ConfigException

        try:
            client = config.new_client_from_config(config_file=self.kubeconfig, context=self.context)
        except (ConfigException, OSError) as error:
            raise ServerError(
                f"is not in the kubeconfig ({' '.join(str(error).split())})",
                where=self.where,
                to_do="see `kubectl config get-contexts`, and set waqiti:kubernetes.context and kubeconfig",
            ) from None
        client.configuration.retries = False
        return client

    def _exchange(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        content: str = "application/json",
        query: list[tuple[str, str]] | None = None,
        *,
        missing: bool = False,
        conflict: bool = False,
    ) -> Object:
        """The answer; an empty one for what is missing, or there already, where that is no error."""
        try:
            found: Object = json.loads(self._answer(method, path, body, content, query))
        except _Refused as refused:
            if (missing and refused.status == 404) or (conflict and refused.status == 409):
                return {}
            raise
        except ValueError as error:
            raise self._silent(error) from None
        return found

    def _answer(
        self,
        method: str,
        path: str,
        body: Object | None,
        content: str,
        query: list[tuple[str, str]] | None,
    ) -> bytes:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        client = self._client
        try:
            answer = client.call_api(
                f"/{path}",
                method,
                query_params=query or [],
                body=body,
                header_params={"Accept": "application/json", "Content-Type": content},
                auth_settings=["BearerToken"],
                _preload_content=False,
                _request_timeout=SECONDS,
            )[0]
            data: bytes = answer.data
        except ApiException as error:
            raise self._refused(error, method, path) from None
        except (HTTPError, OSError) as error:
            raise self._silent(error) from None
        return data

    def _silent(self, error: Exception) -> ServerError:
        said = " ".join(str(error).split())[:200]
        to_do = "check that the cluster runs and that this machine reaches it"
        return ServerError(f"does not answer ({said})", where=self.where, to_do=to_do)

    def _refused(self, error: Any, method: str, path: str) -> _Refused:
        try:
            said = str(json.loads(error.body)["message"])
        except (ValueError, KeyError, TypeError):
            said = str(error.reason)
        to_do = "check what it says, and the rights of the context's user"
        return _Refused(
            f"refused {method} {path}: {said}", where=self.where, to_do=to_do, status=int(error.status or 0)
        )


def _path(kind: str, namespace: str | None, name: str | None = None) -> str:
    group, plural = KINDS[kind]
    parts = [group, *(["namespaces", namespace] if namespace else []), plural, *([name] if name else [])]
    return "/".join(quote(part, safe="/.") for part in parts)
