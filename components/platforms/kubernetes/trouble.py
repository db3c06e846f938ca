"""Why pods of a namespace do not come up, in words: what a person would find with `kubectl describe`."""

from __future__ import annotations

from collections.abc import Iterator

from servers.kubernetes_api import ClusterApi, Object

_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_HOPELESS = (*_IMAGE, "CreateContainerConfigError")
"""What a container waits for that will not come by itself."""


def hopeless(api: ClusterApi, namespace: str, labels: str) -> str:
    """What keeps a pod with the labels from ever starting; empty: nothing known. Raises ServerError."""
    return next((why for why, for_good in _all(api, namespace, labels) if for_good), "")


def why_not_yet(api: ClusterApi, namespace: str, labels: str) -> str:
    """The same, and what may still pass, like a pod that no node has room for. Raises ServerError."""
    return next((why for why, _ in _all(api, namespace, labels)), "")


def _all(api: ClusterApi, namespace: str, labels: str) -> Iterator[tuple[str, bool]]:
    """What was found, worst first, with whether it is for good."""
    found = [one for pod in api.listed("Pod", namespace, labels) for one in of_pod(pod)]
    yield from sorted(found, key=lambda one: not one[1])
    for event in api.listed("Event", namespace):
        if event.get("reason") == "FailedCreate" and "exceeded quota" in str(event.get("message")):
            yield _line(str(event["message"])), False


def of_pod(pod: Object) -> Iterator[tuple[str, bool]]:
    """What one pod's status tells, each with whether it is for good."""
    name, status = pod["metadata"]["name"], pod.get("status", {})
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(kind) or ():
            waiting = container.get("state", {}).get("waiting") or {}
            reason = str(waiting.get("reason", ""))
            if reason in _IMAGE:
                yield f"{name} cannot get its image {container['image']} ({reason})", True
            elif reason in _HOPELESS:
                yield f"{name}: {reason}: {_line(str(waiting.get('message', '')))}", True
    for one in status.get("conditions") or ():
        if one["type"] == "PodScheduled" and one["status"] == "False":
            yield f"no node takes {name}: {_line(str(one.get('message', '')))}", False


def _line(text: str) -> str:
    return " ".join(text.split())[:300]
